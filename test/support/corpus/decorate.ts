/** What a file carries beside its data, all of which must survive a fold. */
import { fchmodSync, fchownSync } from "node:fs";
import { changeFlags, FileFlag, setTimes, setXattr, withFd } from "../libc.ts";
import type { Random } from "../random.ts";

/** An ACL "user::rw-, user:1234:r--, group::r--, mask::r--, other::r--" as the kernel takes it. */
function posixAcl(user: number): Buffer {
  const entries: [tag: number, permissions: number, id: number][] = [
    [0x01, 6, 0xffffffff],
    [0x02, 4, user],
    [0x04, 4, 0xffffffff],
    [0x10, 4, 0xffffffff],
    [0x20, 4, 0xffffffff],
  ];
  const acl = Buffer.alloc(4 + entries.length * 8);
  acl.writeUInt32LE(2, 0);
  entries.forEach(([tag, permissions, id], k) => {
    acl.writeUInt16LE(tag, 4 + k * 8);
    acl.writeUInt16LE(permissions, 6 + k * 8);
    acl.writeUInt32LE(id, 8 + k * 8);
  });
  return acl;
}

interface Decoration {
  readonly name: string;
  readonly probability: number;
  /** Only for files whose data has checksums: the others cannot be compressed. */
  readonly needsChecksums?: boolean;
  apply(path: Buffer, random: Random): void;
}

/** In an order in which the later do not undo or forbid the earlier. */
export const DECORATIONS: readonly Decoration[] = [
  {
    name: "owner",
    probability: 0.3,
    apply: (path, random) => {
      withFd(path, (fd) => {
        fchownSync(fd, random.between(0, 70_000), random.between(0, 70_000));
      });
    },
  },
  {
    name: "mode",
    probability: 0.3,
    apply: (path, random) => {
      withFd(path, (fd) => {
        fchmodSync(fd, random.pick([0o000, 0o400, 0o444, 0o777, 0o4755, 0o6711, 0o1600]));
      });
    },
  },
  {
    name: "xattrs",
    probability: 0.3,
    apply: (path, random) => {
      setXattr(path, "user.note", random.bytes(random.between(0, 3000)));
      setXattr(path, "trusted.mark", random.bytes(20));
      if (random.chance(0.5)) setXattr(path, "security.refold-test", "s");
    },
  },
  {
    name: "acl",
    probability: 0.2,
    apply: (path, random) => {
      setXattr(path, "system.posix_acl_access", posixAcl(random.between(1, 60_000)));
    },
  },
  {
    name: "compression property",
    probability: 0.15,
    needsChecksums: true,
    apply: (path, random) => {
      setXattr(path, "btrfs.compression", random.pick(["zstd", "lzo", "zlib", "none"]));
    },
  },
  {
    name: "odd mtime",
    probability: 0.4,
    apply: (path, random) => {
      const seconds = random.pick([0n, 1n, -1_000_000n, 951_782_400n, 4_294_967_296n, 13_569_465_600n]);
      setTimes(path, seconds, BigInt(random.below(1_000_000_000)));
    },
  },
  {
    name: "flags",
    probability: 0.15,
    apply: (path, random) => {
      changeFlags(path, random.pick([FileFlag.noDump, FileFlag.noAtime, FileFlag.sync]));
    },
  },
  {
    name: "append-only",
    probability: 0.04,
    apply: (path) => {
      changeFlags(path, FileFlag.append);
    },
  },
  {
    name: "immutable",
    probability: 0.06,
    apply: (path) => {
      changeFlags(path, FileFlag.immutable);
    },
  },
];

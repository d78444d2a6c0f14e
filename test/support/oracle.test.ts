/** The oracle is the judge of all else, so it is tried on volumes whose truth is known by construction. */
import { closeSync, linkSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exec } from "./exec.ts";
import {
  changeFlags,
  dedupeRange,
  fallocate,
  FALLOC_PUNCH_HOLE,
  FileFlag,
  setTimes,
  setXattr,
  withFd,
} from "./libc.ts";
import { consultOracle, unfinished, type Oracle } from "./oracle.ts";
import { Random } from "./random.ts";
import { diffStates, snapshotState } from "./state.ts";
import { LoopVolume } from "./volume.ts";

/** Groups as sorted lists of names, one string a group. */
function names(oracle: Oracle, minSize = 1): string[] {
  return oracle
    .groups(minSize)
    .map((group) =>
      group.files
        .flatMap((file) => file.paths.map(String))
        .sort()
        .join(" "),
    )
    .sort();
}

function reflink(from: string, to: string): void {
  exec("cp", ["--reflink=always", from, to]);
}

/** FIDEDUPERANGE of one range at the same place of two files. */
function dedupe(source: string, target: string, offset: number, length: number): void {
  withFd(source, (from) => {
    withFd(target, (to) => {
      expect(dedupeRange(from, offset, length, to, offset)).toBe(length);
    });
  });
}

describe("oracle", () => {
  test("finds planted duplicates and nothing else", () => {
    using volume = LoopVolume.create({ size: "512M" });
    const random = new Random(1);
    const at = (name: string): string => join(volume.path, name);
    volume.createSubvolume("sub");
    const twin = random.bytes(10_000);
    writeFileSync(at("a1"), twin);
    writeFileSync(at("sub/a2"), twin);
    linkSync(at("a1"), at("a1-link"));
    // One byte less, one byte other, at each end and in the middle.
    writeFileSync(at("short"), twin.subarray(0, 9_999));
    for (const place of [0, 5_000, 9_999]) {
      const other = Buffer.from(twin);
      other[place] = (other[place] ?? 0) ^ 1;
      writeFileSync(at(`differs-${place}`), other);
    }
    // Shares everything already.
    writeFileSync(at("b1"), random.bytes(50_000));
    volume.sync();
    reflink(at("b1"), at("b2"));
    // Shares all but the middle.
    const half = random.bytes(65_536);
    writeFileSync(at("c1"), half);
    volume.sync();
    reflink(at("c1"), at("c2"));
    const fd = openSync(at("c2"), "r+");
    writeSync(fd, half, 16_384, 4096, 16_384);
    closeSync(fd);
    // Nothing on disk.
    writeFileSync(at("inline1"), "small");
    writeFileSync(at("inline2"), "small");
    writeFileSync(at("empty1"), "");
    writeFileSync(at("empty2"), "");
    for (const name of ["hole1", "hole2"]) {
      writeFileSync(at(name), "");
      truncateSync(at(name), 40_960);
    }
    // The same zeros, but written.
    writeFileSync(at("zeros"), Buffer.alloc(40_960));
    volume.sync();
    expect(names(consultOracle(volume.path))).toEqual(["a1 a1-link sub/a2", "c1 c2", "hole1 hole2 zeros"]);
    expect(names(consultOracle(volume.path), 10_001)).toEqual(["c1 c2", "hole1 hole2 zeros"]);
    // A snapshot's files are files of their own, which share what was not rewritten.
    volume.snapshot("sub", "snap", { readOnly: true });
    expect(names(consultOracle(volume.path))[0]).toBe("a1 a1-link snap/a2 sub/a2");
  });

  test("sees through extents that the kernel has split, plain and compressed", () => {
    using volume = LoopVolume.create({ size: "512M" });
    const at = (name: string): string => join(volume.path, name);
    for (const [name, data] of [
      ["plain", new Random(2).bytes(1 << 20)],
      ["zstd", Buffer.alloc(1 << 20, "compressible ")],
    ] as const) {
      for (const copy of ["1", "2"]) {
        writeFileSync(at(name + copy), "");
        if (name === "zstd") setXattr(at(name + copy), "btrfs.compression", "zstd");
        writeFileSync(at(name + copy), data, { flag: "r+" });
      }
    }
    volume.sync();
    expect(names(consultOracle(volume.path))).toEqual(["plain1 plain2", "zstd1 zstd2"]);
    for (const name of ["plain", "zstd"]) {
      for (let offset = 0; offset < 1 << 20; offset += 1 << 16) {
        dedupe(at(`${name}1`), at(`${name}2`), offset, 1 << 16);
        volume.sync();
        const left = names(consultOracle(volume.path)).includes(`${name}1 ${name}2`);
        expect(left, `${name} at ${offset}`).toBe(offset + (1 << 16) < 1 << 20);
      }
    }
  });

  test("agrees with FIEMAP about plain files", () => {
    using volume = LoopVolume.create({ size: "512M" });
    const random = new Random(3);
    const path = join(volume.path, "f");
    writeFileSync(path, random.bytes(300_000));
    volume.sync();
    withFd(
      path,
      (fd) => {
        fallocate(fd, FALLOC_PUNCH_HOLE, 40_960, 8192);
      },
      2,
    );
    const fd = openSync(path, "r+");
    writeSync(fd, random.bytes(4096), 0, 4096, 122_880);
    fallocate(fd, 0, 300_000, 200_000);
    closeSync(fd);
    volume.sync();
    const [file] = consultOracle(volume.path).files;
    const map = exec("filefrag", ["-v", "-b4096", path]);
    const blocks = (from: string): string[] =>
      [...from.matchAll(/^ +\d+: +(\d+)\.\. *\d+: +(\d+)\.\. *\d+: +(\d+):/gm)].flatMap((match) =>
        Array.from({ length: Number(match[3]) }, (_, k) => `${Number(match[1]) + k}>${Number(match[2]) + k}`),
      );
    const own = (file?.pieces ?? []).flatMap((piece) =>
      Array.from({ length: piece.length / 4096 }, (_, k) => {
        const physical = (piece.diskBytenr + piece.offset) / 4096 + k;
        return `${piece.logical / 4096 + k}>${physical}`;
      }),
    );
    expect(own.length).toBeGreaterThan(100);
    // On one device of single data the addresses of btrfs differ from the device's by a constant.
    const shift = (list: string[]): string[] => {
      const first = Number(list[0]?.split(">")[1]);
      return list.map((item) => `${item.split(">")[0] ?? ""}>${Number(item.split(">")[1]) - first}`);
    };
    expect(shift(own)).toEqual(shift(blocks(map)));
  });

  test("knows what cannot be folded", () => {
    using volume = LoopVolume.create({ size: "512M" });
    const at = (name: string): string => join(volume.path, name);
    const data = new Random(4).bytes(20_000);
    mkdirSync(at("nocow"));
    changeFlags(at("nocow"), FileFlag.noCow);
    writeFileSync(at("cow"), data);
    writeFileSync(at("nocow/copy"), data);
    volume.sync();
    const [nocowGroup] = consultOracle(volume.path).groups(1);
    expect(nocowGroup?.files).toHaveLength(2);
    expect(nocowGroup && unfinished(nocowGroup, false)).toEqual([]);
    writeFileSync(at("cow2"), data);
    volume.sync();
    const [openGroup] = consultOracle(volume.path).groups(1);
    expect(openGroup && unfinished(openGroup, false).length).toBe(1);
    changeFlags(at("cow2"), FileFlag.immutable);
    const [half] = consultOracle(volume.path).groups(1);
    expect(half && unfinished(half, false).join()).toMatch(/"cow" .*\n.*onto .*"cow2"/);
    changeFlags(at("cow"), FileFlag.immutable);
    const [done] = consultOracle(volume.path).groups(1);
    expect(done && unfinished(done, false)).toEqual([]);
  });
});

describe("state", () => {
  test("tells every change of what must survive", () => {
    using volume = LoopVolume.create({ size: "512M" });
    const at = (name: string): string => join(volume.path, name);
    writeFileSync(at("f"), "content");
    linkSync(at("f"), at("g"));
    const changes: [string, () => void][] = [
      [
        "sha256",
        () => {
          writeFileSync(at("f"), "contenT");
          setTimes(at("f"), 5n, 0n);
        },
      ],
      [
        "mtime",
        () => {
          setTimes(at("f"), 5n, 1n);
        },
      ],
      [
        "mode",
        () => {
          exec("chmod", ["4711", at("f")]);
        },
      ],
      [
        "owner",
        () => {
          exec("chown", ["12:34", at("f")]);
        },
      ],
      [
        "xattr user.x",
        () => {
          setXattr(at("f"), "user.x", "1");
        },
      ],
      [
        "xattr trusted.x",
        () => {
          setXattr(at("f"), "trusted.x", "1");
        },
      ],
      [
        "xattr btrfs.compression",
        () => {
          setXattr(at("f"), "btrfs.compression", "lzo");
        },
      ],
      [
        "xattr system.posix_acl_access",
        () => {
          exec("setfacl", ["-m", "u:77:r", at("f")]);
        },
      ],
      [
        "flags",
        () => {
          changeFlags(at("f"), FileFlag.noDump);
        },
      ],
      [
        "links",
        () => {
          linkSync(at("f"), at("h"));
        },
      ],
    ];
    for (const [what, change] of changes) {
      const before = snapshotState(volume.path);
      expect(diffStates(before, snapshotState(volume.path))).toEqual([]);
      change();
      const differences = diffStates(before, snapshotState(volume.path));
      expect(differences.join("\n"), what).toContain(`"f": ${what} was`);
    }
  });
});

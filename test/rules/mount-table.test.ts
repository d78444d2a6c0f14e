/** Which mount a path lies on, from tables as the kernel writes them. */
import { expect, test } from "vitest";
import { mountOf, readMountTable } from "../../src-helper/volumes/mounts.ts";

const TABLE = readMountTable(
  Buffer.from(`22 1 0:20 /@ / rw - btrfs /dev/sda2 rw
30 22 0:20 /@home /home rw - btrfs /dev/sda2 rw
31 30 8:1 / /home/anna/disk rw - ext4 /dev/sdb1 rw
32 22 0:21 / /mnt/with\\040space rw - btrfs /dev/sdc rw
40 22 8:2 / /old/deep rw - ext4 /dev/sdd rw
41 22 0:22 / /old rw - btrfs /dev/sde rw
50 22 8:3 / /twice rw - ext4 /dev/sdf rw
51 50 0:23 / /twice rw - btrfs /dev/sdg rw
`),
);

test.each([
  ["/", 22],
  ["/etc", 22],
  ["/home", 30],
  ["/home2", 22],
  ["/home/anna", 30],
  ["/home/anna/disk", 31],
  ["/home/anna/disk/x", 31],
  ["/mnt/with space/folder", 32],
  // mounted before something was mounted over the folder above it: nobody gets there any more
  ["/old/deep/x", 41],
  ["/twice/x", 51],
])("%s", (path, id) => {
  expect(mountOf(Buffer.from(path), TABLE)?.id).toBe(id);
});

test("where the root directory is no mount point, as after chroot", () => {
  const table = TABLE.filter(({ id }) => id !== 22);
  expect(mountOf(Buffer.from("/home/anna"), table)?.id).toBe(30);
  expect(mountOf(Buffer.from("/etc"), table)).toBeUndefined();
});

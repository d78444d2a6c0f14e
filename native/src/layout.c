// SPDX-License-Identifier: GPL-3.0-or-later
/* The kernel's structures as Refold takes them to be, checked at compile time. */
#include "internal.h"

#include <linux/fs.h>

_Static_assert(sizeof(struct btrfs_ioctl_search_key) == 104, "search key");
_Static_assert(sizeof(struct btrfs_ioctl_search_header) == 32, "search header");
_Static_assert(offsetof(struct btrfs_ioctl_search_args_v2, buf) == 112, "search args");
_Static_assert(sizeof(struct btrfs_inode_item) == 160, "inode item");
_Static_assert(offsetof(struct btrfs_inode_item, size) == 16, "inode item size");
_Static_assert(offsetof(struct btrfs_inode_item, flags) == 64, "inode item flags");
_Static_assert(offsetof(struct btrfs_inode_item, mtime) == 136, "inode item mtime");
_Static_assert(sizeof(struct btrfs_file_extent_item) == 53, "file extent item");
_Static_assert(offsetof(struct btrfs_file_extent_item, disk_bytenr) == 21, "extent address");
_Static_assert(offsetof(struct btrfs_file_extent_item, num_bytes) == 45, "extent length");
_Static_assert(sizeof(struct btrfs_dir_item) == 30, "directory item");
_Static_assert(sizeof(struct btrfs_inode_ref) == 10, "inode reference");
_Static_assert(offsetof(struct btrfs_inode_extref, name) == 18, "extended inode reference");
_Static_assert(sizeof(struct btrfs_extent_item) == 24, "extent item");
_Static_assert(sizeof(struct btrfs_root_ref) == 18, "root reference");
/* src-helper/btrfs/root-tree.ts reads these at these places */
_Static_assert(offsetof(struct btrfs_root_item, generation) == 160, "root generation");
_Static_assert(offsetof(struct btrfs_root_item, flags) == 208, "root flags");
_Static_assert(offsetof(struct btrfs_root_item, refs) == 216, "root references");
_Static_assert(offsetof(struct btrfs_root_item, generation_v2) == 239, "root generation, again");
_Static_assert(offsetof(struct btrfs_root_item, uuid) == 247, "root uuid");
_Static_assert(offsetof(struct btrfs_root_item, parent_uuid) == 263, "root parent uuid");
_Static_assert(offsetof(struct btrfs_root_item, received_uuid) == 279, "root received uuid");
_Static_assert(offsetof(struct btrfs_root_item, ctransid) == 295, "root ctransid");
_Static_assert(offsetof(struct btrfs_root_item, otransid) == 303, "root otransid");
_Static_assert(sizeof(struct btrfs_ioctl_fs_info_args) == 1024, "fs info");
_Static_assert(sizeof(struct btrfs_ioctl_dev_info_args) == 4096, "device info");
_Static_assert(sizeof(struct btrfs_ioctl_ino_lookup_args) == 4096, "inode look-up");
_Static_assert(sizeof(struct btrfs_ioctl_defrag_range_args) == 48, "defrag range");
_Static_assert(sizeof(struct file_dedupe_range) == 24, "dedupe range");
_Static_assert(sizeof(struct file_dedupe_range_info) == 32, "dedupe destination");
_Static_assert(sizeof(struct fsxattr) == 28, "fsxattr");

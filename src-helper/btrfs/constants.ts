/** linux/btrfs_tree.h and linux/btrfs.h, by their names there. */
export const ROOT_TREE = 1;
export const FS_TREE = 5;
export const FIRST_FREE_OBJECTID = 256;
/** -256 as the kernel's unsigned key. */
export const LAST_FREE_OBJECTID = 0xffff_ffff_ffff_ff00n;

/** -9 as the kernel's unsigned key: where data lies while it is moved. */
export const DATA_RELOC_TREE = 0xffff_ffff_ffff_fff7n;

/** -5 as the kernel's unsigned key: of items that name inodes without a name. */
export const ORPHAN_OBJECTID = 0xffff_ffff_ffff_fffbn;

export const KEY = {
  inodeItem: 1,
  inodeRef: 12,
  inodeExtref: 13,
  orphanItem: 48,
  dirItem: 84,
  rootItem: 132,
  rootBackref: 144,
} as const;

/** btrfs_inode_item.flags */
export const INODE = { nodatasum: 1, nodatacow: 2, immutable: 64, append: 128 } as const;

/** btrfs_root_item.flags */
export const ROOT_READONLY = 1;

export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFDIR = 0o040000;

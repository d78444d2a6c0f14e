/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Refold's native library: the btrfs ioctls, the file locks and the loops that
 * must be fast. src-helper/native/library.ts binds every function here.
 *
 * Conventions
 *   - A function returns >= 0 on success and -errno on failure. Nothing here
 *     throws, prints or keeps state between calls.
 *   - 64-bit quantities that JavaScript reads (sizes, byte addresses, inode
 *     numbers, generations) are passed as double: exact below 2^53, which is
 *     8 PiB of address space. Values that may exceed it (the special negative
 *     objectids) are passed as uint64_t.
 *   - Buffers belong to the caller. A function that needs a larger one returns
 *     -EMSGSIZE and changes nothing.
 *   - Functions marked [long] may run for seconds: call them off the event
 *     loop. They look at control->cancel and return -ECANCELED soon after it
 *     is set; they add to control->done as they go.
 */
#ifndef REFOLD_H
#define REFOLD_H

#include <stddef.h>
#include <stdint.h>

#define RF_EXPORT __attribute__((visibility("default")))
#define RF_ABI_VERSION 9

/* Shared with JavaScript as a Float64Array(4): it writes cancel, reads done. */
struct rf_control {
	volatile double cancel; /* non-zero: stop at the next safe place */
	volatile double done;   /* units are the function's own */
	volatile double bytes;  /* bytes of file data read */
	volatile double spare;
};

RF_EXPORT int rf_abi_version(void);

/* ------------------------------------------------------------- volume.c */

/* BTRFS_IOC_FS_INFO. out: devices, nodesize, sectorsize, csum_type,
 * csum_size, generation, max_devid. uuid: 16 bytes. Needs no privilege. */
#define RF_FS_INFO_FIELDS 7
RF_EXPORT int rf_fs_info(int fd, double *out, uint8_t *uuid);
/* BTRFS_IOC_GET_FSLABEL. label: 256 bytes, NUL terminated. */
RF_EXPORT int rf_label(int fd, uint8_t *label);
/* BTRFS_IOC_DEV_INFO. out: total_bytes, bytes_used. path: 1024 bytes.
 * -ENODEV where there is no device of that id. */
RF_EXPORT int rf_dev_info(int fd, double devid, double *out, uint8_t *path);
/* BTRFS_IOC_SPACE_INFO. out: triples (flags, total, used). Returns how many. */
RF_EXPORT int rf_space_info(int fd, double *out, int max);
/* The top level of the filesystem on `device` as a detached mount (fsopen,
 * fsmount: Linux 5.2): reaches every subvolume, is in no mount namespace, and
 * dies with its fd. Returns the fd of the mount's root directory;
 * *mount_fd must be closed after it. */
RF_EXPORT int rf_mount_top(const char *device, int *mount_fd);
RF_EXPORT int rf_open_dir(const char *path);
RF_EXPORT int rf_close(int fd);
RF_EXPORT int rf_syncfs(int fd); /* [long] */
/* flock(LOCK_EX|LOCK_NB): -EWOULDBLOCK where somebody else has it. */
RF_EXPORT int rf_flock(int fd);
/* SO_PEERCRED. out: pid, uid, gid. */
RF_EXPORT int rf_peercred(int fd, double *out);
/* Idle (3) or best-effort (2) I/O class and the nice value, for every thread
 * of the process and those they start later. */
RF_EXPORT int rf_set_priority(int io_class, int io_level, int nice_value);

/* ------------------------------------------------------------- search.c */

/* One BTRFS_IOC_TREE_SEARCH_V2 call. buf receives the items as the kernel
 * lays them out: struct btrfs_ioctl_search_header, then `len` bytes.
 * Returns the number of items. */
RF_EXPORT int rf_tree_search(int fd, uint64_t tree, uint64_t min_objectid,
	uint32_t min_type, uint64_t min_offset, uint64_t max_objectid,
	uint32_t max_type, uint64_t max_offset, uint64_t min_transid,
	uint8_t *buf, uint32_t buf_size);

/* --------------------------------------------------------------- walk.c */

/* One record a directory or regular file, RF_RECORD_FIELDS doubles each. */
enum rf_record {
	RF_INO,        /* inode number */
	RF_GENERATION, /* transid of its creation: tells a reused number apart */
	RF_TRANSID,    /* transid of its last change */
	RF_SIZE,       /* bytes */
	RF_MODE,       /* st_mode; 0: there is no such inode (rf_read_inodes) */
	RF_FLAGS,      /* BTRFS_INODE_* */
	RF_NLINK,
	RF_UID,
	RF_MTIME,       /* seconds */
	RF_PARENT,      /* a directory that names it; 0 where none was seen */
	RF_BLOB_OFFSET, /* its packed extents in blob */
	RF_BLOB_LENGTH,
	RF_EXTENTS,   /* pieces on disk */
	RF_LAYOUT,    /* 53-bit hash of where its data lies: equal for two files
	               * of one size exactly when they share all their data */
	RF_TRAITS,    /* RF_HAS_* */
	RF_DISK_BYTES, /* bytes of its pieces on disk, as the file sees them */
	RF_EXTENT_GENERATION, /* transid of its newest extent item; 0: it has none */
	RF_RECORD_FIELDS
};
enum rf_traits {
	RF_HAS_DISK = 1,       /* at least one extent on disk */
	RF_HAS_INLINE = 2,     /* data inside the metadata */
	RF_HAS_COMPRESSED = 4,
	RF_HAS_PREALLOC = 8,
	RF_HAS_BEYOND_EOF = 16, /* an extent reaches past the end of the file */
	RF_HAS_OPT_OUT = 32,    /* its attribute user.refold.dedupe is "never" */
	RF_HAS_PARENTS = 64     /* named by more than one directory */
};

/*
 * Packed extents ("blob"): pieces in file order, each of LEB128 varints, all
 * lengths in sectors of the filesystem:
 *   kind   0 plain, 1 preallocated, 2 inline, 3 zlib, 4 lzo, 5 zstd
 *   gap    sectors of hole since the end of the piece before
 *   length sectors of the file that it covers (inline: bytes)
 * and, but for inline:
 *   start  zigzag difference to the piece before's disk_bytenr
 *   offset first sector used inside the (uncompressed) extent
 *   disk   sectors of the whole extent on disk (disk_num_bytes)
 *   ram    sectors of the whole extent uncompressed, compressed kinds only
 */

/* [long] Walks subvolume `tree` from inode *cursor on. Stops when a buffer is
 * full; *cursor is then the next inode, or 0 at the end. Returns the number
 * of records. control->done counts inodes.
 *
 * With a min_transid only leaves written in or after it are read, and told is
 * every inode with an item of its own in one. What lies in older leaves is not
 * in the record; where the inode item does, or it is neither file nor
 * directory, mode is 0. */
RF_EXPORT int rf_walk(int fd, double tree, uint32_t sectorsize, double min_transid,
	double *cursor, double *records, uint32_t max_records, uint8_t *blob,
	uint32_t blob_size, struct rf_control *control);
/* [long] The same records for the n inodes listed; *cursor is the index of
 * the next one to do and reaches n at the end. */
RF_EXPORT int rf_read_inodes(int fd, double tree, uint32_t sectorsize,
	const double *inos, uint32_t n, double *cursor, double *records,
	uint32_t max_records, uint8_t *blob, uint32_t blob_size,
	struct rf_control *control);
/* [long] Inodes with an item in a leaf written in or after min_transid.
 * *cursor as in rf_walk. Returns how many. */
RF_EXPORT int rf_changed_inodes(int fd, double tree, double min_transid,
	double *cursor, double *inos, uint32_t max_inos, struct rf_control *control);
/* [long] The inodes that n directories name (DIR_INDEX), subvolumes left out.
 * cursor: directory and offset to go on from; { 0, 0 } at first, { n, 0 } at
 * the end. */
RF_EXPORT int rf_dir_children(int fd, double tree, const double *dirs, uint32_t n,
	double *cursor, double *inos, uint32_t max_inos, struct rf_control *control);

/* -------------------------------------------------------------- names.c */

/* [long] A name of each of n inodes of a subvolume, listed in ascending order,
 * from the index *cursor on. Stops when names is full; *cursor is then the
 * index of the next one, and n at the end. Returns how many were done.
 * parents[k]: the directory that names it, 0 where it has no name or is gone.
 * ends[k]: where its name ends in names; it begins where the one before ends,
 * the first of a call at 0. An inode of several names is told by the first.
 * control->done counts inodes. */
RF_EXPORT int rf_read_names(int fd, double tree, const double *inos, uint32_t n,
	double *cursor, double *parents, uint32_t *ends, uint8_t *names,
	uint32_t names_size, struct rf_control *control);

/* --------------------------------------------------------------- csum.c */

enum rf_print_status {
	RF_PRINT_PLAIN = 0,  /* comparable with any other plain print */
	RF_PRINT_OPAQUE = 1, /* has compressed data: comparable only with files
	                      * encoded and laid out alike */
	RF_PRINT_UNKNOWN = 2 /* some block has no checksum (NOCOW, inline) */
};
/*
 * [long] Fingerprints n files from the checksum tree, without their data.
 * tasks: for each file a uint32 blob length and the blob; sizes: bytes.
 * prints: 16 bytes a file. bodies: 16 bytes a file, the print without a last
 * block that the file fills in part only: cutting a file inside a block leaves
 * the old block and its checksum, so that equal files may differ in it.
 * status: one enum rf_print_status a file.
 * control->done counts checksummed bytes. Order of the pieces on disk and the
 * way they are split do not change a plain print.
 */
RF_EXPORT int rf_csum_prints(int fd, uint32_t sectorsize, uint32_t csum_size,
	const uint8_t *tasks, uint32_t tasks_size, const double *sizes, uint32_t n,
	uint8_t *prints, uint8_t *bodies, uint8_t *status, struct rf_control *control);

/* --------------------------------------------------------------- read.c */

enum rf_read_mode {
	RF_READ_SAMPLE = 0, /* first, middle and last block */
	RF_READ_WHOLE = 1,
	RF_READ_TAIL = 2 /* the last block alone, added to what prints holds: a body
	                  * becomes the whole print */
};
/*
 * [long] Reads n files through `dir` (any fd of the volume).
 * files: 4 doubles each: subvolume, inode, generation, size.
 * prints: 16 bytes a file. A whole read of a crc32c volume gives exactly the
 * plain print of rf_csum_prints; a sample gives a hash of the sampled blocks.
 * strong: 16 bytes a file (whole only), a second independent hash.
 * errors: one int32 a file: 0, or -errno (-ESTALE: no longer there, -EAGAIN:
 * its size is not the one given).
 * What was not in the page cache before is dropped from it again.
 */
RF_EXPORT int rf_read_prints(int dir, uint32_t sectorsize, const double *files,
	uint32_t n, int mode, uint8_t *prints, uint8_t *strong, int32_t *errors,
	struct rf_control *control);
/* crc32c as btrfs stores it, for tests and tools. */
RF_EXPORT uint32_t rf_crc32c(const uint8_t *data, uint32_t length);

/* ---------------------------------------------------------------- lock.c */

/* Opens an inode by its file handle (open_by_handle_at), O_RDONLY, so that no
 * path is walked: the kernel answers -ESTALE unless subvolume, inode and
 * generation all match. `dir`: any fd of the volume; its mount decides whether
 * the file can be written to. */
RF_EXPORT int rf_open_inode(int dir, double subvol, double ino, double generation);
/* fd -> out: subvolume, inode, generation, size, mode, uid, mtime, device
 * (st_dev). Works on files and directories of btrfs. -ENOTTY elsewhere. */
#define RF_IDENTITY_FIELDS 8
RF_EXPORT int rf_identity(int fd, double *out);
/* 1 where the file is immutable, 0 where not (FS_IOC_FSGETXATTR). */
RF_EXPORT int rf_is_immutable(int fd);
/* Sets or clears only the immutable flag (FS_IOC_FSSETXATTR). FS_IOC_SETFLAGS
 * would rewrite the file's compression property on the way. */
RF_EXPORT int rf_set_immutable(int fd, int on);
/* Read lease: -EAGAIN where any process has the file open for writing or
 * mapped writable. Later writers wait until it is given up. */
RF_EXPORT int rf_lease(int fd);
RF_EXPORT int rf_unlease(int fd);
/* 1: a writer is waiting for the lease; 0: nobody; -errno. */
RF_EXPORT int rf_lease_broken(int fd);

/*
 * Locks n files for a fold, in order; one failing never stops the rest.
 * files: 4 doubles each: subvolume, inode, generation, flags (RF_LOCK_*).
 * out: RF_LOCK_FIELDS doubles each: fd (-1 where it failed), stage
 * (enum rf_lock_stage), error (errno, 0 for none), set_immutable (1 where
 * this call set the flag), was_immutable, size.
 * A file that failed is left exactly as it was, its fd closed; set_immutable
 * with no fd says that even clearing the flag failed. Dirty pages of a file
 * that was locked are written out: the trees have its extents.
 */
enum rf_lock_flags { RF_LOCK_IMMUTABLE = 1 /* set +i; else only the lease */ };
enum rf_lock_stage {
	RF_STAGE_OPEN = 0,
	RF_STAGE_FLAGS = 1,
	RF_STAGE_IMMUTABLE = 2,
	RF_STAGE_LEASE = 3,
	RF_STAGE_DONE = 4
};
#define RF_LOCK_FIELDS 6
RF_EXPORT int rf_lock_files(int dir, const double *files, uint32_t n, double *out);
/* Clears +i where clear[k] is 1, gives the lease up, closes. errors[k]: the
 * errno of clearing, or 0. fds of -1 are passed over. */
RF_EXPORT int rf_unlock_files(const int32_t *fds, const uint8_t *clear,
	uint32_t n, int32_t *errors);

/* -------------------------------------------------------------- dedupe.c */

/* [long] FIDEDUPERANGE of one source range onto n (<= 127) destinations.
 * status: per destination 0 = same and shared, 1 = differs, or -errno.
 * bytes: bytes_deduped as the kernel says (not what was freed). */
RF_EXPORT int rf_dedupe(int src, double offset, double length,
	const int32_t *fds, const double *offsets, uint32_t n, int32_t *status,
	double *bytes);
/* [long] Reads a range into the page cache. Returns pages that were not there
 * before; resident: one byte a page of the range, 1 where it was there, or
 * NULL. */
RF_EXPORT int rf_readahead(int fd, double offset, double length, uint8_t *resident,
	struct rf_control *control);
/* [long] Drops from the page cache the pages of a range that `resident` says
 * were not there before. */
RF_EXPORT int rf_drop_cache(int fd, double offset, double length, const uint8_t *resident);
/* [long] BTRFS_IOC_DEFRAG_RANGE of a whole file, target extent size in bytes.
 * -ECANCELED between two stretches of 64 MiB; what is done stays done. */
RF_EXPORT int rf_defrag(int fd, double extent_thresh, struct rf_control *control);
/* [long] Which of the n extents (ascending disk_bytenr) are still there, as
 * written in or before `generation`: alive[k] 1 or 0. Reads the extent tree. */
RF_EXPORT int rf_extents_alive(int fd, const double *bytenrs, uint32_t n,
	double generation, uint8_t *alive, struct rf_control *control);

/* -------------------------------------------------------------- owners.c */

/* [long] BTRFS_IOC_LOGICAL_INO_V2: who refers to any part of the extent at
 * bytenr, as of the last commit. owners: room for `max` pairs (subvolume,
 * inode), one a reference, so that a file can come twice. Returns how many, at
 * most some 2,700; 0 where the extent is gone. Needs CAP_SYS_ADMIN. */
RF_EXPORT int rf_extent_owners(int fd, double bytenr, double *owners, uint32_t max);

/* ---------------------------------------------------------------- deep.c */

/*
 * [long] Finds ranges of blocks with equal checksums, at any place, among the
 * pieces given; reads the checksum tree and no data. What it finds are
 * candidates: only the kernel's compare says that data is the same.
 * pieces: 4 doubles each: first sector on disk, sectors, the sector at which the
 * file goes on (-1: nowhere), and 0, or for a compressed extent (always whole) a
 * number that is equal for extents of one encoding and length.
 * The pieces are worked on in place: afterwards they are fewer, joined, and as
 * good for another call. sums_fd: what rf_deep_read wrote, or -1; sectors from
 * 2^45 on are those of its slots.
 * memory: bytes that it may take; with less the sample of blocks looked up is
 * thinner. min_run: sectors; blocks of zeros begin and end no run. csum_type:
 * BTRFS_CSUM_TYPE_*.
 * out: triples: first sector, sectors, canonical sector: blocks of one canonical
 * sector are equal; that sector itself belongs to them and has no entry. Sectors
 * 0: two compressed extents that are equal, by their first sectors.
 * stats: 3 doubles: one block of so many was looked up, anchors kept, pieces
 * left.
 * Returns the number of triples; -EMSGSIZE where they are more than max_out.
 * control->done counts bytes of the pieces.
 */
RF_EXPORT int rf_deep_runs(int fd, uint32_t sectorsize, uint32_t csum_size, double *pieces,
	uint32_t n, int sums_fd, uint32_t csum_type, double memory, uint32_t min_run, double *out, uint32_t max_out,
	double *stats, struct rf_control *control);

/* ----------------------------------------------------------- deep_read.c */

/*
 * [long] Reads ranges of files and writes the checksums of their blocks to a
 * file, 8 bytes a block: of data that has none of its own to compare by, since
 * it is compressed or NOCOW.
 * tasks: RF_DEEP_TASK_FIELDS doubles each: subvolume, inode, generation, offset
 * in the file (bytes), sectors, the slot in the file of the first one, and 1
 * where the file has no checksums. A block that could not be read, or that the
 * file does not fill, is left out.
 * Returns the number of tasks that could not be read to the end; -errno where
 * out cannot be written. control->done counts bytes. What was not in the page
 * cache before is dropped from it again.
 */
#define RF_DEEP_TASK_FIELDS 7
RF_EXPORT int rf_deep_read(int dir, uint32_t sectorsize, uint32_t csum_type, const double *tasks,
	uint32_t n, int out, struct rf_control *control);

/* ------------------------------------------------------------- rewrite.c */

/* An O_TMPFILE in the directory. storage: 0 not compressed whatever the mount
 * says, 1 zlib, 2 lzo, 3 zstd, 4 NOCOW, which is without checksums. Returns its
 * fd. */
RF_EXPORT int rf_temp_file(int dir, int storage);
/* FICLONERANGE. */
RF_EXPORT int rf_clone_range(int from, double offset, double length, int to, double target);
RF_EXPORT int rf_truncate(int fd, double size);
/* [long] Copies a range to the same range of another file: new extents, shared
 * with nothing. -EAGAIN where the source ends before. */
RF_EXPORT int rf_copy_range(int from, int to, double offset, double length,
	struct rf_control *control);

/* ---------------------------------------------------------------- fold.c */

/* Writes out the dirty pages of a file and waits until its extents stand in the
 * trees (FIEMAP_FLAG_SYNC); next to nothing where there are none. */
RF_EXPORT int rf_flush(int fd);
/* [long] Opens files and begins to read ranges of them, for as many files as a
 * fold takes at once. A hint: nothing fails as a whole.
 * files: 4 doubles each: subvolume, inode, generation, number of ranges.
 * ranges: 2 doubles each, offset and length, file after file.
 * fds: -errno where a file could not be opened.
 * immutable: 1, 0 or -errno.
 * resident: a byte a page, range after range: 1 where it was there before. */
RF_EXPORT int rf_prefetch(int dir, const double *files, uint32_t n, const double *ranges,
	int32_t *fds, int32_t *immutable, uint8_t *resident, struct rf_control *control);
/* [long] Undoes rf_prefetch: drops the pages that were not there before, and
 * closes the files. */
RF_EXPORT int rf_drop_prefetched(const int32_t *fds, uint32_t n, const double *files,
	const double *ranges, const uint8_t *resident);
/*
 * [long] FIDEDUPERANGE step by step, of many sources onto many destinations.
 * steps: RF_STEP_FIELDS doubles each: source fd, offset, length, number of
 * entries (<= RF_STEP_MAX). entries: for all steps in turn, the destinations of
 * a step as indexes into fds; offsets are the same on both sides.
 * clear[d]: 1 where +i is to be cleared before the first step of d; 0 after.
 * status: one an entry: 0 same and shared, 1 differs, -errno of the kernel, or
 * one of enum rf_step_status. A destination that failed is passed over in the
 * steps after. A destination that a writer waits for gives up its lease here.
 * control->done counts bytes compared.
 */
enum rf_step_status {
	RF_STEP_WANTED = 2,        /* a writer waits for the destination */
	RF_STEP_SOURCE_WANTED = 3, /* a writer waits for the source */
	RF_STEP_PASSED = 4,        /* failed in a step before */
	RF_STEP_CANCELLED = 5,
	RF_STEP_FLAG = 4096 /* + errno: +i could not be cleared */
};
#define RF_STEP_FIELDS 4
#define RF_STEP_MAX 32
RF_EXPORT int rf_dedupe_steps(const double *steps, uint32_t n, const int32_t *entries,
	const int32_t *fds, uint8_t *clear, uint32_t destinations, int32_t *status,
	struct rf_control *control);

/* -------------------------------------------------------------- harden.c */

/* Gives up, in the calling thread and for good, every capability whose bit is
 * not set in the mask: effective, permitted, inheritable, ambient and bounding
 * set. Sets no_new_privs. Other threads keep theirs: see rf_exec. */
RF_EXPORT int rf_restrict(double capabilities);
/* execve(2). words, environment: NUL-terminated strings one after another. Only
 * fds 0 to 2 are passed on. Returns only where it failed. */
RF_EXPORT int rf_exec(const char *path, uint8_t *words, uint32_t words_size,
	uint8_t *environment, uint32_t environment_size);
/* No core dump, and no ptrace or /proc of this process for others of its user. */
RF_EXPORT int rf_no_dump(void);
/* A seccomp filter for all threads: calls that Refold never makes fail with
 * EPERM, those of another architecture end the process. observe: 1 refuses the
 * calls as well that start programs, mount at a path or change a file.
 * -ENOSYS where there is no filter for this machine. */
RF_EXPORT int rf_seccomp(int observe);

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Opening files by handle, the immutable flag, and read leases.
 *
 * The immutable flag is changed with FS_IOC_FSSETXATTR, never with
 * FS_IOC_SETFLAGS: btrfs takes the latter's compression bits as an order, and
 * rewrites the file's btrfs.compression property with the mount's algorithm
 * (fs/btrfs/ioctl.c, btrfs_fileattr_set).
 */
#include "internal.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* fs/btrfs/export.h: struct btrfs_fid without a parent. */
#define FILEID_BTRFS_WITHOUT_PARENT 0x4d


int rf_open_inode(int dir, double subvol, double ino, double generation)
{
	union {
		struct file_handle head;
		uint8_t bytes[sizeof(struct file_handle) + 20];
	} handle;
	uint64_t objectid = (uint64_t)ino, root = (uint64_t)subvol;
	uint32_t gen = (uint32_t)(uint64_t)generation;
	uint8_t *fid = handle.bytes + offsetof(struct file_handle, f_handle);
	int fd;

	handle.head.handle_bytes = 20;
	handle.head.handle_type = FILEID_BTRFS_WITHOUT_PARENT;
	memcpy(fid, &objectid, 8);
	memcpy(fid + 8, &root, 8);
	memcpy(fid + 16, &gen, 4);
	do {
		/* NONBLOCK: a FIFO or a foreign lease must not hold us up */
		fd = open_by_handle_at(dir, &handle.head,
			O_RDONLY | O_NOATIME | O_NONBLOCK | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rf_identity(int fd, double *out)
{
	struct btrfs_ioctl_ino_lookup_args lookup = {
		.objectid = BTRFS_FIRST_FREE_OBJECTID,
	};
	struct stat st;
	int generation = 0;

	if (fstat(fd, &st) != 0)
		return -errno;
	/* treeid 0: the tree that holds fd; answers without privilege */
	if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) != 0)
		return -errno;
	if (ioctl(fd, FS_IOC_GETVERSION, &generation) != 0)
		return -errno;
	out[0] = (double)lookup.treeid;
	out[1] = (double)st.st_ino;
	out[2] = (double)(uint32_t)generation;
	out[3] = (double)st.st_size;
	out[4] = st.st_mode;
	out[5] = st.st_uid;
	out[6] = (double)st.st_mtime;
	out[7] = (double)st.st_dev;
	return 0;
}

int rf_is_immutable(int fd)
{
	struct fsxattr attr;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) != 0)
		return -errno;
	return attr.fsx_xflags & FS_XFLAG_IMMUTABLE ? 1 : 0;
}

int rf_set_immutable(int fd, int on)
{
	struct fsxattr attr;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) != 0)
		return -errno;
	if (on)
		attr.fsx_xflags |= FS_XFLAG_IMMUTABLE;
	else
		attr.fsx_xflags &= ~(uint32_t)FS_XFLAG_IMMUTABLE;
	return ioctl(fd, FS_IOC_FSSETXATTR, &attr) != 0 ? -errno : 0;
}

int rf_lease(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
		return -errno;
	/* a lease break is told by a signal, by default SIGIO, which kills;
	 * SIGURG is ignored unless asked for, and rf_lease_broken asks instead */
	if (fcntl(fd, F_SETSIG, SIGURG) != 0) {
		int error = -errno;

		fcntl(fd, F_SETLEASE, F_UNLCK);
		return error;
	}
	return 0;
}

int rf_unlease(int fd)
{
	return fcntl(fd, F_SETLEASE, F_UNLCK) != 0 ? -errno : 0;
}

int rf_lease_broken(int fd)
{
	int type = fcntl(fd, F_GETLEASE);

	return type < 0 ? -errno : type != F_RDLCK;
}

static void lock_file(int dir, const double *file, double *out)
{
	bool flag = ((unsigned)file[3] & RF_LOCK_IMMUTABLE) != 0;
	struct stat st;
	int fd, ret;

	out[0] = -1;
	out[1] = RF_STAGE_OPEN;
	out[2] = out[3] = out[4] = out[5] = 0;
	fd = rf_open_inode(dir, file[0], file[1], file[2]);
	if (fd < 0) {
		out[2] = -fd;
		return;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		out[2] = ESTALE;
		close(fd);
		return;
	}
	out[5] = (double)st.st_size;
	out[1] = RF_STAGE_FLAGS;
	ret = rf_is_immutable(fd);
	if (ret < 0)
		goto fail;
	out[4] = ret;
	if (flag && ret == 0) {
		out[1] = RF_STAGE_IMMUTABLE;
		ret = rf_set_immutable(fd, 1);
		if (ret < 0)
			goto fail;
		out[3] = 1;
	}
	out[1] = RF_STAGE_LEASE;
	ret = rf_lease(fd);
	if (ret < 0)
		goto fail;
	/* nobody can write to it any more; an error shows in the compare */
	rf_flush(fd);
	out[1] = RF_STAGE_DONE;
	out[0] = fd;
	return;
fail:
	out[2] = -ret;
	if (out[3] != 0 && rf_set_immutable(fd, 0) == 0)
		out[3] = 0; /* else the journal's entry stays open, and repair mends it */
	close(fd);
}

int rf_lock_files(int dir, const double *files, uint32_t n, double *out)
{
	for (uint32_t k = 0; k < n; k++)
		lock_file(dir, files + 4 * (size_t)k, out + RF_LOCK_FIELDS * (size_t)k);
	return 0;
}

int rf_unlock_files(const int32_t *fds, const uint8_t *clear, uint32_t n, int32_t *errors)
{
	for (uint32_t k = 0; k < n; k++) {
		errors[k] = 0;
		if (fds[k] < 0)
			continue;
		if (clear[k])
			errors[k] = rf_set_immutable(fds[k], 0);
		rf_unlease(fds[k]);
		close(fds[k]);
	}
	return 0;
}

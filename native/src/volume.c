// SPDX-License-Identifier: GPL-3.0-or-later
/* What a filesystem says of itself, and a way to reach all of it. */
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int rf_abi_version(void)
{
	return RF_ABI_VERSION;
}

int rf_fs_info(int fd, double *out, uint8_t *uuid)
{
	struct btrfs_ioctl_fs_info_args args = {
		.flags = BTRFS_FS_INFO_FLAG_CSUM_INFO | BTRFS_FS_INFO_FLAG_GENERATION,
	};

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &args) != 0)
		return -errno;
	out[0] = (double)args.num_devices;
	out[1] = args.nodesize;
	out[2] = args.sectorsize;
	/* kernels before 5.9 do not tell: they had nothing but crc32c */
	out[3] = args.flags & BTRFS_FS_INFO_FLAG_CSUM_INFO ? args.csum_type : 0;
	out[4] = args.flags & BTRFS_FS_INFO_FLAG_CSUM_INFO ? args.csum_size : 4;
	out[5] = args.flags & BTRFS_FS_INFO_FLAG_GENERATION ? (double)args.generation : 0;
	out[6] = (double)args.max_id;
	memcpy(uuid, args.fsid, sizeof args.fsid);
	return 0;
}

int rf_label(int fd, uint8_t *label)
{
	char text[BTRFS_LABEL_SIZE] = { 0 };

	if (ioctl(fd, BTRFS_IOC_GET_FSLABEL, text) != 0)
		return -errno;
	memcpy(label, text, sizeof text);
	label[BTRFS_LABEL_SIZE - 1] = 0;
	return 0;
}

int rf_dev_info(int fd, double devid, double *out, uint8_t *path)
{
	struct btrfs_ioctl_dev_info_args args = { .devid = (uint64_t)devid };

	if (ioctl(fd, BTRFS_IOC_DEV_INFO, &args) != 0)
		return -errno;
	out[0] = (double)args.total_bytes;
	out[1] = (double)args.bytes_used;
	memcpy(path, args.path, sizeof args.path);
	path[sizeof args.path - 1] = 0;
	return 0;
}

int rf_space_info(int fd, double *out, int max)
{
	struct btrfs_ioctl_space_args count = { 0 }, *args;
	int n = 0;

	if (ioctl(fd, BTRFS_IOC_SPACE_INFO, &count) != 0)
		return -errno;
	args = calloc(1, sizeof *args + count.total_spaces * sizeof args->spaces[0]);
	if (!args)
		return -ENOMEM;
	args->space_slots = count.total_spaces;
	if (ioctl(fd, BTRFS_IOC_SPACE_INFO, args) != 0) {
		n = -errno;
		free(args);
		return n;
	}
	for (; n < max && (uint64_t)n < args->total_spaces; n++) {
		out[3 * n] = (double)args->spaces[n].flags;
		out[3 * n + 1] = (double)args->spaces[n].total_bytes;
		out[3 * n + 2] = (double)args->spaces[n].used_bytes;
	}
	free(args);
	return n;
}

/* glibc has wrappers from 2.36 on only. */
static int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, 0);
}

int rf_mount_top(const char *device, int *mount_fd)
{
	int fs = (int)syscall(SYS_fsopen, "btrfs", FSOPEN_CLOEXEC);
	int mnt, dir, error;

	*mount_fd = -1;
	if (fs < 0)
		return -errno;
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", device) != 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "subvolid", "5") != 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) != 0) {
		error = -errno;
		close(fs);
		return error;
	}
	mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	error = -errno;
	close(fs);
	if (mnt < 0)
		return error;
	dir = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		error = -errno;
		close(mnt);
		return error;
	}
	*mount_fd = mnt;
	return dir;
}

/* The paths are the kernel's own (mountinfo) or resolved already: one that has
 * become a link since then leads somewhere else. */
int rf_open_dir(const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

int rf_close(int fd)
{
	return close(fd) != 0 ? -errno : 0;
}

int rf_syncfs(int fd)
{
	return syncfs(fd) != 0 ? -errno : 0;
}

int rf_flock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) != 0 ? -errno : 0;
}

int rf_peercred(int fd, double *out)
{
	struct ucred cred;
	socklen_t length = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) != 0)
		return -errno;
	out[0] = cred.pid;
	out[1] = cred.uid;
	out[2] = cred.gid;
	return 0;
}

/* ioprio_set(2): no header of the C library has these. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_SHIFT 13

/* Linux keeps both per thread, and the thread pool may be there already. */
int rf_set_priority(int io_class, int io_level, int nice_value)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int ret = 0;

	if (!tasks)
		return -errno;
	while ((entry = readdir(tasks)) != NULL) {
		int tid = atoi(entry->d_name);

		if (tid == 0)
			continue;
		if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid,
			    (io_class << IOPRIO_CLASS_SHIFT) | io_level) != 0 && errno != ESRCH)
			ret = -errno;
		if (setpriority(PRIO_PROCESS, (id_t)tid, nice_value) != 0 && errno != ESRCH)
			ret = -errno;
	}
	closedir(tasks);
	return ret;
}

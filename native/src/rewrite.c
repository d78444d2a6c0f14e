// SPDX-License-Identifier: GPL-3.0-or-later
/* Temporary files that a fold of ranges makes on the volume itself: unlinked at
 * birth (O_TMPFILE), so that nothing of them can stay behind. */
#include "internal.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define COPY_BUFFER (1024 * 1024)

int rf_temp_file(int dir, int storage)
{
	static const char *const names[] = { "", "zlib", "lzo", "zstd" };
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int flags = 0, error = 0;

	if (fd < 0)
		return -errno;
	if (storage < 0 || storage > 4) {
		error = -EINVAL;
	} else if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) {
		error = -errno;
	} else {
		/* inherited from the directory: not what the data was stored with */
		flags &= ~(FS_NOCOW_FL | FS_COMPR_FL | FS_NOCOMP_FL);
		if (storage == 0)
			flags |= FS_NOCOMP_FL;
		else if (storage == 4)
			flags |= FS_NOCOW_FL;
		if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0)
			error = -errno;
		else if (storage > 0 && storage < 4 &&
			 fsetxattr(fd, "btrfs.compression", names[storage], strlen(names[storage]), 0) != 0)
			error = -errno;
	}
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int rf_clone_range(int from, double offset, double length, int to, double target)
{
	struct file_clone_range range = { .src_fd = from, .src_offset = (uint64_t)offset,
		.src_length = (uint64_t)length, .dest_offset = (uint64_t)target };

	return ioctl(to, FICLONERANGE, &range) != 0 ? -errno : 0;
}

int rf_truncate(int fd, double size)
{
	return ftruncate(fd, (off_t)size) != 0 ? -errno : 0;
}

int rf_copy_range(int from, int to, double offset, double length, struct rf_control *control)
{
	uint64_t at = (uint64_t)offset, end = at + (uint64_t)length;
	uint8_t *buffer = malloc(COPY_BUFFER);
	int ret = buffer ? 0 : -ENOMEM;

	/* by hand: copy_file_range(2) would share the old extents */
	while (ret == 0 && at < end) {
		size_t want = end - at < COPY_BUFFER ? (size_t)(end - at) : COPY_BUFFER;
		ssize_t n;

		if (cancelled(control)) {
			ret = -ECANCELED;
			break;
		}
		n = pread(from, buffer, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ret = n < 0 ? -errno : -EAGAIN;
			break;
		}
		for (ssize_t done = 0; done < n && ret == 0;) {
			ssize_t w = pwrite(to, buffer + done, (size_t)(n - done), (off_t)at + done);

			if (w > 0)
				done += w;
			else if (w == 0 || errno != EINTR)
				ret = w == 0 ? -EIO : -errno;
		}
		at += (uint64_t)n;
	}
	free(buffer);
	return ret;
}

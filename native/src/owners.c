// SPDX-License-Identifier: GPL-3.0-or-later
/* Who refers to an extent, as the kernel's own search of back references says. */
#include "internal.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#define CONTAINER_BYTES (64 * 1024)
/* one (inode, offset, subvolume) a reference */
#define VALUES 3

int rf_extent_owners(int fd, double bytenr, double *owners, uint32_t max)
{
	struct btrfs_data_container *container = calloc(1, CONTAINER_BYTES);
	struct btrfs_ioctl_logical_ino_args args = {
		.logical = (uint64_t)bytenr,
		.size = CONTAINER_BYTES,
		/* references to any part of the extent, not only to its first block */
		.flags = BTRFS_LOGICAL_INO_ARGS_IGNORE_OFFSET,
		.inodes = (uintptr_t)container,
	};
	uint32_t n = 0;

	if (!container)
		return -ENOMEM;
	if (ioctl(fd, BTRFS_IOC_LOGICAL_INO_V2, &args) != 0) {
		int err = errno;

		free(container);
		return err == ENOENT ? 0 : -err;
	}
	for (uint32_t k = 0; k + VALUES <= container->elem_cnt && n < max; k += VALUES) {
		owners[2 * n] = (double)container->val[k + 2];
		owners[2 * n + 1] = (double)container->val[k];
		n++;
	}
	free(container);
	return (int)n;
}

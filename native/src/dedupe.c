// SPDX-License-Identifier: GPL-3.0-or-later
/* FIDEDUPERANGE and what belongs to it: read-ahead, the page cache, what became
 * free (ioctl_fideduperange(2), linux/fs.h). */
#include "internal.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel takes one page of arguments. */
#define MAX_DESTINATIONS 127
#define PAGE 4096
#define DEFRAG_STRETCH (64ULL << 20)

int rf_dedupe(int src, double offset, double length, const int32_t *fds,
	const double *offsets, uint32_t n, int32_t *status, double *bytes)
{
	struct file_dedupe_range *range;
	int ret = 0;

	if (n == 0 || n > MAX_DESTINATIONS)
		return -EINVAL;
	range = calloc(1, sizeof *range + n * sizeof range->info[0]);
	if (!range)
		return -ENOMEM;
	range->src_offset = (uint64_t)offset;
	range->src_length = (uint64_t)length;
	range->dest_count = (uint16_t)n;
	for (uint32_t k = 0; k < n; k++) {
		range->info[k].dest_fd = fds[k];
		range->info[k].dest_offset = (uint64_t)offsets[k];
	}
	if (ioctl(src, FIDEDUPERANGE, range) != 0)
		ret = -errno;
	for (uint32_t k = 0; k < n; k++) {
		status[k] = ret ? ret : range->info[k].status;
		bytes[k] = ret ? 0 : (double)range->info[k].bytes_deduped;
	}
	free(range);
	return ret;
}

int rf_resident(int fd, uint64_t offset, uint64_t length, uint8_t *resident)
{
	uint64_t first = offset / PAGE * PAGE;
	size_t size = (size_t)(offset + length - first);
	size_t pages = (size + PAGE - 1) / PAGE;
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)first);
	int ret = 0;

	if (map == MAP_FAILED)
		return -errno;
	if (mincore(map, size, resident) != 0)
		ret = -errno;
	munmap(map, size);
	for (size_t k = 0; ret == 0 && k < pages; k++)
		resident[k] &= 1;
	return ret;
}

/* readahead(2) cuts what is asked for down to the device's read-ahead size
 * (mm/readahead.c, force_page_cache_ra: 4 MiB by btrfs' default, less where
 * somebody set it), and the kernel's compare then reads the rest page by page:
 * so it is asked for in pieces that are not cut. */
#define READAHEAD_PIECE (128u << 10)

static int read_ahead(int fd, uint64_t offset, uint64_t length)
{
	for (uint64_t done = 0; done < length; done += READAHEAD_PIECE) {
		uint64_t n = length - done < READAHEAD_PIECE ? length - done : READAHEAD_PIECE;

		if (readahead(fd, (off_t)(offset + done), (size_t)n) != 0)
			return -errno;
	}
	return 0;
}

int rf_readahead(int fd, double offset, double length, uint8_t *resident,
	struct rf_control *control)
{
	uint64_t from = (uint64_t)offset, size = (uint64_t)length;
	size_t pages = (size_t)((from % PAGE + size + PAGE - 1) / PAGE);
	uint8_t *map = resident ? resident : malloc(pages ? pages : 1);
	int missing = 0, ret;

	if (size == 0 || !map) {
		if (map != resident)
			free(map);
		return size == 0 ? 0 : -ENOMEM;
	}
	ret = rf_resident(fd, from, size, map);
	if (ret == 0) {
		for (size_t k = 0; k < pages; k++)
			missing += !map[k];
		if (missing > 0)
			ret = read_ahead(fd, from, size);
	}
	if (ret == 0 && control)
		control->bytes += (double)missing * PAGE;
	if (map != resident)
		free(map);
	return ret < 0 ? ret : missing;
}

int rf_drop_cache(int fd, double offset, double length, const uint8_t *resident)
{
	uint64_t first = (uint64_t)offset / PAGE * PAGE;
	size_t pages = (size_t)(((uint64_t)offset - first + (uint64_t)length + PAGE - 1) / PAGE);

	for (size_t k = 0; k < pages;) {
		size_t end = k;

		while (end < pages && !resident[end])
			end++;
		if (end > k)
			posix_fadvise(fd, (off_t)(first + k * PAGE), (off_t)((end - k) * PAGE),
				POSIX_FADV_DONTNEED);
		k = end + 1;
	}
	return 0;
}

int rf_defrag(int fd, double extent_thresh, struct rf_control *control)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	for (uint64_t at = 0; at < (uint64_t)st.st_size; at += DEFRAG_STRETCH) {
		struct btrfs_ioctl_defrag_range_args args = {
			.start = at,
			.len = DEFRAG_STRETCH,
			.extent_thresh = (uint32_t)extent_thresh,
			.flags = BTRFS_DEFRAG_RANGE_START_IO,
		};

		if (cancelled(control))
			return -ECANCELED;
		if (ioctl(fd, BTRFS_IOC_DEFRAG_RANGE, &args) != 0)
			return -errno;
	}
	return 0;
}

int rf_extents_alive(int fd, const double *bytenrs, uint32_t n, double generation,
	uint8_t *alive, struct rf_control *control)
{
	struct tree_search s;
	int ret = search_open(&s, fd, BTRFS_EXTENT_TREE_OBJECTID, 128 * 1024);

	if (ret < 0)
		return ret;
	for (uint32_t k = 0; k < n; k++) {
		uint64_t bytenr = (uint64_t)bytenrs[k];

		if (cancelled(control)) {
			ret = -ECANCELED;
			break;
		}
		alive[k] = 0;
		search_range(&s, (struct tree_key){ bytenr, BTRFS_EXTENT_ITEM_KEY, 0 },
			(struct tree_key){ bytenr, BTRFS_EXTENT_ITEM_KEY, UINT64_MAX }, 0);
		ret = search_next(&s);
		if (ret < 0)
			break;
		if (ret > 0) {
			const struct btrfs_extent_item *item = (const void *)s.data;

			/* a later extent may have been put where ours was */
			alive[k] = load64(&item->generation) <= (uint64_t)generation;
		}
		if (control)
			control->done++;
	}
	search_close(&s);
	return ret < 0 ? ret : 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* What a fold does for many files in one call: reading ahead, the dedupe steps
 * themselves, and giving the page cache back. */
#include "internal.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE 4096

static size_t pages_of(double offset, double length)
{
	return (size_t)(((uint64_t)offset % PAGE + (uint64_t)length + PAGE - 1) / PAGE);
}

int rf_flush(int fd)
{
	/* one byte, so that no more than one extent is looked up; the flush is of
	 * the whole file all the same (fs/ioctl.c, fiemap_prep) */
	struct fiemap map = { .fm_length = 1, .fm_flags = FIEMAP_FLAG_SYNC };

	return ioctl(fd, FS_IOC_FIEMAP, &map) != 0 ? -errno : 0;
}

int rf_prefetch(int dir, const double *files, uint32_t n, const double *ranges, int32_t *fds,
	int32_t *immutable, uint8_t *resident, struct rf_control *control)
{
	for (uint32_t k = 0; k < n; k++, files += 4) {
		uint32_t count = (uint32_t)files[3];

		fds[k] = cancelled(control) ? -ECANCELED :
			rf_open_inode(dir, files[0], files[1], files[2]);
		immutable[k] = fds[k] < 0 ? fds[k] : rf_is_immutable(fds[k]);
		for (uint32_t r = 0; r < count; r++, ranges += 2) {
			size_t pages = pages_of(ranges[0], ranges[1]);

			/* what could not be read must not be dropped either */
			if (fds[k] < 0 || cancelled(control) ||
			    rf_readahead(fds[k], ranges[0], ranges[1], resident, control) < 0)
				memset(resident, 1, pages);
			resident += pages;
		}
	}
	return 0;
}

int rf_drop_prefetched(const int32_t *fds, uint32_t n, const double *files, const double *ranges,
	const uint8_t *resident)
{
	for (uint32_t k = 0; k < n; k++, files += 4) {
		for (uint32_t r = 0; r < (uint32_t)files[3]; r++, ranges += 2) {
			if (fds[k] >= 0)
				rf_drop_cache(fds[k], ranges[0], ranges[1], resident);
			resident += pages_of(ranges[0], ranges[1]);
		}
		if (fds[k] >= 0)
			close(fds[k]);
	}
	return 0;
}

/* Makes a destination ready for a step: 0, or the status that says why not. */
static int32_t make_ready(int fd, uint8_t *clear)
{
	bool wanted = rf_lease_broken(fd) != 0;

	if (*clear) {
		int ret = rf_set_immutable(fd, 0);

		if (ret < 0)
			return RF_STEP_FLAG - ret;
		*clear = 0;
	}
	if (wanted) {
		rf_unlease(fd); /* whoever waits for it goes on at once */
		return RF_STEP_WANTED;
	}
	return 0;
}

int rf_dedupe_steps(const double *steps, uint32_t n, const int32_t *entries, const int32_t *fds,
	uint8_t *clear, uint32_t destinations, int32_t *status, struct rf_control *control)
{
	bool *failed = calloc(destinations ? destinations : 1, sizeof *failed);
	int lost = -1; /* a source that somebody waits for */
	int ret = 0;

	if (!failed)
		return -ENOMEM;
	for (uint32_t k = 0; k < n; k++, steps += RF_STEP_FIELDS) {
		int32_t live[RF_STEP_MAX], result[RF_STEP_MAX];
		double offsets[RF_STEP_MAX], bytes[RF_STEP_MAX];
		uint32_t place[RF_STEP_MAX], count = (uint32_t)steps[3], used = 0;
		int source = (int)steps[0];

		if (count > RF_STEP_MAX) {
			ret = -EINVAL;
			break;
		}
		if (source != lost && rf_lease_broken(source) != 0)
			lost = source;
		for (uint32_t e = 0; e < count; e++) {
			int32_t d = entries[e];

			if (failed[d])
				status[e] = RF_STEP_PASSED;
			else if (cancelled(control))
				status[e] = RF_STEP_CANCELLED;
			else if (source == lost)
				status[e] = RF_STEP_SOURCE_WANTED;
			else
				status[e] = make_ready(fds[d], &clear[d]);
			if (status[e] != 0) {
				failed[d] = true;
				continue;
			}
			live[used] = fds[d];
			offsets[used] = steps[1];
			place[used++] = e;
		}
		if (used > 0 && rf_dedupe(source, steps[1], steps[2], live, offsets, used, result, bytes) < 0) {
			/* refused as a whole: the others must not pay for one */
			for (uint32_t u = 0; u < used; u++)
				rf_dedupe(source, steps[1], steps[2], &live[u], &offsets[u], 1, &result[u],
					&bytes[u]);
		}
		for (uint32_t u = 0; u < used; u++) {
			status[place[u]] = result[u];
			failed[entries[place[u]]] = result[u] != 0;
		}
		if (control)
			control->done += steps[2] * used;
		entries += count;
		status += count;
	}
	free(failed);
	return ret;
}

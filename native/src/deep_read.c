// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Checksums of blocks that the checksum tree does not have: of what compressed
 * extents hold when uncompressed, and of files without checksums. They are
 * written to a file, 8 bytes a block, that rf_deep_runs reads; 0 is a block
 * that was not read.
 */
#include "deep.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES (1024 * 1024)
/* Where a block cannot be read, what is compressed with it cannot either. */
#define SKIP_BYTES (128 * 1024)

struct range_reader {
	int dir, out, fd;
	uint32_t sectorsize, csum_type;
	double open[3]; /* subvolume, inode, generation of fd */
	uint8_t *buffer, *resident;
	uint64_t *sums, zero;
	struct rf_control *control;
};

static int open_file(struct range_reader *r, const double *task)
{
	if (r->fd >= 0 && memcmp(r->open, task, sizeof r->open) == 0)
		return 0;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = rf_open_inode(r->dir, task[0], task[1], task[2]);
	if (r->fd < 0)
		return r->fd;
	memcpy(r->open, task, sizeof r->open);
	posix_fadvise(r->fd, 0, 0, POSIX_FADV_RANDOM);
	return 0;
}

/* Reads to the end of the file, or to what cannot be read. */
static size_t read_most(int fd, uint8_t *buffer, size_t n, uint64_t offset, bool *failed)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, buffer + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			*failed = true;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

static int write_fully(int fd, const void *data, size_t n, uint64_t offset)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = pwrite(fd, (const uint8_t *)data + done, n - done, (off_t)(offset + done));

		if (put > 0)
			done += (size_t)put;
		else if (put == 0 || errno != EINTR)
			return put == 0 ? -EIO : -errno;
	}
	return 0;
}

/* Up to READ_BYTES of a task. *part: in, how much; out, how much is dealt with.
 * Returns 0, 1 where some of it could not be read, or -errno where nothing can
 * go on. */
static int read_part(struct range_reader *r, uint64_t offset, size_t *part, uint64_t slot, bool unsummed)
{
	size_t n = *part, pages = (n + 4095) / 4096, blocks, got;
	bool failed = false;
	int ret;
	/* exactly what is wanted: what the kernel read ahead beyond would stay in the cache */
	bool known = rf_readahead(r->fd, (double)offset, (double)n, r->resident, NULL) >= 0;

	got = read_most(r->fd, r->buffer, n, offset, &failed);
	if (known)
		rf_drop_cache(r->fd, (double)offset, (double)(pages * 4096), r->resident);
	if (r->control) {
		r->control->bytes += (double)got;
		r->control->done += (double)got;
	}
	/* a block that the file does not fill is shared with none */
	blocks = got / r->sectorsize;
	for (size_t k = 0; k < blocks; k++) {
		uint64_t sum;

		block_sum(r->csum_type, r->buffer + k * r->sectorsize, r->sectorsize, &sum);
		r->sums[k] = deep_stored_sum(r->csum_type, sum, unsummed && sum != r->zero);
	}
	ret = write_fully(r->out, r->sums, blocks * sizeof *r->sums, slot * sizeof *r->sums);
	if (ret == 0 && failed) {
		uint64_t next = (offset + blocks * r->sectorsize) / SKIP_BYTES * SKIP_BYTES + SKIP_BYTES;

		*part = next - offset < n ? (size_t)(next - offset) : n;
		ret = 1;
	}
	return ret;
}

int rf_deep_read(int dir, uint32_t sectorsize, uint32_t csum_type, const double *tasks, uint32_t n,
	int out, struct rf_control *control)
{
	struct range_reader r = { .dir = dir, .out = out, .fd = -1, .sectorsize = sectorsize,
		.csum_type = csum_type, .zero = deep_zero_sum(csum_type, sectorsize), .control = control };
	int ret = 0, failed = 0;

	if (sectorsize < RF_MIN_SECTOR || sectorsize > 65536 || csum_type > BTRFS_CSUM_TYPE_BLAKE2)
		return -EINVAL;
	r.buffer = malloc(READ_BYTES);
	r.resident = malloc(READ_BYTES / 4096 + 1);
	r.sums = malloc(READ_BYTES / sectorsize * sizeof *r.sums);
	if (!r.buffer || !r.resident || !r.sums)
		ret = -ENOMEM;
	for (uint32_t k = 0; k < n && ret == 0; k++, tasks += RF_DEEP_TASK_FIELDS) {
		uint64_t offset = (uint64_t)tasks[3], left = (uint64_t)tasks[4] * sectorsize;
		uint64_t slot = (uint64_t)tasks[5];
		bool missed = open_file(&r, tasks) < 0;

		while (r.fd >= 0 && ret >= 0 && left > 0) {
			size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;

			ret = cancelled(control) ? -ECANCELED :
						   read_part(&r, offset, &want, slot, tasks[6] != 0);
			missed = missed || ret > 0;
			offset += want;
			slot += want / sectorsize;
			left -= want;
		}
		failed += missed;
		ret = ret < 0 ? ret : 0;
	}
	if (r.fd >= 0)
		close(r.fd);
	free(r.buffer);
	free(r.resident);
	free(r.sums);
	return ret < 0 ? ret : failed;
}

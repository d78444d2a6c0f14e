// SPDX-License-Identifier: GPL-3.0-or-later
/* Prints of files whose checksums cannot decide: compressed, NOCOW, inline,
 * or so small that one checksum is too weak. Same sum as csum.c's. */
#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BUFFER (1024 * 1024)
#define STRONG_BASE_1 0x11d3b80c2fe95a67ULL
#define STRONG_BASE_2 0x07c84e91da63f5b3ULL

struct reader {
	uint32_t sectorsize, zero;
	uint8_t *buffer;
	struct rf_control *control;
	uint64_t sum[2], power[2], strong[2];
};

/* Reads fully or to the end of the file. */
static ssize_t read_at(int fd, uint8_t *buffer, size_t n, uint64_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, buffer + done, n - done, (off_t)(offset + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static void add_block(struct reader *r, const uint8_t *block)
{
	uint64_t v = poly_add(crc32c(block, r->sectorsize), POLY_P - r->zero);

	r->sum[0] = poly_add(r->sum[0], poly_mul(v, r->power[0]));
	r->sum[1] = poly_add(r->sum[1], poly_mul(v, r->power[1]));
	r->power[0] = poly_mul(r->power[0], POLY_BASE_1 % POLY_P);
	r->power[1] = poly_mul(r->power[1], POLY_BASE_2 % POLY_P);
}

static void add_strong(struct reader *r, const uint8_t *block)
{
	for (uint32_t k = 0; k < r->sectorsize; k += 4) {
		uint64_t v = load32(block + k) + 1ULL;

		r->strong[0] = poly_add(poly_mul(r->strong[0], STRONG_BASE_1), v);
		r->strong[1] = poly_add(poly_mul(r->strong[1], STRONG_BASE_2), v);
	}
}

static void reset(struct reader *r)
{
	r->sum[0] = r->sum[1] = 0;
	r->power[0] = r->power[1] = 1;
	r->strong[0] = r->strong[1] = 1;
}

static int read_sample(struct reader *r, int fd, uint64_t size)
{
	uint64_t blocks = (size + r->sectorsize - 1) / r->sectorsize;
	uint64_t wanted[3] = { 0, blocks / 2, blocks - 1 };

	for (int k = 0; k < 3; k++) {
		ssize_t n;

		if (k > 0 && wanted[k] == wanted[k - 1])
			continue;
		memset(r->buffer, 0, r->sectorsize);
		n = read_at(fd, r->buffer, r->sectorsize, wanted[k] * r->sectorsize);
		if (n < 0)
			return (int)n;
		if (r->control)
			r->control->bytes += (double)n;
		add_block(r, r->buffer);
	}
	return 0;
}

/* The last block, at its place in the file's sum. */
static int read_tail(struct reader *r, int fd, uint64_t size)
{
	uint64_t last = (size - 1) / r->sectorsize;
	ssize_t n;

	memset(r->buffer, 0, r->sectorsize);
	n = read_at(fd, r->buffer, (size_t)(size - last * r->sectorsize), last * r->sectorsize);
	if (n < 0)
		return (int)n;
	if (r->control)
		r->control->bytes += (double)n;
	r->power[0] = poly_pow(1, last);
	r->power[1] = poly_pow(2, last);
	add_block(r, r->buffer);
	return 0;
}

static int read_whole(struct reader *r, int fd, uint64_t size, bool strong)
{
	for (uint64_t offset = 0; offset < size; offset += READ_BUFFER) {
		size_t want = size - offset < READ_BUFFER ? (size_t)(size - offset) : READ_BUFFER;
		ssize_t n;

		if (cancelled(r->control))
			return -ECANCELED;
		n = read_at(fd, r->buffer, want, offset);
		if (n < 0)
			return (int)n;
		if ((size_t)n != want)
			return -EAGAIN; /* it became shorter */
		if (r->control) {
			r->control->bytes += (double)n;
			r->control->done += (double)n;
		}
		if (want % r->sectorsize)
			memset(r->buffer + want, 0, r->sectorsize - want % r->sectorsize);
		for (size_t k = 0; k < want; k += r->sectorsize) {
			add_block(r, r->buffer + k);
			if (strong)
				add_strong(r, r->buffer + k);
		}
	}
	return 0;
}

static int read_file(struct reader *r, int dir, const double *file, int mode, bool strong)
{
	uint64_t size = (uint64_t)file[3];
	size_t pages = (size + 4095) / 4096;
	struct stat st;
	uint8_t *resident;
	int fd, ret;

	reset(r);
	fd = rf_open_inode(dir, file[0], file[1], file[2]);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) != 0)
		ret = -errno;
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		ret = -EAGAIN;
	else
		ret = 0;
	if (ret < 0 || size == 0) {
		close(fd);
		return ret;
	}
	resident = malloc(pages);
	if (resident && rf_resident(fd, 0, size, resident) != 0) {
		free(resident);
		resident = NULL;
	}
	if (mode != RF_READ_WHOLE) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
		ret = mode == RF_READ_TAIL ? read_tail(r, fd, size) : read_sample(r, fd, size);
	} else {
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		ret = read_whole(r, fd, size, strong);
	}
	if (resident)
		rf_drop_cache(fd, 0, (double)size, resident);
	free(resident);
	close(fd);
	return ret;
}

int rf_read_prints(int dir, uint32_t sectorsize, const double *files, uint32_t n, int mode,
	uint8_t *prints, uint8_t *strong, int32_t *errors, struct rf_control *control)
{
	struct reader r = { .sectorsize = sectorsize, .control = control };
	int ret = 0;

	if (sectorsize < RF_MIN_SECTOR || sectorsize > 65536)
		return -EINVAL;
	r.zero = crc32c_zero_sector(sectorsize);
	r.buffer = malloc(READ_BUFFER + sectorsize);
	if (!r.buffer)
		return -ENOMEM;
	for (uint32_t k = 0; k < n; k++) {
		if (cancelled(control)) {
			ret = -ECANCELED;
			break;
		}
		errors[k] = read_file(&r, dir, files + 4 * (size_t)k, mode, strong != NULL);
		if (errors[k] == -ECANCELED) {
			ret = -ECANCELED;
			break;
		}
		if (mode == RF_READ_TAIL)
			for (int b = 0; b < 2; b++)
				r.sum[b] = poly_add(r.sum[b],
					poly_reduce(load64(prints + 16 * (size_t)k + 8 * b)));
		memcpy(prints + 16 * (size_t)k, r.sum, 16);
		if (strong)
			memcpy(strong + 16 * (size_t)k, r.strong, 16);
	}
	free(r.buffer);
	return ret;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the library's own files only. */
#ifndef REFOLD_INTERNAL_H
#define REFOLD_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>

#include "refold.h"

/* Items come unaligned, little-endian; Refold runs on little-endian machines. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Refold reads btrfs items in place and needs a little-endian machine"
#endif

static inline uint64_t load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline uint32_t load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline uint16_t load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The smallest sector a checksum can be of; keeps a 0 from being divided by. */
#define RF_MIN_SECTOR 512

static inline bool cancelled(const struct rf_control *control)
{
	return control && control->cancel != 0;
}

/* A walk over the items of a key range, batch by batch. */
struct tree_key {
	uint64_t objectid;
	uint32_t type;
	uint64_t offset;
};

struct tree_search {
	int fd;
	uint64_t tree;
	struct tree_key min, max;
	uint64_t min_transid;
	struct btrfs_ioctl_search_args_v2 *args; /* with room for capacity bytes */
	uint32_t capacity;
	uint32_t left, pos;
	bool ended;
	/* the item at hand */
	struct btrfs_ioctl_search_header item;
	const uint8_t *data;
};

int search_open(struct tree_search *s, int fd, uint64_t tree, uint32_t capacity);
void search_range(struct tree_search *s, struct tree_key min, struct tree_key max,
	uint64_t min_transid);
/* 1: an item is at hand; 0: the range is done; -errno. */
int search_next(struct tree_search *s);
/* Whether the next item, if there is one, takes another call of the kernel. */
static inline bool search_drained(const struct tree_search *s)
{
	return s->left == 0 && !s->ended;
}
void search_close(struct tree_search *s);

/* Packed extents, see refold.h. */
enum piece_kind {
	PIECE_PLAIN = 0,
	PIECE_PREALLOC = 1,
	PIECE_INLINE = 2,
	PIECE_COMPRESSED = 3 /* + BTRFS_COMPRESS_* - 1 */
};

struct piece {
	uint32_t kind;
	uint64_t file;   /* first sector in the file */
	uint64_t length; /* sectors; inline: bytes */
	uint64_t start;  /* disk_bytenr in sectors */
	uint64_t offset, disk, ram; /* sectors */
};

/* A position in a blob that is being read or written. */
struct piece_cursor {
	uint64_t file_end; /* end of the piece before, sectors */
	uint64_t start;    /* its disk_bytenr, sectors */
};

/* Writes one piece, at most PIECE_MAX_BYTES. Returns the bytes written. */
#define PIECE_MAX_BYTES 70
uint32_t piece_pack(uint8_t *out, struct piece_cursor *c, const struct piece *p);
/* Reads one piece; returns the bytes read, or 0 where the blob is malformed. */
uint32_t piece_unpack(const uint8_t *in, uint32_t size, struct piece_cursor *c,
	struct piece *p);

/* hash.c: arithmetic modulo the Mersenne prime 2^61 - 1. */
#define POLY_P ((1ULL << 61) - 1)
#define POLY_BASE_1 0x0ae1f3c96d25b847ULL
#define POLY_BASE_2 0x1593cd07e84fa2b1ULL

__extension__ typedef unsigned __int128 uint128;

static inline uint64_t poly_reduce(uint64_t v)
{
	v = (v & POLY_P) + (v >> 61);
	return v >= POLY_P ? v - POLY_P : v;
}

static inline uint64_t poly_add(uint64_t a, uint64_t b)
{
	uint64_t s = a + b;

	return s >= POLY_P ? s - POLY_P : s;
}

static inline uint64_t poly_mul(uint64_t a, uint64_t b)
{
	uint128 m = (uint128)a * b;

	return poly_add((uint64_t)m & POLY_P, (uint64_t)(m >> 61));
}

uint64_t poly_pow(int base, uint64_t exponent); /* base: 1 or 2 */
uint64_t mix64(uint64_t v);

/* sort.c: as qsort(), in place. size: of a row, a multiple of 8. */
void sort_rows(void *rows, size_t n, size_t size, int (*compare)(const void *, const void *));
uint32_t crc32c(const uint8_t *data, size_t length);
/* The first 8 bytes of what btrfs stores for a block, n a multiple of 128 bytes;
 * false where the type is not known. */
bool block_sum(uint32_t csum_type, const uint8_t *block, size_t n, uint64_t *sum);
/* crc32c of one sector of zeros: blocks count as their difference to it, so
 * that holes add nothing to a print. */
uint32_t crc32c_zero_sector(uint32_t sectorsize);
/* mincore(2) of a range: resident[k] is 1 where its k-th page is cached. */
int rf_resident(int fd, uint64_t offset, uint64_t length, uint8_t *resident);

#endif

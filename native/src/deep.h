/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by deep.c and deep_sums.c. */
#ifndef REFOLD_DEEP_H
#define REFOLD_DEEP_H

#include "internal.h"

#define DEEP_NOWHERE UINT64_MAX
#define DEEP_NO_PIECE UINT32_MAX
/* Blocks from here on lie in no checksum tree: their checksums were read (deep_read.c). */
#define DEEP_READ_BASE (1ULL << 45)

/* Blocks on disk that are in use: one row of them in some file. It takes the
 * room of the four numbers that it was told in. */
struct deep_piece {
	uint64_t start, end; /* sectors */
	uint64_t next;       /* where the file goes on */
	uint64_t tag;        /* 0 plain; else encoding and length of a compressed extent */
};

struct anchor {
	uint64_t hash, pos;
};

struct deep_step {
	uint64_t p, q;
	bool zero;
};

struct deep_run {
	uint64_t start, length, canon;
};

struct twin {
	uint64_t hash;
	uint32_t piece;
};

struct sum_chunk;

struct deep {
	int fd, sums_fd, error;
	uint32_t sectorsize, csum_size, min_run;
	struct deep_piece *pieces;
	uint32_t piece_count;
	uint64_t *bases;    /* of each piece, the number of blocks in those before */
	uint32_t *previous; /* of each piece, the one from which its file goes on into it */
	uint64_t zero; /* the checksum of a block of zeros */
	/* checksums, as many at a time as the memory allows */
	struct sum_chunk *chunks; /* ascending: every one that a piece has a part in */
	size_t chunk_count, recent[2];
	size_t *loaded, loaded_count, loaded_room, hand;
	struct tree_search search;
	/* the sample: one of 2^thinness */
	struct anchor *anchors;
	size_t anchor_count, anchor_room;
	uint32_t thinness;
	/* a bit a block */
	uint8_t *mapped, *roots, *fresh;
	struct deep_step *steps;
	size_t step_count, step_room;
	struct deep_run *runs;
	size_t run_count, run_room;
	double *out;
	uint32_t out_count, out_room;
	struct rf_control *control;
};

/* pieces: as rf_deep_runs has them; they are worked on in place. */
int deep_open(struct deep *d, double *pieces, uint32_t n, double memory);
/* pieces: as in deep_open, and told as before again. */
void deep_close(struct deep *d, double *pieces);
/* The piece that holds a sector, or -1. */
int64_t deep_piece_at(const struct deep *d, uint64_t sector);
/* The checksum of a sector (its first 8 bytes); false where it has none, or
 * where d->error says that it could not be read. */
bool deep_sum(struct deep *d, uint64_t sector, uint64_t *sum);
/* A checksum as deep_read.c stores it, never 0. unsummed: of a file without
 * checksums; it is equal to none of a file that has them, since the kernel
 * shares nothing between the two. */
uint64_t deep_stored_sum(uint32_t csum_type, uint64_t sum, bool unsummed);
/* The checksum of a block of zeros; where it is not known, such blocks are
 * taken for data, which costs time and nothing else. */
uint64_t deep_zero_sum(uint32_t csum_type, uint32_t sectorsize);

#endif

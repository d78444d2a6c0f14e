/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by deep.c and deep_sums.c. */
#ifndef REFOLD_DEEP_H
#define REFOLD_DEEP_H

#include "internal.h"

#define DEEP_NOWHERE UINT64_MAX

/* Blocks on disk that are in use: one row of them in some file. */
struct deep_piece {
	uint64_t start, end;     /* sectors */
	uint64_t next, previous; /* where the file goes on, and where it came from */
	uint64_t base;           /* number of blocks in the pieces before */
	uint64_t tag;            /* 0 plain; else encoding and length of a compressed extent */
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
	int fd, error;
	uint32_t sectorsize, csum_size, min_run;
	struct deep_piece *pieces;
	uint32_t piece_count;
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

/* pieces: as rf_deep_runs has them. */
int deep_open(struct deep *d, const double *pieces, uint32_t n, double memory);
void deep_close(struct deep *d);
/* The piece that holds a sector, or -1. */
int64_t deep_piece_at(const struct deep *d, uint64_t sector);
/* The checksum of a sector (its first 8 bytes); false where it has none, or
 * where d->error says that it could not be read. */
bool deep_sum(struct deep *d, uint64_t sector, uint64_t *sum);

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
/* What deep.c works on: the pieces in use, and the checksums of their blocks,
 * kept in chunks of which no more are in memory than were allowed. */
#include "deep.h"

#include <stdlib.h>
#include <unistd.h>

#define CHUNK_SHIFT 14
#define CHUNK_SECTORS (1u << CHUNK_SHIFT)
#define SEARCH_BUFFER (1024 * 1024)
#define LEAST_CHUNKS 4
#define LEAST_ANCHORS 1024
#define FAR_SECTOR (1ULL << 46)

struct chunk_sums {
	uint8_t present[CHUNK_SECTORS / 8];
	uint8_t sums[]; /* 4 or 8 bytes each */
};

struct sum_chunk {
	uint64_t number; /* its first sector, in units of chunks */
	struct chunk_sums *sums; /* NULL where it is not in memory */
	bool used; /* since the hand of the clock passed */
};

static uint32_t width(const struct deep *d)
{
	return d->csum_size == 4 && d->sums_fd < 0 ? 4 : 8;
}

static size_t chunk_bytes(const struct deep *d)
{
	return sizeof(struct chunk_sums) + (size_t)CHUNK_SECTORS * width(d);
}

/* ----------------------------------------------------------------- pieces */

static int by_start(const void *a, const void *b)
{
	const struct deep_piece *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Pieces that overlap become one: a block is looked at once. */
static void merge(struct deep *d)
{
	uint32_t kept = 0;

	for (uint32_t k = 0; k < d->piece_count; k++) {
		struct deep_piece *last = kept ? &d->pieces[kept - 1] : NULL;
		const struct deep_piece piece = d->pieces[k];

		if (last && last->tag == piece.tag &&
		    (piece.start < last->end || (piece.start == last->end && last->next == piece.start))) {
			if (piece.end > last->end ||
			    (piece.end == last->end && last->next == DEEP_NOWHERE)) {
				last->end = piece.end;
				last->next = piece.next;
			}
		} else if (!last || piece.start >= last->end) {
			d->pieces[kept++] = piece;
		}
	}
	d->piece_count = kept;
}

static void link_back(struct deep *d)
{
	for (uint32_t k = 0; k < d->piece_count; k++) {
		struct deep_piece *piece = &d->pieces[k];
		int64_t to;

		if (piece->tag || piece->next == DEEP_NOWHERE)
			continue;
		to = deep_piece_at(d, piece->next);
		if (to >= 0 && d->pieces[to].start == piece->next && d->previous[to] == DEEP_NO_PIECE)
			d->previous[to] = k;
	}
}

int64_t deep_piece_at(const struct deep *d, uint64_t sector)
{
	uint32_t low = 0, high = d->piece_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (d->pieces[middle].start <= sector)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && sector < d->pieces[low - 1].end ? (int64_t)low - 1 : -1;
}

/* From the caller's numbers, in the same room. */
static int take_pieces(struct deep *d, double *pieces, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		const double *p = pieces + 4 * (size_t)k;

		if (!(p[0] >= 0 && p[1] >= 1 && p[0] + p[1] < (double)FAR_SECTOR) ||
		    !(p[3] >= 0 && p[3] < (double)FAR_SECTOR))
			return -EBADMSG;
	}
	for (uint32_t k = 0; k < n; k++) {
		double p[4];
		struct deep_piece piece;

		memcpy(p, pieces + 4 * (size_t)k, sizeof p);
		piece.start = (uint64_t)p[0];
		piece.end = piece.start + (uint64_t)p[1];
		piece.next = p[2] >= 0 && p[2] < (double)FAR_SECTOR ? (uint64_t)p[2] : DEEP_NOWHERE;
		piece.tag = (uint64_t)p[3];
		memcpy(pieces + 4 * (size_t)k, &piece, sizeof piece);
	}
	d->pieces = (struct deep_piece *)(void *)pieces;
	d->piece_count = n;
	return 0;
}

/* Undoes take_pieces for the pieces that are left. */
static void give_back(struct deep *d, double *pieces)
{
	for (uint32_t k = 0; k < d->piece_count; k++) {
		struct deep_piece piece;
		double p[4];

		memcpy(&piece, pieces + 4 * (size_t)k, sizeof piece);
		p[0] = (double)piece.start;
		p[1] = (double)(piece.end - piece.start);
		p[2] = piece.next == DEEP_NOWHERE ? -1 : (double)piece.next;
		p[3] = (double)piece.tag;
		memcpy(pieces + 4 * (size_t)k, p, sizeof p);
	}
}

static int read_pieces(struct deep *d, double *pieces, uint32_t n, uint64_t *blocks)
{
	int ret = take_pieces(d, pieces, n);

	if (ret < 0)
		return ret;
	sort_rows(d->pieces, d->piece_count, sizeof *d->pieces, by_start);
	merge(d);
	d->bases = malloc((d->piece_count + 1) * sizeof *d->bases);
	d->previous = malloc((d->piece_count + 1) * sizeof *d->previous);
	if (!d->bases || !d->previous)
		return -ENOMEM;
	*blocks = 0;
	for (uint32_t k = 0; k < d->piece_count; k++) {
		d->bases[k] = *blocks;
		d->previous[k] = DEEP_NO_PIECE;
		*blocks += d->pieces[k].end - d->pieces[k].start;
	}
	link_back(d);
	return 0;
}

/* --------------------------------------------------------------- checksums */

static void put_sum(struct chunk_sums *chunk, uint64_t at, uint32_t w, const uint8_t *sum, uint32_t size)
{
	memset(chunk->sums + at * w, 0, w);
	memcpy(chunk->sums + at * w, sum, size < w ? size : w);
}

static void fill(struct deep *d, struct chunk_sums *chunk, uint64_t first)
{
	uint64_t start = d->search.item.offset / d->sectorsize;
	uint32_t n = d->search.item.len / d->csum_size, w = width(d);

	for (uint32_t k = 0; k < n; k++) {
		uint64_t at = start + k;

		if (at < first || at >= first + CHUNK_SECTORS)
			continue;
		at -= first;
		put_sum(chunk, at, w, d->search.data + (size_t)k * d->csum_size, d->csum_size);
		chunk->present[at >> 3] |= (uint8_t)(1u << (at & 7));
	}
}

static struct chunk_sums *spare_sums(struct deep *d)
{
	while (d->loaded_count == d->loaded_room) {
		struct sum_chunk *chunk = &d->chunks[d->loaded[d->hand]];

		if (!chunk->used) {
			struct chunk_sums *sums = chunk->sums;

			chunk->sums = NULL;
			d->loaded[d->hand] = d->loaded[--d->loaded_count];
			if (d->hand >= d->loaded_count)
				d->hand = 0;
			return sums;
		}
		chunk->used = false;
		d->hand = (d->hand + 1) % d->loaded_count;
	}
	return malloc(chunk_bytes(d));
}

static int load_tree(struct deep *d, struct chunk_sums *sums, uint64_t first)
{
	/* an item is smaller than a node, so it starts at most so far before */
	const uint64_t reach = 65536 / d->csum_size;
	int ret;

	search_range(&d->search,
		(struct tree_key){ BTRFS_EXTENT_CSUM_OBJECTID, BTRFS_EXTENT_CSUM_KEY,
			(first > reach ? first - reach : 0) * d->sectorsize },
		(struct tree_key){ BTRFS_EXTENT_CSUM_OBJECTID, BTRFS_EXTENT_CSUM_KEY,
			(first + CHUNK_SECTORS) * d->sectorsize - 1 }, 0);
	while ((ret = search_next(&d->search)) > 0)
		if (d->search.item.type == BTRFS_EXTENT_CSUM_KEY)
			fill(d, sums, first);
	return ret;
}

/* Checksums that were read: in place, since they are stored as wide as here. */
static int load_read(struct deep *d, struct chunk_sums *sums, uint64_t first)
{
	size_t size = CHUNK_SECTORS * sizeof(uint64_t), done = 0;
	const uint64_t at = (first - DEEP_READ_BASE) * sizeof(uint64_t);

	while (d->sums_fd >= 0 && done < size) {
		ssize_t n = pread(d->sums_fd, sums->sums + done, size - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	for (size_t k = 0; k < done / sizeof(uint64_t); k++) {
		uint64_t sum = load64(sums->sums + 8 * k);

		if (sum == 0)
			continue;
		sums->present[k >> 3] |= (uint8_t)(1u << (k & 7));
		if (d->csum_size == 4 && !(sum >> 63)) {
			sum &= UINT32_MAX;
			memcpy(sums->sums + 8 * k, &sum, sizeof sum);
		}
	}
	return 0;
}

uint64_t deep_stored_sum(uint32_t csum_type, uint64_t sum, bool unsummed)
{
	if (unsummed)
		return mix64(sum ^ 0x5bd1e9955bd1e995ULL) | 1ULL << 63;
	if (csum_type == BTRFS_CSUM_TYPE_CRC32)
		return 1ULL << 32 | sum;
	return sum ? sum : 1;
}

uint64_t deep_zero_sum(uint32_t csum_type, uint32_t sectorsize)
{
	static const uint64_t of_4096[] = { 0, 0xac869b6f32d8bbdbULL, 0xe9c66f58b2ac7fadULL, 0xe791c38892de6e68ULL };

	if (csum_type == BTRFS_CSUM_TYPE_CRC32)
		return crc32c_zero_sector(sectorsize);
	return sectorsize == 4096 && csum_type < 4 ? of_4096[csum_type] : UINT64_MAX;
}

static bool load(struct deep *d, size_t index)
{
	const uint64_t first = d->chunks[index].number << CHUNK_SHIFT;
	struct chunk_sums *sums = spare_sums(d);
	int ret;

	if (!sums) {
		d->error = -ENOMEM;
		return false;
	}
	memset(sums->present, 0, sizeof sums->present);
	ret = first >= DEEP_READ_BASE ? load_read(d, sums, first) : load_tree(d, sums, first);
	if (ret < 0) {
		d->error = ret;
		free(sums);
		return false;
	}
	d->chunks[index].sums = sums;
	d->loaded[d->loaded_count++] = index;
	return true;
}

/* The chunk of that number, or chunk_count. A run reads in two places by turns. */
static size_t chunk_of(struct deep *d, uint64_t number)
{
	size_t low = 0, high = d->chunk_count;

	for (int k = 0; k < 2; k++)
		if (d->recent[k] < d->chunk_count && d->chunks[d->recent[k]].number == number)
			return d->recent[k];
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (d->chunks[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == d->chunk_count || d->chunks[low].number != number)
		return d->chunk_count;
	d->recent[1] = d->recent[0];
	d->recent[0] = low;
	return low;
}

bool deep_sum(struct deep *d, uint64_t sector, uint64_t *sum)
{
	uint64_t at = sector & (CHUNK_SECTORS - 1);
	size_t index = chunk_of(d, sector >> CHUNK_SHIFT);
	struct sum_chunk *chunk = &d->chunks[index];

	*sum = 0;
	if (d->error || index == d->chunk_count || (!chunk->sums && !load(d, index)))
		return false;
	chunk->used = true;
	if (!(chunk->sums->present[at >> 3] >> (at & 7) & 1))
		return false;
	*sum = width(d) == 4 ? load32(chunk->sums->sums + 4 * at) : load64(chunk->sums->sums + 8 * at);
	return true;
}

static int number_chunks(struct deep *d)
{
	size_t count = 0;

	for (int pass = 0; pass < 2; pass++) {
		uint64_t next = 0;

		count = 0;
		for (uint32_t k = 0; k < d->piece_count; k++) {
			uint64_t n = d->pieces[k].start >> CHUNK_SHIFT;
			uint64_t last = (d->pieces[k].end - 1) >> CHUNK_SHIFT;

			for (n = n < next ? next : n; n <= last; n++, count++)
				if (pass)
					d->chunks[count].number = n;
			if (next <= last)
				next = last + 1;
		}
		if (!pass && !(d->chunks = calloc(count ? count : 1, sizeof *d->chunks)))
			return -ENOMEM;
	}
	d->chunk_count = count;
	return 0;
}

/* ------------------------------------------------------------------- whole */

/* What is left of the memory after the bits a block takes is shared by the
 * sample and the checksums. The sample is as thick as it can be. */
static int share_memory(struct deep *d, uint64_t blocks, double memory)
{
	double room = memory - 3.0 * (double)blocks / 8;
	double wanted = (double)blocks;

	if (number_chunks(d) < 0)
		return -ENOMEM;
	d->loaded_room = room > 0 ? (size_t)(room / 2 / (double)chunk_bytes(d)) : 0;
	if (d->loaded_room < LEAST_CHUNKS)
		d->loaded_room = LEAST_CHUNKS;
	if (d->loaded_room > d->chunk_count)
		d->loaded_room = d->chunk_count ? d->chunk_count : 1;
	/* a hit takes more than an anchor: both are there for a while */
	d->anchor_room = room > 0 ? (size_t)(room / 2 / (sizeof *d->anchors + 24)) : 0;
	if (d->anchor_room < LEAST_ANCHORS)
		d->anchor_room = LEAST_ANCHORS;
	while (wanted > (double)d->anchor_room) {
		wanted /= 2;
		d->thinness++;
	}
	if (d->anchor_room > blocks + 1)
		d->anchor_room = blocks + 1;
	d->loaded = malloc(d->loaded_room * sizeof *d->loaded);
	d->anchors = malloc(d->anchor_room * sizeof *d->anchors);
	d->mapped = calloc(1, blocks / 8 + 1);
	d->roots = calloc(1, blocks / 8 + 1);
	d->fresh = calloc(1, blocks / 8 + 1);
	return d->loaded && d->anchors && d->mapped && d->roots && d->fresh ? 0 : -ENOMEM;
}

int deep_open(struct deep *d, double *pieces, uint32_t n, double memory)
{
	uint64_t blocks = 0;
	int ret = search_open(&d->search, d->fd, BTRFS_CSUM_TREE_OBJECTID, SEARCH_BUFFER);

	if (ret == 0)
		ret = read_pieces(d, pieces, n, &blocks);
	if (ret == 0)
		ret = share_memory(d, blocks, memory);
	return ret;
}

void deep_close(struct deep *d, double *pieces)
{
	if (d->pieces)
		give_back(d, pieces);
	search_close(&d->search);
	for (size_t k = 0; k < d->loaded_count; k++)
		free(d->chunks[d->loaded[k]].sums);
	free(d->chunks);
	free(d->loaded);
	free(d->anchors);
	free(d->mapped);
	free(d->roots);
	free(d->fresh);
	free(d->steps);
	free(d->runs);
	free(d->bases);
	free(d->previous);
}

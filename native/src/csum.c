// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Fingerprints from the checksum tree.
 *
 * A file of blocks b0, b1, ... has the print sum (v(bi) - v(zero)) * B^i modulo
 * 2^61 - 1, for two bases B, v being the block's checksum. A sum does not care
 * in what order its terms come, so the pieces of all files are sorted by disk
 * address and the checksum tree is passed over once; and it does not care how
 * a file is split into extents, nor whether zeros are written, preallocated or
 * a hole.
 *
 * The checksums of a compressed extent are those of the compressed bytes. Such
 * an extent enters the sum as one value of its checksums, its encoding and its
 * place: equal prints still mean equal data, but unequal ones mean nothing.
 */
#include "internal.h"

#include <stdlib.h>

#define CSUM_BUFFER (1024 * 1024)
#define FAR_SECTOR (1ULL << 46)

struct span {
	uint64_t start; /* sector on disk of the first block to add */
	uint64_t place; /* its block in the file */
	uint64_t power[2], sum[2];
	uint32_t length, done, file;
	uint32_t whole; /* compressed: index of its struct encoded + 1 */
	bool tail; /* the last block of a file that does not fill it */
};

struct encoded {
	uint64_t offset, length, ram;
	uint32_t kind;
};

struct prints {
	int fd;
	uint32_t sectorsize, csum_size, zero, n;
	struct span *spans;
	uint32_t span_count, span_room;
	struct encoded *encoded;
	uint32_t encoded_count, encoded_room;
	uint64_t (*sums)[2], (*tails)[2];
	uint8_t *status;
	struct rf_control *control;
};

static bool grow(void **array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t wanted;
	void *bigger;

	if (count < *room)
		return true;
	wanted = *room ? *room * 2 : 1024;
	bigger = realloc(*array, wanted * size);
	if (!bigger)
		return false;
	*array = bigger;
	*room = wanted;
	return true;
}

static struct span *new_span(struct prints *p, uint32_t file)
{
	struct span *span;

	if (!grow((void **)&p->spans, &p->span_room, p->span_count, sizeof *p->spans))
		return NULL;
	span = &p->spans[p->span_count++];
	memset(span, 0, sizeof *span);
	span->file = file;
	return span;
}

/* A plain piece; its last block stands alone where it is a tail. */
static int add_plain(struct prints *p, uint32_t file, const struct piece *piece, bool tail)
{
	uint64_t start = piece->start + piece->offset;
	uint32_t length = (uint32_t)piece->length - tail;
	struct span *span;

	if (length > 0) {
		span = new_span(p, file);
		if (!span)
			return -ENOMEM;
		span->start = start;
		span->place = piece->file;
		span->length = length;
	}
	if (tail) {
		span = new_span(p, file);
		if (!span)
			return -ENOMEM;
		span->start = start + length;
		span->place = piece->file + length;
		span->length = 1;
		span->tail = true;
	}
	return 0;
}

static int add_file(struct prints *p, uint32_t file, const uint8_t *blob, uint32_t size,
	uint64_t bytes)
{
	const uint64_t sectors = (bytes + p->sectorsize - 1) / p->sectorsize;
	struct piece_cursor cursor = { 0, 0 };
	uint64_t end = 0;

	for (uint32_t pos = 0; pos < size;) {
		struct piece piece;
		struct span *span;
		uint32_t used = piece_unpack(blob + pos, size - pos, &cursor, &piece);

		if (!used)
			return -EBADMSG;
		pos += used;
		if (piece.kind == PIECE_INLINE) {
			p->status[file] = RF_PRINT_UNKNOWN;
			return 0;
		}
		/* so far out there is no disk: sums of these would wrap around */
		if ((piece.start | piece.offset | piece.file | piece.length) >= FAR_SECTOR ||
		    piece.disk > UINT32_MAX)
			return -EBADMSG;
		if (piece.file > end && p->csum_size != 4)
			p->status[file] = RF_PRINT_UNKNOWN; /* v(zero) is known for crc32c only */
		end = piece.file + piece.length;
		if (piece.file >= sectors)
			continue;
		if (piece.kind == PIECE_PREALLOC) {
			if (p->csum_size != 4)
				p->status[file] = RF_PRINT_UNKNOWN;
			continue;
		}
		if (piece.file + piece.length > sectors)
			piece.length = sectors - piece.file;
		if (piece.length > UINT32_MAX)
			return -EBADMSG;
		if (piece.kind == PIECE_PLAIN) {
			bool tail = bytes % p->sectorsize && piece.file + piece.length == sectors;
			int ret = add_plain(p, file, &piece, tail);

			if (ret < 0)
				return ret;
			continue;
		}
		span = new_span(p, file);
		if (!span)
			return -ENOMEM;
		span->place = piece.file;
		if (p->status[file] == RF_PRINT_PLAIN)
			p->status[file] = RF_PRINT_OPAQUE;
		if (!grow((void **)&p->encoded, &p->encoded_room, p->encoded_count,
			    sizeof *p->encoded))
			return -ENOMEM;
		p->encoded[p->encoded_count] =
			(struct encoded){ piece.offset, piece.length, piece.ram, piece.kind };
		span->whole = ++p->encoded_count;
		span->start = piece.start;
		span->length = (uint32_t)piece.disk;
	}
	if (end < sectors && p->csum_size != 4)
		p->status[file] = RF_PRINT_UNKNOWN;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct span *)a)->start, y = ((const struct span *)b)->start;

	return x < y ? -1 : x > y;
}

/* The checksums of a range of disk sectors, as one item has them. */
struct sums_item {
	uint64_t start;
	uint32_t length;
	const uint8_t *data;
};

static void add_sums(struct prints *p, struct span *s, const struct sums_item *item)
{
	uint64_t from = s->start + s->done;
	uint64_t skip = from - item->start;
	uint32_t n = s->length - s->done;
	const uint8_t *data = item->data + skip * p->csum_size;
	uint64_t sum1 = s->sum[0], sum2 = s->sum[1], pow1 = s->power[0], pow2 = s->power[1];
	const uint64_t base1 = POLY_BASE_1 % POLY_P, base2 = POLY_BASE_2 % POLY_P;

	if (n > item->length - skip)
		n = (uint32_t)(item->length - skip);
	for (uint32_t k = 0; k < n; k++, data += p->csum_size) {
		uint64_t v1, v2;

		if (p->csum_size == 4) {
			v1 = poly_add(load32(data), POLY_P - p->zero);
			v2 = v1;
		} else {
			v1 = poly_reduce(load64(data));
			v2 = p->csum_size >= 16 ? poly_reduce(load64(data + 8)) :
						  poly_reduce(mix64(load64(data)));
		}
		sum1 = poly_add(sum1, poly_mul(v1, pow1));
		sum2 = poly_add(sum2, poly_mul(v2, pow2));
		pow1 = poly_mul(pow1, base1);
		pow2 = poly_mul(pow2, base2);
	}
	s->sum[0] = sum1;
	s->sum[1] = sum2;
	s->power[0] = pow1;
	s->power[1] = pow2;
	s->done += n;
	if (p->control)
		p->control->done += (double)n * p->sectorsize;
}

static void begin_span(struct span *s)
{
	/* a compressed extent is summed from its own start */
	uint64_t place = s->whole ? 0 : s->place;

	s->power[0] = poly_pow(1, place);
	s->power[1] = poly_pow(2, place);
}

static void end_span(struct prints *p, struct span *s)
{
	uint64_t *sums = s->tail ? p->tails[s->file] : p->sums[s->file];

	if (s->whole) {
		const struct encoded *e = &p->encoded[s->whole - 1];

		for (int b = 0; b < 2; b++) {
			uint64_t v = mix64(s->sum[b] + e->kind);

			/* each by itself: in a sum, one may make up for another */
			v = mix64(v ^ e->offset);
			v = mix64(v ^ e->length);
			v = mix64(v ^ e->ram);
			v = mix64(v ^ s->length);
			s->sum[b] = poly_mul(poly_reduce(v), poly_pow(b + 1, s->place));
		}
	}
	sums[0] = poly_add(sums[0], s->sum[0]);
	sums[1] = poly_add(sums[1], s->sum[1]);
}

/* Gives every span that overlaps the item its checksums. The active ones are
 * spans[*low, *high), finished ones inside passed over by done == length. */
static void spread(struct prints *p, const struct sums_item *item, uint32_t *low,
	uint32_t *high)
{
	uint64_t end = item->start + item->length;

	while (*high < p->span_count && p->spans[*high].start < end)
		begin_span(&p->spans[(*high)++]);
	for (uint32_t k = *low; k < *high; k++) {
		struct span *s = &p->spans[k];

		if (s->done == s->length)
			continue;
		if (s->start + s->done < item->start) {
			/* a block without a checksum: nothing can be said */
			p->status[s->file] = RF_PRINT_UNKNOWN;
			s->done = s->length;
			continue;
		}
		if (s->start + s->done >= end)
			continue;
		add_sums(p, s, item);
		if (s->done == s->length)
			end_span(p, s);
	}
	while (*low < *high && p->spans[*low].done == p->spans[*low].length)
		(*low)++;
}

static int pass(struct prints *p)
{
	/* an item is smaller than a node, so it starts at most so far before */
	const uint64_t reach = 65536 / p->csum_size;
	uint64_t last_end = 0;
	struct tree_search search;
	uint32_t low = 0, high = 0;
	int ret = search_open(&search, p->fd, BTRFS_CSUM_TREE_OBJECTID, CSUM_BUFFER);

	if (ret < 0)
		return ret;
	for (uint32_t k = 0; k < p->span_count; k++)
		if (p->spans[k].start + p->spans[k].length > last_end)
			last_end = p->spans[k].start + p->spans[k].length;
	while (low < p->span_count) {
		uint64_t first = p->spans[low].start + p->spans[low].done;
		uint64_t from = first > reach ? first - reach : 0;
		uint64_t until = last_end;
		bool jumped = false;

		/* where the next wanted block is far off, search again from there */
		search_range(&search,
			(struct tree_key){ BTRFS_EXTENT_CSUM_OBJECTID, BTRFS_EXTENT_CSUM_KEY,
				from * p->sectorsize },
			(struct tree_key){ BTRFS_EXTENT_CSUM_OBJECTID, BTRFS_EXTENT_CSUM_KEY,
				until * p->sectorsize - 1 }, 0);
		while (!jumped && (ret = search_next(&search)) > 0) {
			const struct sums_item item = {
				.start = search.item.offset / p->sectorsize,
				.length = search.item.len / p->csum_size,
				.data = search.data,
			};

			if (search.item.type != BTRFS_EXTENT_CSUM_KEY)
				continue;
			if (cancelled(p->control)) {
				ret = -ECANCELED;
				goto out;
			}
			spread(p, &item, &low, &high);
			if (low == p->span_count)
				goto out;
			/* only at the end of a batch: what was read is there anyway */
			jumped = search.left == 0 && low == high &&
				p->spans[low].start > item.start + item.length + 4 * reach;
		}
		if (ret < 0)
			goto out;
		if (jumped)
			continue;
		/* the tree ended: what is left has no checksums */
		for (; low < p->span_count; low++)
			if (p->spans[low].done < p->spans[low].length)
				p->status[p->spans[low].file] = RF_PRINT_UNKNOWN;
	}
out:
	search_close(&search);
	return ret < 0 ? ret : 0;
}

int rf_csum_prints(int fd, uint32_t sectorsize, uint32_t csum_size, const uint8_t *tasks,
	uint32_t tasks_size, const double *sizes, uint32_t n, uint8_t *prints, uint8_t *bodies,
	uint8_t *status, struct rf_control *control)
{
	struct prints p = { .fd = fd, .sectorsize = sectorsize, .csum_size = csum_size, .n = n,
		.status = status, .control = control };
	uint32_t pos = 0;
	int ret = 0;

	if (csum_size < 4 || csum_size > 64 || sectorsize < RF_MIN_SECTOR || sectorsize > 65536)
		return -EINVAL;
	p.zero = csum_size == 4 ? crc32c_zero_sector(sectorsize) : 0;
	p.sums = calloc(n ? n : 1, sizeof *p.sums);
	p.tails = calloc(n ? n : 1, sizeof *p.tails);
	if (!p.sums || !p.tails)
		ret = -ENOMEM;
	memset(status, RF_PRINT_PLAIN, n);
	for (uint32_t k = 0; k < n && ret == 0; k++) {
		uint32_t length;

		if (tasks_size - pos < 4) {
			ret = -EBADMSG;
			break;
		}
		length = load32(tasks + pos);
		pos += 4;
		if (tasks_size - pos < length) {
			ret = -EBADMSG;
			break;
		}
		ret = add_file(&p, k, tasks + pos, length, (uint64_t)sizes[k]);
		pos += length;
	}
	if (ret == 0 && p.span_count > 0) {
		qsort(p.spans, p.span_count, sizeof *p.spans, by_start);
		ret = pass(&p);
	}
	for (uint32_t k = 0; k < n && ret == 0; k++) {
		memcpy(bodies + 16 * (size_t)k, p.sums[k], 16);
		for (int b = 0; b < 2; b++)
			p.sums[k][b] = poly_add(p.sums[k][b], p.tails[k][b]);
		memcpy(prints + 16 * (size_t)k, p.sums[k], 16);
	}
	free(p.sums);
	free(p.tails);
	free(p.spans);
	free(p.encoded);
	return ret;
}

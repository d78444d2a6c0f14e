// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ranges that occur more than once, found by the checksums of their blocks.
 *
 * Blocks whose (checksum, next checksum) falls into a sample are anchors. Equal
 * anchors are extended both ways, block by block, as long as the checksums are
 * equal; past the end of an extent it goes on where the file does. Since the
 * sample hangs on the content alone, two copies of a range have the same
 * anchors wherever they lie.
 *
 * Every block of a run is given a canonical place: that of the copy which it was
 * first found to be equal to. Blocks of one canonical place are the same.
 */
#include "deep.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>

struct hit {
	uint64_t pos, first, before; /* sectors: the anchor, its first copy, the copy before */
};

static int by_anchor(const void *a, const void *b)
{
	const struct anchor *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

static int by_place(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

/* A thinner sample is a part of the thicker one. */
static void thin(struct deep *d)
{
	uint64_t mask;
	size_t kept = 0;

	d->thinness++;
	mask = (1ULL << d->thinness) - 1;
	for (size_t k = 0; k < d->anchor_count; k++)
		if ((d->anchors[k].hash & mask) == 0)
			d->anchors[kept++] = d->anchors[k];
	d->anchor_count = kept;
}

static int collect_anchors(struct deep *d)
{
	for (uint32_t k = 0; k < d->piece_count; k++) {
		const struct deep_piece *piece = &d->pieces[k];
		uint64_t before = 0;
		bool known = false;

		if (piece->tag != 0)
			continue;
		for (uint64_t s = piece->start; s < piece->end; s++) {
			uint64_t sum;
			bool have = deep_sum(d, s, &sum);

			if (d->error)
				return d->error;
			if (have && known && before != d->zero && sum != d->zero) {
				uint64_t hash = mix64(mix64(before) + sum);

				while ((hash & ((1ULL << d->thinness) - 1)) == 0) {
					if (d->anchor_count == d->anchor_room) {
						thin(d);
						continue;
					}
					d->anchors[d->anchor_count++] = (struct anchor){ hash, s - 1 };
					break;
				}
			}
			before = sum;
			known = have;
		}
		if (cancelled(d->control))
			return -ECANCELED;
		if (d->control)
			d->control->done += (double)((piece->end - piece->start) * d->sectorsize);
	}
	return 0;
}

/* Anchors that occur again, in the order of the disk. */
static int collect_hits(struct deep *d, struct hit **hits, size_t *count)
{
	size_t n = 0;

	sort_rows(d->anchors, d->anchor_count, sizeof *d->anchors, by_anchor);
	for (size_t k = 1; k < d->anchor_count; k++)
		n += d->anchors[k].hash == d->anchors[k - 1].hash;
	*hits = malloc((n ? n : 1) * sizeof **hits);
	if (!*hits)
		return -ENOMEM;
	n = 0;
	for (size_t k = 1, first = 0; k < d->anchor_count; k++) {
		if (d->anchors[k].hash != d->anchors[first].hash) {
			first = k;
			continue;
		}
		(*hits)[n++] = (struct hit){ d->anchors[k].pos, d->anchors[first].pos,
			d->anchors[k - 1].pos };
	}
	sort_rows(*hits, n, sizeof **hits, by_place);
	*count = n;
	return 0;
}

/* A block, and the piece that it is in. */
struct place {
	uint32_t piece;
	uint64_t at;
};

static bool place_of(const struct deep *d, uint64_t at, struct place *p)
{
	int64_t piece = deep_piece_at(d, at);

	if (piece < 0)
		return false;
	p->piece = (uint32_t)piece;
	p->at = at;
	return true;
}

static bool step_on(const struct deep *d, struct place *p)
{
	const struct deep_piece *piece = &d->pieces[p->piece];

	if (++p->at < piece->end)
		return true;
	return piece->next != DEEP_NOWHERE && place_of(d, piece->next, p);
}

static bool step_back(const struct deep *d, struct place *p)
{
	const struct deep_piece *piece = &d->pieces[p->piece];

	if (p->at > piece->start) {
		p->at--;
		return true;
	}
	if (d->previous[p->piece] == DEEP_NO_PIECE)
		return false;
	p->piece = d->previous[p->piece];
	p->at = d->pieces[p->piece].end - 1;
	return true;
}

static uint64_t index_of(const struct deep *d, const struct place *p)
{
	return d->bases[p->piece] + (p->at - d->pieces[p->piece].start);
}

static bool bit(const uint8_t *map, uint64_t k)
{
	return map[k >> 3] >> (k & 7) & 1;
}

static void set_bit(uint8_t *map, uint64_t k, bool on)
{
	if (on)
		map[k >> 3] |= (uint8_t)(1u << (k & 7));
	else
		map[k >> 3] &= (uint8_t)~(1u << (k & 7));
}

/* Whether q and p are equal and p is free to be mapped onto q. Takes p. */
static bool take(struct deep *d, const struct place *q, const struct place *p, bool *is_zero)
{
	uint64_t a, b, index = index_of(d, p);

	if (q->at == p->at || d->pieces[p->piece].tag || d->pieces[q->piece].tag ||
	    bit(d->mapped, index) || bit(d->roots, index))
		return false;
	if (!deep_sum(d, q->at, &a) || !deep_sum(d, p->at, &b) || a != b)
		return false;
	/* a run must not be its own pattern: blocks taken by it end it */
	if (bit(d->mapped, index_of(d, q)) && bit(d->fresh, index_of(d, q)))
		return false;
	set_bit(d->mapped, index, true);
	set_bit(d->fresh, index, true);
	*is_zero = a == d->zero;
	return true;
}

static bool note(struct deep *d, uint64_t p, uint64_t q, bool zero)
{
	if (d->step_count == d->step_room) {
		size_t room = d->step_room ? d->step_room * 2 : 4096;
		struct deep_step *bigger = realloc(d->steps, room * sizeof *bigger);

		if (!bigger) {
			d->error = -ENOMEM;
			return false;
		}
		d->steps = bigger;
		d->step_room = room;
	}
	d->steps[d->step_count++] = (struct deep_step){ p, q, zero };
	return true;
}

static bool add_run(struct deep *d, uint64_t p, uint64_t q)
{
	struct deep_run *last = d->run_count ? &d->runs[d->run_count - 1] : NULL;

	if (last && last->start + last->length == p && last->canon + last->length == q) {
		last->length++;
		return true;
	}
	if (d->run_count == d->run_room) {
		size_t room = d->run_room ? d->run_room * 2 : 4096;
		struct deep_run *bigger = realloc(d->runs, room * sizeof *bigger);

		if (!bigger) {
			d->error = -ENOMEM;
			return false;
		}
		d->runs = bigger;
		d->run_room = room;
	}
	d->runs[d->run_count++] = (struct deep_run){ p, 1, q };
	return true;
}

static void forget(struct deep *d, uint64_t at, bool mapped)
{
	struct place p;

	if (!place_of(d, at, &p))
		return;
	set_bit(d->fresh, index_of(d, &p), false);
	if (!mapped)
		set_bit(d->mapped, index_of(d, &p), false);
}

/* The run through two equal anchors. Returns whether it was long enough. */
static bool extend(struct deep *d, uint64_t q_at, uint64_t p_at)
{
	struct place q, p;
	size_t back, first = 0, end;
	bool zero = false;

	d->step_count = 0;
	if (!place_of(d, q_at, &q) || !place_of(d, p_at, &p))
		return false;
	while (step_back(d, &q) && step_back(d, &p) && take(d, &q, &p, &zero))
		if (!note(d, p.at, q.at, zero))
			return false;
	back = d->step_count;
	for (size_t k = 0; k < back / 2; k++) {
		struct deep_step other = d->steps[k];

		d->steps[k] = d->steps[back - 1 - k];
		d->steps[back - 1 - k] = other;
	}
	if (place_of(d, q_at, &q) && place_of(d, p_at, &p))
		while (take(d, &q, &p, &zero)) {
			if (!note(d, p.at, q.at, zero))
				return false;
			if (!step_on(d, &q) || !step_on(d, &p))
				break;
		}
	end = d->step_count;
	while (first < end && d->steps[first].zero)
		first++;
	while (end > first && d->steps[end - 1].zero)
		end--;
	if (end - first < d->min_run)
		end = first;
	for (size_t k = 0; k < d->step_count; k++)
		forget(d, d->steps[k].p, k >= first && k < end);
	for (size_t k = first; k < end; k++) {
		if (place_of(d, d->steps[k].q, &q) && !bit(d->mapped, index_of(d, &q)))
			set_bit(d->roots, index_of(d, &q), true);
		if (!add_run(d, d->steps[k].p, d->steps[k].q))
			return false;
	}
	return end > first;
}

static int find_runs(struct deep *d)
{
	struct hit *hits = NULL;
	size_t count = 0;
	int ret = collect_anchors(d);

	if (ret == 0)
		ret = collect_hits(d, &hits, &count);
	for (size_t k = 0; k < count && ret == 0; k++) {
		struct place p;

		if ((k & 1023) == 0 && cancelled(d->control))
			ret = -ECANCELED;
		else if (place_of(d, hits[k].pos, &p) && !bit(d->mapped, index_of(d, &p)) &&
			 !extend(d, hits[k].first, hits[k].pos) &&
			 hits[k].before != hits[k].first)
			extend(d, hits[k].before, hits[k].pos);
		if (d->error)
			ret = d->error;
	}
	free(hits);
	return ret;
}

static int by_run(const void *a, const void *b)
{
	const struct deep_run *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The run that maps a block: what it is equal to was mapped earlier, or is a root. */
static const struct deep_run *run_at(const struct deep *d, uint64_t at, uint64_t *until)
{
	size_t low = 0, high = d->run_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (d->runs[middle].start <= at)
			low = middle + 1;
		else
			high = middle;
	}
	*until = low < d->run_count ? d->runs[low].start : UINT64_MAX;
	if (low == 0 || d->runs[low - 1].start + d->runs[low - 1].length <= at)
		return NULL;
	*until = d->runs[low - 1].start + d->runs[low - 1].length;
	return &d->runs[low - 1];
}

static int emit(struct deep *d, uint64_t start, uint64_t length, uint64_t canon)
{
	double *last = d->out + 3 * (size_t)(d->out_count ? d->out_count - 1 : 0);

	if (d->out_count && length && last[1] > 0 && last[0] + last[1] == (double)start &&
	    last[2] + last[1] == (double)canon) {
		last[1] += (double)length;
		return 0;
	}
	if (d->out_count == d->out_room)
		return -EMSGSIZE;
	d->out[3 * (size_t)d->out_count] = (double)start;
	d->out[3 * (size_t)d->out_count + 1] = (double)length;
	d->out[3 * (size_t)d->out_count++ + 2] = (double)canon;
	return 0;
}

static int resolve(struct deep *d)
{
	if (d->run_count == 0)
		return 0;
	sort_rows(d->runs, d->run_count, sizeof *d->runs, by_run);
	for (size_t k = 0; k < d->run_count; k++) {
		const struct deep_run *run = &d->runs[k];

		for (uint64_t done = 0; done < run->length;) {
			uint64_t at = run->canon + done, length = run->length - done, until;
			const struct deep_run *next;

			while ((next = run_at(d, at, &until)) != NULL) {
				if (length > until - at)
					length = until - at;
				at = next->canon + (at - next->start);
			}
			if (length > until - at)
				length = until - at;
			if (emit(d, run->start + done, length, at) < 0)
				return -EMSGSIZE;
			done += length;
		}
	}
	return 0;
}

/* ------------------------------------------------- compressed extents */

static int by_twin(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->piece < y->piece ? -1 : x->piece > y->piece;
}

static bool same_sums(struct deep *d, const struct deep_piece *a, const struct deep_piece *b)
{
	uint64_t x, y;

	if (a->tag != b->tag || a->end - a->start != b->end - b->start)
		return false;
	for (uint64_t k = 0; k < a->end - a->start; k++)
		if (!deep_sum(d, a->start + k, &x) || !deep_sum(d, b->start + k, &y) || x != y)
			return false;
	return true;
}

/* Compressed extents whose compressed bytes are the same, whole ones only. */
static int find_twins(struct deep *d)
{
	struct twin *twins = malloc((d->piece_count ? d->piece_count : 1) * sizeof *twins);
	size_t n = 0;
	int ret = 0;

	if (!twins)
		return -ENOMEM;
	for (uint32_t k = 0; k < d->piece_count && ret == 0; k++) {
		const struct deep_piece *piece = &d->pieces[k];
		uint64_t hash = mix64(piece->tag), sum, s = piece->start;

		if (piece->tag == 0)
			continue;
		while (s < piece->end && deep_sum(d, s, &sum)) {
			hash = mix64(hash + sum);
			s++;
		}
		ret = d->error ? d->error : cancelled(d->control) ? -ECANCELED : 0;
		if (s == piece->end)
			twins[n++] = (struct twin){ hash, k };
	}
	if (ret == 0)
		sort_rows(twins, n, sizeof *twins, by_twin);
	for (size_t k = 1, first = 0; k < n && ret == 0; k++) {
		if (twins[k].hash != twins[first].hash) {
			first = k;
			continue;
		}
		if (same_sums(d, &d->pieces[twins[first].piece], &d->pieces[twins[k].piece]))
			ret = emit(d, d->pieces[twins[k].piece].start, 0,
				d->pieces[twins[first].piece].start);
		if (d->error)
			ret = d->error;
	}
	free(twins);
	return ret;
}

int rf_deep_runs(int fd, uint32_t sectorsize, uint32_t csum_size, double *pieces, uint32_t n,
	int sums_fd, uint32_t csum_type, double memory, uint32_t min_run, double *out, uint32_t max_out, double *stats,
	struct rf_control *control)
{
	struct deep d = { .fd = fd, .sums_fd = sums_fd, .sectorsize = sectorsize, .csum_size = csum_size,
		.min_run = min_run < 2 ? 2 : min_run, .out = out, .out_room = max_out,
		.zero = deep_zero_sum(csum_type, sectorsize), .control = control };
	int ret;

	if (csum_size < 4 || csum_size > 64 || sectorsize < RF_MIN_SECTOR || sectorsize > 65536)
		return -EINVAL;
#ifdef __GLIBC__
	/* what was freed before this, rows of the index above all, is not to be kept beside what is taken now */
	malloc_trim(0);
#endif
	ret = deep_open(&d, pieces, n, memory);
	if (ret == 0)
		ret = find_runs(&d);
	if (ret == 0)
		ret = resolve(&d);
	if (ret == 0)
		ret = find_twins(&d);
	stats[0] = (double)(1ULL << d.thinness);
	stats[1] = (double)d.anchor_count;
	stats[2] = d.pieces ? d.piece_count : n;
	deep_close(&d, pieces);
	return ret < 0 ? ret : (int)d.out_count;
}

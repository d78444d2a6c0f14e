// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A sort that takes no memory. qsort() of glibc takes as much again as what is
 * sorted, and a search of ranges sorts its largest tables.
 */
#include "internal.h"

/* Fewer rows than this are inserted one by one. */
#define SHORT 12

struct sorting {
	uint64_t *base;
	size_t words; /* of a row */
	int (*compare)(const void *, const void *);
};

static uint64_t *row(const struct sorting *s, size_t k)
{
	return s->base + k * s->words;
}

static int compare_rows(const struct sorting *s, size_t a, size_t b)
{
	return s->compare(row(s, a), row(s, b));
}

static void swap(const struct sorting *s, size_t a, size_t b)
{
	uint64_t *x = row(s, a), *y = row(s, b);

	for (size_t k = 0; k < s->words; k++) {
		uint64_t word = x[k];

		x[k] = y[k];
		y[k] = word;
	}
}

static void insert(const struct sorting *s, size_t first, size_t end)
{
	for (size_t k = first + 1; k < end; k++)
		for (size_t at = k; at > first && compare_rows(s, at - 1, at) > 0; at--)
			swap(s, at - 1, at);
}

static void sift(const struct sorting *s, size_t first, size_t top, size_t n)
{
	for (size_t child; (child = 2 * top + 1) < n; top = child) {
		if (child + 1 < n && compare_rows(s, first + child, first + child + 1) < 0)
			child++;
		if (compare_rows(s, first + top, first + child) >= 0)
			return;
		swap(s, first + top, first + child);
	}
}

/* For rows in an order that the quicker way does badly with. */
static void heap_sort(const struct sorting *s, size_t first, size_t end)
{
	size_t n = end - first;

	for (size_t k = n / 2; k > 0; k--)
		sift(s, first, k - 1, n);
	while (n > 1) {
		swap(s, first, first + --n);
		sift(s, first, 0, n);
	}
}

/* Puts the middle one of three first. */
static void choose_pivot(const struct sorting *s, size_t first, size_t end)
{
	size_t a = first + 1, b = first + (end - first) / 2, c = end - 1;

	if (compare_rows(s, a, b) > 0)
		swap(s, a, b);
	if (compare_rows(s, b, c) > 0)
		swap(s, b, c);
	if (compare_rows(s, a, b) > 0)
		swap(s, a, b);
	swap(s, first, b);
}

static void sort_part(const struct sorting *s, size_t first, size_t end, unsigned int depth)
{
	while (end - first > SHORT) {
		size_t low = first + 1, high = end - 1;

		if (depth-- == 0) {
			heap_sort(s, first, end);
			return;
		}
		choose_pivot(s, first, end);
		for (;;) {
			while (low <= high && compare_rows(s, low, first) < 0)
				low++;
			while (low <= high && compare_rows(s, high, first) > 0)
				high--;
			if (low >= high)
				break;
			swap(s, low++, high--);
		}
		swap(s, first, high);
		/* the shorter part by a call: the stack stays small */
		if (high - first < end - high - 1) {
			sort_part(s, first, high, depth);
			first = high + 1;
		} else {
			sort_part(s, high + 1, end, depth);
			end = high;
		}
	}
	insert(s, first, end);
}

void sort_rows(void *rows, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	struct sorting s = { rows, size / sizeof(uint64_t), compare };
	unsigned int depth = 2;

	for (size_t k = n; k > 1; k /= 2)
		depth += 2;
	if (n > 1)
		sort_part(&s, 0, n, depth);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Names of many inodes at once (INODE_REF, INODE_EXTREF: linux/btrfs_tree.h). */
#include "internal.h"

#define NAMES_BUFFER (128 * 1024)
/* Wanted inodes that lie this close are read with what is between them: an
 * ioctl costs as much as some hundred items. */
#define NAMES_GAP 32

struct names {
	double *parents;
	uint32_t *ends;
	uint8_t *bytes;
	uint32_t size, used;
};

/* Takes one name out of an item. false: it does not fit into the buffer. */
static bool take_name(struct names *out, uint32_t k, const struct tree_search *s)
{
	bool extref = s->item.type == BTRFS_INODE_EXTREF_KEY;
	uint32_t head = extref ? offsetof(struct btrfs_inode_extref, name) :
				 sizeof(struct btrfs_inode_ref);
	uint32_t length;

	if (s->item.len < head)
		return true;
	length = load16(s->data + head - sizeof(uint16_t));
	if (length > s->item.len - head)
		return true;
	if (length > out->size - out->used)
		return false;
	memcpy(out->bytes + out->used, s->data + head, length);
	out->used += length;
	out->parents[k] = extref ? (double)load64(s->data) : (double)s->item.offset;
	return true;
}

/* What one run of neighbouring inodes came to. */
enum run_end { RUN_DONE, RUN_FULL };

/* Names inos[*k .. last]; *k is then the first one that is not done. */
static int read_run(struct tree_search *s, const double *inos, uint32_t *k, uint32_t last,
	struct names *out, struct rf_control *control)
{
	const struct tree_key end = { (uint64_t)inos[last], BTRFS_INODE_EXTREF_KEY, UINT64_MAX };
	int ret;

	search_range(s, (struct tree_key){ (uint64_t)inos[*k], BTRFS_INODE_REF_KEY, 0 }, end, 0);
	while (*k <= last && (ret = search_next(s)) != 0) {
		uint64_t at = s->item.objectid;
		bool reference = s->item.type == BTRFS_INODE_REF_KEY ||
			s->item.type == BTRFS_INODE_EXTREF_KEY;

		if (ret < 0)
			return ret;
		if (cancelled(control))
			return -ECANCELED;
		/* passed over: it has no name, or had one already */
		while (*k <= last && (uint64_t)inos[*k] < at)
			out->ends[(*k)++] = out->used;
		if (*k > last)
			break;
		if (reference && at == (uint64_t)inos[*k] && out->parents[*k] == 0 &&
		    !take_name(out, *k, s))
			return RUN_FULL;
		/* the next read would begin with more of this inode's data, or of what
		 * a directory holds: begin with the next inode instead */
		if (search_drained(s) && s->item.type > BTRFS_INODE_EXTREF_KEY) {
			while (*k <= last && (uint64_t)inos[*k] <= at)
				out->ends[(*k)++] = out->used;
			if (*k <= last)
				search_range(s, (struct tree_key){ (uint64_t)inos[*k],
							BTRFS_INODE_REF_KEY, 0 }, end, 0);
		}
	}
	while (*k <= last)
		out->ends[(*k)++] = out->used;
	return RUN_DONE;
}

int rf_read_names(int fd, double tree, const double *inos, uint32_t n, double *cursor,
	double *parents, uint32_t *ends, uint8_t *names, uint32_t names_size,
	struct rf_control *control)
{
	struct names out = { .parents = parents, .ends = ends, .bytes = names,
		.size = names_size };
	struct tree_search s;
	uint32_t start, k;
	int ret;

	if (!(*cursor >= 0 && *cursor <= n))
		return -EINVAL;
	start = k = (uint32_t)*cursor;
	for (uint32_t j = start; j < n; j++)
		parents[j] = 0;
	ret = search_open(&s, fd, (uint64_t)tree, NAMES_BUFFER);
	if (ret < 0)
		return ret;
	while (k < n) {
		uint32_t before = k, last = k;

		while (last + 1 < n && inos[last + 1] - inos[last] <= NAMES_GAP)
			last++;
		ret = read_run(&s, inos, &k, last, &out, control);
		if (control)
			control->done += k - before;
		if (ret < 0 || ret == RUN_FULL)
			break;
	}
	search_close(&s);
	if (ret < 0)
		return ret;
	if (ret == RUN_FULL && k == start)
		return -EMSGSIZE;
	*cursor = k;
	return (int)(k - start);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* BTRFS_IOC_TREE_SEARCH_V2: any tree through any open directory of the volume
 * (linux/btrfs.h; needs CAP_SYS_ADMIN). */
#include "internal.h"

#include <stdlib.h>
#include <sys/ioctl.h>

/* The largest item is smaller than the largest node, 64 KiB. */
#define LARGEST_ITEM (65536 + sizeof(struct btrfs_ioctl_search_header))

static int search_call(int fd, uint64_t tree, const struct tree_key *min,
	const struct tree_key *max, uint64_t min_transid,
	struct btrfs_ioctl_search_args_v2 *args, uint32_t capacity)
{
	struct btrfs_ioctl_search_key *key = &args->key;

	memset(key, 0, sizeof *key);
	key->tree_id = tree;
	key->min_objectid = min->objectid;
	key->min_type = min->type;
	key->min_offset = min->offset;
	key->max_objectid = max->objectid;
	key->max_type = max->type;
	key->max_offset = max->offset;
	key->min_transid = min_transid;
	key->max_transid = UINT64_MAX;
	key->nr_items = UINT32_MAX;
	args->buf_size = capacity;
	while (ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args) != 0) {
		if (errno != EINTR)
			return -errno;
		args->buf_size = capacity;
		key->nr_items = UINT32_MAX;
	}
	return (int)key->nr_items;
}

int rf_tree_search(int fd, uint64_t tree, uint64_t min_objectid, uint32_t min_type,
	uint64_t min_offset, uint64_t max_objectid, uint32_t max_type,
	uint64_t max_offset, uint64_t min_transid, uint8_t *buf, uint32_t buf_size)
{
	const struct tree_key min = { min_objectid, min_type, min_offset };
	const struct tree_key max = { max_objectid, max_type, max_offset };
	struct btrfs_ioctl_search_args_v2 *args;
	int n;

	if (buf_size < LARGEST_ITEM)
		return -EINVAL;
	args = malloc(sizeof *args + buf_size);
	if (!args)
		return -ENOMEM;
	n = search_call(fd, tree, &min, &max, min_transid, args, buf_size);
	if (n > 0) {
		/* copy only what is there: buf_size is not told back */
		const uint8_t *p = (const uint8_t *)args->buf;
		size_t used = 0;

		for (int i = 0; i < n; i++) {
			struct btrfs_ioctl_search_header h;

			memcpy(&h, p + used, sizeof h);
			used += sizeof h + h.len;
		}
		memcpy(buf, p, used);
	}
	free(args);
	return n;
}

int search_open(struct tree_search *s, int fd, uint64_t tree, uint32_t capacity)
{
	memset(s, 0, sizeof *s);
	s->fd = fd;
	s->tree = tree;
	s->capacity = capacity;
	s->args = malloc(sizeof *s->args + capacity);
	return s->args ? 0 : -ENOMEM;
}

void search_close(struct tree_search *s)
{
	free(s->args);
	s->args = NULL;
}

void search_range(struct tree_search *s, struct tree_key min, struct tree_key max,
	uint64_t min_transid)
{
	s->min = min;
	s->max = max;
	s->min_transid = min_transid;
	s->left = 0;
	s->pos = 0;
	s->ended = false;
}

static void key_after(struct tree_key *key)
{
	if (++key->offset != 0)
		return;
	if (++key->type <= UINT8_MAX)
		return;
	key->type = 0;
	key->objectid++;
}

int search_next(struct tree_search *s)
{
	if (s->left == 0) {
		int n;

		if (s->ended)
			return 0;
		n = search_call(s->fd, s->tree, &s->min, &s->max, s->min_transid,
			s->args, s->capacity);
		if (n < 0)
			return n;
		if (n == 0) {
			s->ended = true;
			return 0;
		}
		s->left = (uint32_t)n;
		s->pos = 0;
	}
	memcpy(&s->item, (const uint8_t *)s->args->buf + s->pos, sizeof s->item);
	s->data = (const uint8_t *)s->args->buf + s->pos + sizeof s->item;
	s->pos += (uint32_t)sizeof s->item + s->item.len;
	if (--s->left == 0) {
		s->min = (struct tree_key){ s->item.objectid, s->item.type, s->item.offset };
		key_after(&s->min);
		/* the kernel stops early only for want of room */
		if (s->capacity - s->pos >= LARGEST_ITEM)
			s->ended = true;
	}
	return 1;
}

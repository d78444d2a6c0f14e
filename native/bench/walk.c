/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The second yardstick of `npm run bench`: a bare walk of the trees that a
 * scan has to read, and nothing else. It asks the kernel for every item of
 * every subvolume tree and of the checksum tree with TREE_SEARCH_V2, touches
 * every cache line of what comes back and throws it away. No program that
 * takes this road to the data can be faster.
 *
 *   walk [--no-csums] DIRECTORY     prints one JSON object
 *
 * Needs CAP_SYS_ADMIN. Exits 1 with a sentence where the kernel refuses.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>

#define BUFFER_SIZE (1u << 20)
#define MAX_TREES 65536

static uint64_t sink; /* keeps the compiler from dropping the reads */

struct count {
	uint64_t items;
	uint64_t bytes;
	uint64_t calls;
};

typedef void (*visit_fn)(const struct btrfs_ioctl_search_header *header, const void *data, void *context);

static void touch(const uint8_t *data, size_t length)
{
	for (size_t at = 0; at < length; at += 64)
		sink += data[at];
}

/* Moves the lower end of the search just past one key. 0: there is nothing past it. */
static int step_past(struct btrfs_ioctl_search_key *key, const struct btrfs_ioctl_search_header *last)
{
	key->min_objectid = last->objectid;
	key->min_type = last->type;
	key->min_offset = last->offset;
	if (key->min_offset++ != UINT64_MAX)
		return 1;
	key->min_offset = 0;
	if (key->min_type++ != 255)
		return 1;
	key->min_type = 0;
	return key->min_objectid++ != UINT64_MAX;
}

/* Reads all items between the bounds of `key`. Returns 0, or -errno. */
static int search(int fd, struct btrfs_ioctl_search_key key, struct count *count, visit_fn visit, void *context)
{
	struct btrfs_ioctl_search_args_v2 *args = calloc(1, sizeof(*args) + BUFFER_SIZE);
	int error = 0;

	if (!args)
		return -ENOMEM;
	key.max_transid = UINT64_MAX;
	for (;;) {
		args->key = key;
		args->key.nr_items = UINT32_MAX;
		args->buf_size = BUFFER_SIZE;
		if (ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args) < 0) {
			error = -errno;
			break;
		}
		count->calls++;
		if (!args->key.nr_items)
			break;

		const uint8_t *at = (const uint8_t *)args->buf;
		struct btrfs_ioctl_search_header header;

		for (uint32_t k = 0; k < args->key.nr_items; k++) {
			memcpy(&header, at, sizeof(header));
			at += sizeof(header);
			if (visit)
				visit(&header, at, context);
			at += header.len;
		}
		touch((const uint8_t *)args->buf, (size_t)(at - (const uint8_t *)args->buf));
		count->items += args->key.nr_items;
		count->bytes += (uint64_t)(at - (const uint8_t *)args->buf);
		if (!step_past(&key, &header))
			break;
	}
	free(args);
	return error;
}

struct trees {
	uint64_t ids[MAX_TREES];
	uint32_t n;
};

/* Root tree: keeps the ids of the subvolumes that are not being deleted. */
static void note_subvolume(const struct btrfs_ioctl_search_header *header, const void *data, void *context)
{
	struct trees *trees = context;
	struct btrfs_root_item item;

	if (header->type != BTRFS_ROOT_ITEM_KEY)
		return;
	if (header->objectid != BTRFS_FS_TREE_OBJECTID &&
	    (header->objectid < BTRFS_FIRST_FREE_OBJECTID || header->objectid > BTRFS_LAST_FREE_OBJECTID))
		return;
	memset(&item, 0, sizeof(item));
	memcpy(&item, data, header->len < sizeof(item) ? header->len : sizeof(item));
	if (!le32toh(item.refs) || trees->n == MAX_TREES)
		return;
	trees->ids[trees->n++] = header->objectid;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct trees trees;
	struct count roots = {0}, files = {0}, csums = {0};
	int with_csums = 1, error;
	const char *path;

	if (argc == 3 && !strcmp(argv[1], "--no-csums"))
		with_csums = 0;
	else if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: walk [--no-csums] DIRECTORY\n");
		return 2;
	}
	path = argv[argc - 1];

	double start = now();
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "walk: %s: %s\n", path, strerror(errno));
		return 1;
	}

	struct btrfs_ioctl_search_key key = {
		.tree_id = BTRFS_ROOT_TREE_OBJECTID,
		.min_type = BTRFS_ROOT_ITEM_KEY,
		.min_objectid = BTRFS_FS_TREE_OBJECTID,
		.max_objectid = BTRFS_LAST_FREE_OBJECTID,
		.max_type = BTRFS_ROOT_ITEM_KEY,
		.max_offset = UINT64_MAX,
	};

	error = search(fd, key, &roots, note_subvolume, &trees);
	for (uint32_t k = 0; !error && k < trees.n; k++) {
		key = (struct btrfs_ioctl_search_key){
			.tree_id = trees.ids[k],
			.min_objectid = BTRFS_FIRST_FREE_OBJECTID,
			.max_objectid = BTRFS_LAST_FREE_OBJECTID,
			.max_type = 255,
			.max_offset = UINT64_MAX,
		};
		error = search(fd, key, &files, NULL, NULL);
	}
	if (!error && with_csums) {
		key = (struct btrfs_ioctl_search_key){
			.tree_id = BTRFS_CSUM_TREE_OBJECTID,
			.min_objectid = BTRFS_EXTENT_CSUM_OBJECTID,
			.max_objectid = BTRFS_EXTENT_CSUM_OBJECTID,
			.min_type = BTRFS_EXTENT_CSUM_KEY,
			.max_type = BTRFS_EXTENT_CSUM_KEY,
			.max_offset = UINT64_MAX,
		};
		error = search(fd, key, &csums, NULL, NULL);
	}
	close(fd);
	if (error) {
		fprintf(stderr, "walk: %s: %s\n", path, strerror(-error));
		return 1;
	}
	printf("{\"seconds\":%.6f,\"trees\":%u,\"items\":%llu,\"itemBytes\":%llu,"
	       "\"csumItems\":%llu,\"csumBytes\":%llu,\"calls\":%llu,\"sum\":%llu}\n",
	       now() - start, trees.n, (unsigned long long)files.items, (unsigned long long)files.bytes,
	       (unsigned long long)csums.items, (unsigned long long)csums.bytes,
	       (unsigned long long)(roots.calls + files.calls + csums.calls), (unsigned long long)sink);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Walks subvolume trees into packed records (item layouts: linux/btrfs_tree.h). */
#include "internal.h"

#include <math.h>
#include <sys/stat.h>

#define WALK_BUFFER (512 * 1024)
#define INODE_BUFFER (128 * 1024)

/* The inode that is being put together. */
struct builder {
	uint32_t sectorsize;
	double *records;
	uint32_t max_records, count;
	uint8_t *blob;
	uint32_t blob_size, blob_used;

	bool open, wanted, directory, overflow;
	double *record;
	uint32_t blob_start;
	uint64_t size_sectors;
	struct piece_cursor cursor;
	/* the run of data that is not yet in the layout hash */
	bool run;
	uint64_t run_kind, run_file, run_length, run_start, run_offset;
	uint64_t layout;
	uint32_t traits, extents;
	uint64_t disk_bytes, extent_generation;
};

/* What mix64() takes for zero is zero. */
#define LAYOUT_SEED 0x9e3779b97f4a7c15ULL

/* Each number is mixed in by itself: in a sum, a longer run would be the same
 * as one that lies further on. */
static void layout_flush(struct builder *b)
{
	if (!b->run)
		return;
	b->layout = mix64(b->layout ^ LAYOUT_SEED ^ b->run_kind);
	b->layout = mix64(b->layout ^ b->run_file);
	b->layout = mix64(b->layout ^ b->run_length);
	b->layout = mix64(b->layout ^ b->run_start);
	b->layout = mix64(b->layout ^ b->run_offset);
	b->run = false;
}

/* Neighbouring pieces count as one: the kernel splits extents as it dedupes,
 * and a file does not lie elsewhere for that. */
static void layout_add(struct builder *b, const struct piece *p, uint64_t length)
{
	bool compressed = p->kind >= PIECE_COMPRESSED;
	uint64_t start = compressed ? p->start : p->start + p->offset;
	uint64_t offset = compressed ? p->offset : 0;

	if (b->run && b->run_kind == p->kind && b->run_file + b->run_length == p->file &&
	    (compressed ? b->run_start == start && b->run_offset + b->run_length == offset :
			  b->run_start + b->run_length == start)) {
		b->run_length += length;
		return;
	}
	layout_flush(b);
	b->run = true;
	b->run_kind = p->kind;
	b->run_file = p->file;
	b->run_length = length;
	b->run_start = start;
	b->run_offset = offset;
}

static void begin_inode(struct builder *b, const struct tree_search *s)
{
	const struct btrfs_inode_item *item = (const void *)s->data;
	uint32_t mode = load32(&item->mode);
	uint64_t size = load64(&item->size);

	b->open = true;
	b->wanted = S_ISREG(mode) || S_ISDIR(mode);
	b->directory = S_ISDIR(mode);
	b->overflow = false;
	if (!b->wanted)
		return;
	if (b->count == b->max_records) {
		b->overflow = true;
		return;
	}
	b->record = b->records + (size_t)b->count * RF_RECORD_FIELDS;
	b->record[RF_INO] = (double)s->item.objectid;
	b->record[RF_GENERATION] = (double)load64(&item->generation);
	b->record[RF_TRANSID] = (double)load64(&item->transid);
	b->record[RF_SIZE] = S_ISREG(mode) ? (double)size : 0;
	b->record[RF_MODE] = mode;
	b->record[RF_FLAGS] = (double)(load64(&item->flags) & UINT32_MAX);
	b->record[RF_NLINK] = load32(&item->nlink);
	b->record[RF_UID] = load32(&item->uid);
	b->record[RF_MTIME] = (double)(int64_t)load64(&item->mtime.sec);
	b->record[RF_PARENT] = 0;
	b->blob_start = b->blob_used;
	b->size_sectors = (size + b->sectorsize - 1) / b->sectorsize;
	b->cursor = (struct piece_cursor){ 0, 0 };
	b->run = false;
	b->layout = 0;
	b->traits = b->extents = 0;
	b->disk_bytes = b->extent_generation = 0;
}

static void add_extent(struct builder *b, const struct tree_search *s)
{
	const uint8_t *item = s->data;
	uint8_t compression = item[offsetof(struct btrfs_file_extent_item, compression)];
	uint8_t type = item[offsetof(struct btrfs_file_extent_item, type)];
	struct piece p = { 0 };
	uint64_t bytenr, length, generation = load64(item);

	if (generation > b->extent_generation)
		b->extent_generation = generation;
	p.file = s->item.offset / b->sectorsize;
	if (type == BTRFS_FILE_EXTENT_INLINE) {
		p.kind = PIECE_INLINE;
		p.length = load64(item + offsetof(struct btrfs_file_extent_item, ram_bytes));
		b->traits |= RF_HAS_INLINE | (compression ? RF_HAS_COMPRESSED : 0);
	} else {
		bytenr = load64(item + offsetof(struct btrfs_file_extent_item, disk_bytenr));
		if (bytenr == 0)
			return; /* a hole on filesystems without no-holes */
		p.kind = type == BTRFS_FILE_EXTENT_PREALLOC ? PIECE_PREALLOC :
			compression == 0 ? PIECE_PLAIN : PIECE_COMPRESSED + compression - 1u;
		p.start = bytenr / b->sectorsize;
		p.disk = load64(item + offsetof(struct btrfs_file_extent_item, disk_num_bytes)) /
			b->sectorsize;
		p.offset = load64(item + offsetof(struct btrfs_file_extent_item, offset)) /
			b->sectorsize;
		p.length = load64(item + offsetof(struct btrfs_file_extent_item, num_bytes)) /
			b->sectorsize;
		p.ram = load64(item + offsetof(struct btrfs_file_extent_item, ram_bytes)) /
			b->sectorsize;
		length = p.length;
		if (p.file + length > b->size_sectors) {
			b->traits |= RF_HAS_BEYOND_EOF;
			length = p.file >= b->size_sectors ? 0 : b->size_sectors - p.file;
		}
		if (length > 0) {
			layout_add(b, &p, length);
			b->traits |= RF_HAS_DISK;
			if (p.kind == PIECE_PREALLOC)
				b->traits |= RF_HAS_PREALLOC;
			if (p.kind >= PIECE_COMPRESSED)
				b->traits |= RF_HAS_COMPRESSED;
			b->disk_bytes += length * b->sectorsize;
		}
		b->extents++;
	}
	if (b->blob_size - b->blob_used < PIECE_MAX_BYTES) {
		b->overflow = true;
		return;
	}
	b->blob_used += piece_pack(b->blob + b->blob_used, &b->cursor, &p);
}

/* true: the inode did not fit and is taken back. */
static bool end_inode(struct builder *b)
{
	if (!b->open)
		return false;
	b->open = false;
	if (!b->wanted)
		return false;
	if (b->overflow) {
		if (b->count < b->max_records)
			b->blob_used = b->blob_start;
		return true;
	}
	layout_flush(b);
	b->record[RF_BLOB_OFFSET] = b->blob_start;
	b->record[RF_BLOB_LENGTH] = b->blob_used - b->blob_start;
	b->record[RF_EXTENTS] = b->extents;
	/* 53 bits: exact as a double */
	b->record[RF_LAYOUT] = (double)(b->layout >> 11);
	b->record[RF_TRAITS] = b->traits;
	b->record[RF_DISK_BYTES] = (double)b->disk_bytes;
	b->record[RF_EXTENT_GENERATION] = (double)b->extent_generation;
	b->count++;
	return false;
}

/* One name of the inode in this directory. */
static void add_parent(struct builder *b, uint64_t directory)
{
	double known = b->record[RF_PARENT];

	if (known != 0 && known != (double)directory)
		b->traits |= RF_HAS_PARENTS;
	b->record[RF_PARENT] = (double)directory;
}

/* Names that hash alike share one item. */
static void add_extrefs(struct builder *b, const struct tree_search *s)
{
	const uint32_t head = offsetof(struct btrfs_inode_extref, name);
	uint32_t at = 0;

	while (s->item.len - at >= head) {
		add_parent(b, load64(s->data + at));
		at += head + load16(s->data + at + offsetof(struct btrfs_inode_extref, name_len));
		if (at > s->item.len)
			return;
	}
}

#define OPT_OUT_NAME "user.refold.dedupe"
#define OPT_OUT_VALUE "never"

/* Attributes whose names hash alike share one item, too. */
static void add_xattrs(struct builder *b, const struct tree_search *s)
{
	const uint32_t head = sizeof(struct btrfs_dir_item);
	const uint32_t name = sizeof OPT_OUT_NAME - 1, value = sizeof OPT_OUT_VALUE - 1;
	uint32_t at = 0;

	while (s->item.len - at >= head) {
		const uint8_t *item = s->data + at;
		uint32_t names = load16(item + offsetof(struct btrfs_dir_item, name_len));
		uint32_t values = load16(item + offsetof(struct btrfs_dir_item, data_len));

		if (s->item.len - at - head < names + values)
			return;
		if (names == name && values == value && !memcmp(item + head, OPT_OUT_NAME, name) &&
		    !memcmp(item + head + names, OPT_OUT_VALUE, value))
			b->traits |= RF_HAS_OPT_OUT;
		at += head + names + values;
	}
}

static void add_item(struct builder *b, const struct tree_search *s)
{
	if (!b->open || !b->wanted || b->overflow)
		return;
	switch (s->item.type) {
	case BTRFS_INODE_REF_KEY:
		if (s->item.offset != s->item.objectid)
			add_parent(b, s->item.offset);
		break;
	case BTRFS_INODE_EXTREF_KEY:
		add_extrefs(b, s);
		break;
	case BTRFS_XATTR_ITEM_KEY:
		add_xattrs(b, s);
		break;
	case BTRFS_EXTENT_DATA_KEY:
		add_extent(b, s);
		break;
	default:
		break;
	}
}

/* Of an inode that is not there, or of which the walk cannot tell more: its
 * number alone, with mode 0. false: no room. */
static bool put_number(struct builder *b, uint64_t ino)
{
	double *record = b->records + (size_t)b->count * RF_RECORD_FIELDS;

	if (b->count == b->max_records)
		return false;
	b->open = false;
	memset(record, 0, RF_RECORD_FIELDS * sizeof *record);
	record[RF_INO] = (double)ino;
	b->count++;
	return true;
}

/* Items that change when the inode, its names or its data do. */
static bool is_of_inode(uint32_t type)
{
	return type == BTRFS_INODE_ITEM_KEY || type == BTRFS_INODE_REF_KEY ||
		type == BTRFS_INODE_EXTREF_KEY || type == BTRFS_EXTENT_DATA_KEY;
}

/* The walk goes on to another inode. true: this one did not fit. */
static bool leave_inode(struct builder *b, uint64_t ino, bool touched)
{
	if (touched && !(b->open && b->wanted))
		return !put_number(b, ino);
	return end_inode(b);
}

static int full(const struct builder *b)
{
	return b->count == 0 ? -EMSGSIZE : (int)b->count;
}

int rf_walk(int fd, double tree, uint32_t sectorsize, double min_transid, double *cursor,
	double *records, uint32_t max_records, uint8_t *blob, uint32_t blob_size,
	struct rf_control *control)
{
	struct builder b = { .sectorsize = sectorsize, .records = records,
		.max_records = max_records, .blob = blob, .blob_size = blob_size };
	struct tree_search s;
	uint64_t current = 0;
	/* an item of the inode lies in a leaf that is newer; the others need not */
	bool touched = false;
	int ret;

	if (sectorsize < RF_MIN_SECTOR)
		return -EINVAL;
	ret = search_open(&s, fd, (uint64_t)tree, WALK_BUFFER);
	if (ret < 0)
		return ret;
	search_range(&s, (struct tree_key){ (uint64_t)fmax(*cursor, BTRFS_FIRST_FREE_OBJECTID), 0, 0 },
		(struct tree_key){ BTRFS_LAST_FREE_OBJECTID, UINT8_MAX, UINT64_MAX },
		(uint64_t)min_transid);
	while ((ret = search_next(&s)) > 0) {
		if (s.item.objectid != current) {
			if (leave_inode(&b, current, touched)) {
				*cursor = (double)current;
				ret = full(&b);
				goto out;
			}
			current = s.item.objectid;
			touched = false;
			if (control)
				control->done++;
			if (cancelled(control)) {
				ret = -ECANCELED;
				goto out;
			}
		}
		touched |= min_transid > 0 && is_of_inode(s.item.type);
		if (s.item.type == BTRFS_INODE_ITEM_KEY)
			begin_inode(&b, &s);
		else
			add_item(&b, &s);
	}
	if (ret < 0)
		goto out;
	if (leave_inode(&b, current, touched)) {
		*cursor = (double)current;
		ret = full(&b);
		goto out;
	}
	*cursor = 0;
	ret = (int)b.count;
out:
	search_close(&s);
	return ret;
}

/* Inodes whose numbers are not further apart are read by one search: what lies
 * between is read along, which costs less than another search. */
#define NEIGHBOURS 8

/* Behind the last of those that one search is to read, from inos[k] on. */
static uint32_t end_of_run(const double *inos, uint32_t n, uint32_t k)
{
	while (k + 1 < n && inos[k + 1] > inos[k] && inos[k + 1] - inos[k] <= NEIGHBOURS)
		k++;
	return k + 1;
}

/* Ends the record of an inode that was asked for. false: no room for it. */
static bool put_inode(struct builder *b, uint64_t ino, struct rf_control *control)
{
	if (b->count == b->max_records)
		return false;
	if (!b->open || !b->wanted)
		put_number(b, ino);
	else if (end_inode(b))
		return false;
	if (control)
		control->done++;
	return true;
}

int rf_read_inodes(int fd, double tree, uint32_t sectorsize, const double *inos,
	uint32_t n, double *cursor, double *records, uint32_t max_records, uint8_t *blob,
	uint32_t blob_size, struct rf_control *control)
{
	struct builder b = { .sectorsize = sectorsize, .records = records,
		.max_records = max_records, .blob = blob, .blob_size = blob_size };
	struct tree_search s;
	uint32_t k = (uint32_t)*cursor;
	int ret;

	if (sectorsize < RF_MIN_SECTOR)
		return -EINVAL;
	if (max_records == 0)
		return -EMSGSIZE;
	ret = search_open(&s, fd, (uint64_t)tree, INODE_BUFFER);
	if (ret < 0)
		return ret;
	while (k < n && b.count < max_records) {
		uint32_t end = end_of_run(inos, n, k);
		bool stop = false;

		search_range(&s, (struct tree_key){ (uint64_t)inos[k], 0, 0 },
			(struct tree_key){ (uint64_t)inos[end - 1], BTRFS_EXTENT_DATA_KEY, UINT64_MAX }, 0);
		while (!stop) {
			uint64_t found;

			ret = search_next(&s);
			if (ret < 0)
				goto out;
			found = ret > 0 ? s.item.objectid : UINT64_MAX;
			for (; k < end && (uint64_t)inos[k] < found && !stop; k += !stop)
				stop = !put_inode(&b, (uint64_t)inos[k], control);
			if (cancelled(control)) {
				ret = -ECANCELED;
				goto out;
			}
			if (stop || k == end || ret == 0)
				break;
			if (found == (uint64_t)inos[k]) {
				if (s.item.type == BTRFS_INODE_ITEM_KEY)
					begin_inode(&b, &s);
				else
					add_item(&b, &s);
				/* what a directory holds is not asked for */
				if (s.item.type > BTRFS_XATTR_ITEM_KEY && b.open && b.directory) {
					stop = !put_inode(&b, found, control);
					k += !stop;
				}
			}
			/* it may be a million names, or extents: what came along is passed
			 * over, and the next search begins behind it */
			if (k == end || (found < (uint64_t)inos[k] &&
					s.item.type > BTRFS_XATTR_ITEM_KEY && search_drained(&s)))
				break;
		}
		if (stop)
			break;
	}
	if (k < n && b.count == 0) {
		ret = -EMSGSIZE;
		goto out;
	}
	*cursor = k;
	ret = (int)b.count;
out:
	search_close(&s);
	return ret;
}

int rf_changed_inodes(int fd, double tree, double min_transid, double *cursor,
	double *inos, uint32_t max_inos, struct rf_control *control)
{
	struct tree_search s;
	uint64_t last = 0;
	uint32_t count = 0;
	int ret = search_open(&s, fd, (uint64_t)tree, WALK_BUFFER);

	if (ret < 0)
		return ret;
	search_range(&s, (struct tree_key){ (uint64_t)fmax(*cursor, BTRFS_FIRST_FREE_OBJECTID), 0, 0 },
		(struct tree_key){ BTRFS_LAST_FREE_OBJECTID, UINT8_MAX, UINT64_MAX },
		(uint64_t)min_transid);
	while ((ret = search_next(&s)) > 0) {
		if (s.item.objectid == last || !is_of_inode(s.item.type))
			continue;
		if (count == max_inos) {
			*cursor = (double)s.item.objectid;
			ret = (int)count;
			goto out;
		}
		if (cancelled(control)) {
			ret = -ECANCELED;
			goto out;
		}
		last = s.item.objectid;
		inos[count++] = (double)last;
		if (control)
			control->done++;
	}
	if (ret == 0) {
		*cursor = 0;
		ret = (int)count;
	}
out:
	search_close(&s);
	return ret;
}

int rf_dir_children(int fd, double tree, const double *dirs, uint32_t n, double *cursor,
	double *inos, uint32_t max_inos, struct rf_control *control)
{
	struct tree_search s;
	uint32_t count = 0, k = (uint32_t)cursor[0];
	int ret = search_open(&s, fd, (uint64_t)tree, INODE_BUFFER);

	if (ret < 0)
		return ret;
	for (; k < n; k++) {
		const uint64_t dir = (uint64_t)dirs[k];

		search_range(&s, (struct tree_key){ dir, BTRFS_DIR_INDEX_KEY, (uint64_t)cursor[1] },
			(struct tree_key){ dir, BTRFS_DIR_INDEX_KEY, UINT64_MAX }, 0);
		while ((ret = search_next(&s)) > 0) {
			const struct btrfs_dir_item *item = (const void *)s.data;

			if (cancelled(control)) {
				ret = -ECANCELED;
				goto out;
			}
			if (item->location.type != BTRFS_INODE_ITEM_KEY)
				continue; /* a subvolume */
			if (count == max_inos) {
				cursor[1] = (double)s.item.offset;
				goto done;
			}
			inos[count++] = (double)load64(&item->location.objectid);
		}
		if (ret < 0)
			goto out;
		cursor[1] = 0;
	}
done:
	cursor[0] = k;
	ret = (int)count;
out:
	search_close(&s);
	return ret;
}

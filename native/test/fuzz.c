// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Calls the library with malformed blobs, random sizes and buffers that end
 * exactly where they say, under the sanitizers of run-sanitized.sh. Every
 * buffer is a malloc of its own, so that one byte too far is caught.
 *
 *     fuzz ROUNDS SEED [DIRECTORY]
 *
 * DIRECTORY: of a btrfs volume; without it the calls that need one fail early.
 */
#include "../src/internal.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t rf_crc32c_portable(const uint8_t *data, uint32_t length);

static uint64_t state;

static uint64_t next_random(void)
{
	state += 0x9e3779b97f4a7c15ULL;
	return mix64(state);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(next_random() % n);
}

#define CHECK(condition)                                                           \
	do {                                                                       \
		if (!(condition)) {                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
				#condition);                                       \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static uint8_t *random_bytes(uint32_t n)
{
	uint8_t *bytes = malloc(n ? n : 1);

	CHECK(bytes);
	for (uint32_t k = 0; k < n; k++)
		bytes[k] = (uint8_t)next_random();
	/* exactly n readable bytes: nothing for nothing */
	return n ? bytes : (free(bytes), malloc(0));
}

static struct piece random_piece(uint64_t file)
{
	struct piece p = {
		.kind = below(6),
		.file = file,
		.length = 1 + below(below(2) ? 8 : 5000),
		.start = next_random() >> (20 + below(44)),
		.offset = below(100),
		.disk = 1 + below(5000),
	};

	p.ram = p.disk;
	if (p.kind == PIECE_INLINE)
		p.start = p.offset = p.disk = p.ram = 0;
	else if (p.kind >= PIECE_COMPRESSED)
		p.ram = below(5000);
	return p;
}

/* What is packed comes back; what is cut off or random is refused or in bounds. */
static void fuzz_pieces(void)
{
	uint32_t n = 1 + below(20), used = 0, pos = 0;
	struct piece pieces[20], got;
	uint8_t *whole = malloc(n * PIECE_MAX_BYTES), *exact;
	struct piece_cursor in = { 0, 0 }, out = { 0, 0 };
	uint64_t file = 0;

	CHECK(whole);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t bytes;

		pieces[k] = random_piece(file + below(100));
		bytes = piece_pack(whole + used, &in, &pieces[k]);
		CHECK(bytes > 0 && bytes <= PIECE_MAX_BYTES);
		used += bytes;
		file = in.file_end;
	}
	exact = malloc(used);
	CHECK(exact);
	memcpy(exact, whole, used);
	free(whole);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t bytes = piece_unpack(exact + pos, used - pos, &out, &got);

		CHECK(bytes > 0);
		pos += bytes;
		CHECK(got.kind == pieces[k].kind && got.file == pieces[k].file &&
			got.length == pieces[k].length && got.start == pieces[k].start &&
			got.offset == pieces[k].offset && got.disk == pieces[k].disk &&
			got.ram == pieces[k].ram);
	}
	CHECK(pos == used);
	free(exact);

	used = below(40);
	exact = random_bytes(used);
	out = (struct piece_cursor){ next_random(), next_random() };
	CHECK(piece_unpack(exact, used, &out, &got) <= used);
	free(exact);
}

static void fuzz_hashes(void)
{
	uint32_t n = below(300);
	uint8_t *data = random_bytes(n);
	uint64_t a = next_random() % POLY_P, b = next_random() % POLY_P;
	uint64_t x = below(1000), y = below(1000);

	CHECK(rf_crc32c(data, n) == rf_crc32c_portable(data, n));
	CHECK(poly_mul(a, b) < POLY_P && poly_mul(a, b) == poly_mul(b, a));
	CHECK(poly_add(a, POLY_P - a) == 0);
	CHECK(poly_mul(poly_pow(1, x), poly_pow(1, y)) == poly_pow(1, x + y));
	CHECK(poly_mul(poly_pow(2, x), poly_pow(2, y)) == poly_pow(2, x + y));
	free(data);
}

/* A task list: sound, random, or sound with one byte changed. */
static int by_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Rows of one to four words, in orders that a sort may do badly with; the other words stay with the first. */
static void fuzz_sort(void)
{
	uint32_t n = below(below(4) ? 200 : 5000), words = 1 + below(4), order = below(6);
	uint32_t kinds = 1 + below(below(2) ? 3 : 100000);
	uint64_t *rows = malloc(n * words * sizeof *rows + 1), before = 0, after = 0;

	CHECK(rows);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t pipes = k < n / 2 ? k : n - k;
		uint64_t key = order == 0 ? k : order == 1 ? n - k : order == 2 ? pipes :
			order == 3 ? (k * 7919ULL) % (n / 2 + 1) : below(kinds);

		for (uint32_t w = 0; w < words; w++)
			rows[(size_t)k * words + w] = key + w;
		before += mix64(key);
	}
	sort_rows(rows, n, words * sizeof *rows, by_first);
	for (uint32_t k = 0; k < n; k++) {
		const uint64_t *row = rows + (size_t)k * words;

		CHECK(k == 0 || row[-(ptrdiff_t)words] <= row[0]);
		for (uint32_t w = 0; w < words; w++)
			CHECK(row[w] == row[0] + w);
		after += mix64(row[0]);
	}
	CHECK(before == after);
	free(rows);
}

static uint8_t *random_tasks(uint32_t n, uint32_t *size)
{
	uint8_t *tasks = malloc(n * (4 + 6 * PIECE_MAX_BYTES)), *exact;
	uint32_t used = 0, how = below(3);

	CHECK(tasks);
	for (uint32_t k = 0; k < n; k++) {
		struct piece_cursor cursor = { 0, 0 };
		uint32_t head = used, count = below(6), length;

		used += 4;
		for (uint32_t j = 0; j < count; j++) {
			struct piece p = random_piece(cursor.file_end + below(4));

			/* near the beginning of the disk there is something */
			if (below(2))
				p.start = 3328 + below(10000);
			used += piece_pack(tasks + used, &cursor, &p);
		}
		length = used - head - 4;
		memcpy(tasks + head, &length, 4);
	}
	if (how == 1)
		for (uint32_t k = 0; k < used; k++)
			tasks[k] = (uint8_t)next_random();
	if (how == 2)
		tasks[below(used)] = (uint8_t)next_random();
	if (below(4) == 0)
		used = below(used + 1);
	exact = malloc(used);
	CHECK(exact || used == 0);
	memcpy(exact, tasks, used);
	free(tasks);
	*size = used;
	return exact;
}

static void fuzz_prints(int fd)
{
	static const uint32_t csum_sizes[] = { 4, 8, 32, 3, 65 };
	uint32_t n = 1 + below(8), size;
	uint8_t *tasks = random_tasks(n, &size);
	double *sizes = malloc(n * sizeof *sizes);
	uint8_t *prints = malloc(16 * n), *bodies = malloc(16 * n), *status = malloc(n);
	struct rf_control control = { .cancel = below(50) == 0 };
	int ret;

	CHECK(sizes && prints && bodies && status);
	for (uint32_t k = 0; k < n; k++)
		sizes[k] = (double)(next_random() >> (12 + below(50)));
	ret = rf_csum_prints(fd, below(20) ? 4096 : below(100000), csum_sizes[below(8) ? 0 : below(5)],
		tasks, size, sizes, n, prints, bodies, status, &control);
	CHECK(ret <= 0);
	for (uint32_t k = 0; ret == 0 && k < n; k++)
		CHECK(status[k] <= RF_PRINT_UNKNOWN);
	free(tasks);
	free(sizes);
	free(prints);
	free(bodies);
	free(status);
}

static void fuzz_walk(int fd)
{
	uint32_t room = below(6), blob_size = below(below(2) ? 200 : 5000);
	double *records = malloc(room * RF_RECORD_FIELDS * sizeof *records);
	uint8_t *blob = malloc(blob_size);
	double cursor = below(2) ? 0 : below(100000);
	double inos[5];
	int ret;

	CHECK((records || !room) && (blob || !blob_size));
	for (int calls = 0; calls < 4; calls++) {
		ret = rf_walk(fd, 5, 4096, below(2) ? 0 : below(20), &cursor, records, room, blob, blob_size, NULL);
		CHECK(ret <= (int)room);
		for (int k = 0; k < ret; k++) {
			const double *r = records + k * RF_RECORD_FIELDS;

			CHECK(r[RF_BLOB_OFFSET] + r[RF_BLOB_LENGTH] <= blob_size);
		}
		if (ret < 0 || cursor == 0)
			break;
	}
	for (int k = 0; k < 5; k++)
		inos[k] = below(2) ? 256 + below(300) : (double)(next_random() >> 12);
	cursor = below(6);
	ret = rf_read_inodes(fd, 5, 4096, inos, 5, &cursor, records, room, blob, blob_size, NULL);
	CHECK(ret <= (int)room && cursor <= 5);
	free(records);
	free(blob);
}

static void fuzz_lists(int fd)
{
	uint32_t room = 1 + below(5), blob_size = below(140000);
	double dirs[3] = { 256, 256 + below(300), (double)(next_random() >> 12) }, place[2] = { 0 };
	double *inos = malloc(room * sizeof *inos);
	double *parents = malloc(room * sizeof *parents);
	uint32_t *ends = malloc(room * sizeof *ends);
	uint8_t *buffer = malloc(blob_size);
	double cursor = below(1000);
	int ret;

	CHECK(inos && parents && ends && (buffer || !blob_size));
	/* in any order, and with any numbers, though ascending ones are asked for */
	for (uint32_t k = 0; k < room; k++)
		inos[k] = below(3) ? 256 + below(300) : (double)(next_random() >> 12);
	cursor = below(room + 2);
	ret = rf_read_names(fd, 5, inos, room, &cursor, parents, ends, buffer,
		below(2) ? below(40) % (blob_size + 1) : blob_size, NULL);
	CHECK(ret <= (int)room);
	for (int k = 0; k < ret; k++)
		CHECK(ends[(uint32_t)cursor - (uint32_t)ret + (uint32_t)k] <= blob_size);
	cursor = below(1000);
	ret = rf_changed_inodes(fd, 5, below(20), &cursor, inos, room, NULL);
	CHECK(ret <= (int)room);
	place[0] = below(4);
	ret = rf_dir_children(fd, 5, dirs, 3, place, inos, room, NULL);
	CHECK(ret <= (int)room && place[0] <= 3);
	ret = rf_extent_owners(fd, below(2) ? 4096.0 * (3328 + below(3000)) :
		(double)(next_random() >> (12 + below(30))), inos, room / 2);
	CHECK(ret <= (int)(room / 2));
	rf_tree_search(fd, below(10), below(300), below(256), below(5000), UINT64_MAX, UINT8_MAX,
		UINT64_MAX, below(30), buffer, blob_size);
	free(inos);
	free(parents);
	free(ends);
	free(buffer);
}

static void fuzz_reads(int fd)
{
	uint32_t n = 1 + below(4);
	double *files = malloc(4 * n * sizeof *files);
	uint8_t *prints = malloc(16 * n), *strong = malloc(16 * n);
	int32_t *errors = malloc(n * sizeof *errors);

	CHECK(files && prints && strong && errors);
	memset(prints, 0, 16 * n);
	for (uint32_t k = 0; k < n; k++) {
		double records[RF_RECORD_FIELDS], cursor = 0, ino = 256 + below(100);
		uint8_t blob[4000];
		int found = rf_read_inodes(fd, 5, 4096, &ino, 1, &cursor, records, 1, blob,
			sizeof blob, NULL);

		files[4 * k] = 5;
		files[4 * k + 1] = ino;
		files[4 * k + 2] = found == 1 ? records[RF_GENERATION] : 1;
		files[4 * k + 3] = found == 1 && below(4) ? records[RF_SIZE] : below(100000);
	}
	rf_read_prints(fd, 4096, files, n, (int)below(3), prints, below(2) ? strong : NULL, errors, NULL);
	free(files);
	free(prints);
	free(strong);
	free(errors);
}

static void fuzz_cache(int fd)
{
	char path[64];
	double offset = below(50000), length = below(200000);
	size_t pages = (size_t)(((uint64_t)offset % 4096 + (uint64_t)length + 4095) / 4096);
	uint8_t *resident = malloc(pages);
	double cursor = 0, ino = 256 + below(100), records[RF_RECORD_FIELDS];
	uint8_t blob[4000];
	int found = rf_read_inodes(fd, 5, 4096, &ino, 1, &cursor, records, 1, blob, sizeof blob, NULL);
	int file;

	snprintf(path, sizeof path, "/proc/self/exe");
	file = found == 1 && S_ISREG((mode_t)records[RF_MODE]) ?
		rf_open_inode(fd, 5, ino, records[RF_GENERATION]) :
		open(path, O_RDONLY | O_CLOEXEC);
	CHECK(resident || pages == 0);
	if (file >= 0) {
		if (rf_readahead(file, offset, length, resident, NULL) >= 0)
			rf_drop_cache(file, offset, length, resident);
		close(file);
	}
	free(resident);
}

static void fuzz_deep(int fd)
{
	uint32_t n = below(40), room = below(50);
	double *pieces = malloc((n ? n : 1) * 4 * sizeof *pieces);
	double *out = malloc((room ? room : 1) * 3 * sizeof *out), stats[3];
	struct rf_control control = { .cancel = below(50) == 0 };
	int ret;

	CHECK(pieces && out);
	for (uint32_t k = 0; k < n; k++) {
		/* where the data of a small volume lies, or anywhere */
		pieces[4 * k] = below(4) ? 3328 + below(3000) : (double)(next_random() >> (18 + below(30)));
		pieces[4 * k + 1] = below(300);
		pieces[4 * k + 2] = below(2) ? -1 : below(2) ? 3328 + below(3000) : (double)next_random();
		pieces[4 * k + 3] = below(3) ? 0 : below(5);
	}
	ret = rf_deep_runs(fd, 4096, below(8) ? 4 : below(70), pieces, n, -1, below(6), below(2) ? 0 : 1e6,
		below(6), out, room, stats, &control);
	CHECK(ret <= (int)room);
	for (int k = 0; k < ret; k++)
		CHECK(out[3 * k] != out[3 * k + 2]);
	/* what it was told is as good for another call */
	if (ret >= 0 && !control.cancel)
		CHECK(rf_deep_runs(fd, 4096, 4, pieces, (uint32_t)stats[2], -1, 0, 1e6, 2, out, room, stats,
			      &control) <= (int)room);
	free(pieces);
	free(out);
}

static void fuzz_deep_read(int fd)
{
	double tasks[8 * RF_DEEP_TASK_FIELDS];
	struct rf_control control = { .cancel = below(50) == 0 };
	uint32_t n = below(9);
	FILE *out = tmpfile();

	CHECK(out);
	for (uint32_t k = 0; k < n; k++) {
		double *task = tasks + k * RF_DEEP_TASK_FIELDS, records[RF_RECORD_FIELDS], cursor = 0;
		double ino = 257 + below(60);
		uint8_t blob[4096];

		records[RF_GENERATION] = 0;
		rf_read_inodes(fd, 5, 4096, &ino, 1, &cursor, records, 1, blob, sizeof blob, NULL);
		task[0] = 5;
		task[1] = ino;
		task[2] = below(8) ? records[RF_GENERATION] : below(20);
		task[3] = below(500) * 4096.0;
		task[4] = below(700);
		task[5] = below(1000);
		task[6] = below(2);
	}
	rf_deep_read(fd, 4096, below(5), tasks, n, fileno(out), &control);
	fclose(out);
}

int main(int argc, char **argv)
{
	int rounds, fd;

	if (argc < 3) {
		fprintf(stderr, "usage: fuzz ROUNDS SEED [DIRECTORY]\n");
		return 2;
	}
	rounds = atoi(argv[1]);
	state = strtoull(argv[2], NULL, 0);
	fd = rf_open_dir(argc > 3 ? argv[3] : "/");
	CHECK(fd >= 0);
	for (int k = 0; k < rounds; k++) {
		fuzz_pieces();
		fuzz_hashes();
		fuzz_sort();
		fuzz_prints(fd);
		if (k % 4 == 0) {
			fuzz_walk(fd);
			fuzz_lists(fd);
			fuzz_reads(fd);
			fuzz_cache(fd);
			fuzz_deep(fd);
			fuzz_deep_read(fd);
		}
	}
	/* whatever was opened is closed: the next descriptor is the one after ours */
	CHECK(dup(fd) == fd + 1);
	printf("%d rounds\n", rounds);
	return 0;
}

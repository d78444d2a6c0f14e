/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes, and changes, the files of `npm run bench:scale`: very many small
 * ones, quickly. What is in a file follows from its number alone.
 *
 *   files write DIRECTORY COUNT
 *   files change DIRECTORY COUNT CHANGES ROUND scattered|together
 *
 * Two hundred files to a folder. Of a hundred files
 *   20  are copies of an earlier one, with data of their own,
 *    2  are clones (FICLONE) of an earlier one,
 *   10  have exactly 8192 bytes: very many files of one size,
 * and the others have from 4096 to 65536 bytes, most of them few.
 *
 * Of the changes nine in ten write a file anew in place, and one in ten
 * removes it and makes another under its name. Only files that have no copy
 * are chosen. ROUND makes different data each time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#define PER_FOLDER 200
#define LARGEST 65536
#define SMALLEST 4096
#define MEAN_ABOVE 4000.0
#define ONE_SIZE 8192

enum kind { OWN, COPY, CLONE };

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static void fail(const char *what)
{
	fprintf(stderr, "files: %s: %s\n", what, strerror(errno));
	exit(1);
}

static enum kind kind_of(uint64_t number)
{
	uint64_t lot = mix(number * 3) % 100;

	return number == 0 || lot >= 22 ? OWN : lot >= 20 ? CLONE : COPY;
}

/* The file whose content this one has. */
static uint64_t origin_of(uint64_t number)
{
	while (kind_of(number) != OWN)
		number = mix(number * 3 + 1) % number;
	return number;
}

static uint32_t size_of(uint64_t origin)
{
	uint64_t lot = mix(origin * 3 + 2);
	double size;

	if (lot % 10 == 0)
		return ONE_SIZE;
	size = SMALLEST - MEAN_ABOVE * log(1.0 - (double)(lot >> 11) / 9007199254740992.0);
	return size > LARGEST ? LARGEST : (uint32_t)size;
}

static void fill(uint64_t *words, uint32_t size, uint64_t seed)
{
	uint64_t state = mix(seed);

	for (uint32_t k = 0; k < (size + 7) / 8; k++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		words[k] = state;
	}
}

static void name_of(uint64_t number, char name[32])
{
	snprintf(name, 32, "file %07llu", (unsigned long long)number);
}

static void folder_of(uint64_t number, char name[64])
{
	uint64_t folder = number / PER_FOLDER;

	snprintf(name, 64, "%03llu/folder %05llu", (unsigned long long)(folder / 100),
		(unsigned long long)folder);
}

static int open_folder(int root, uint64_t number)
{
	char name[64];
	int fd;

	folder_of(number, name);
	fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail(name);
	return fd;
}

static int make_folder(int root, uint64_t number)
{
	char name[64];
	char *slash;

	folder_of(number, name);
	slash = strchr(name, '/');
	*slash = 0;
	if (mkdirat(root, name, 0755) < 0 && errno != EEXIST)
		fail(name);
	*slash = '/';
	if (mkdirat(root, name, 0755) < 0)
		fail(name);
	return open_folder(root, number);
}

static void write_file(int folder, uint64_t number, uint32_t size, uint64_t seed, int flags)
{
	static uint64_t data[LARGEST / 8];
	char name[32];
	int fd;

	name_of(number, name);
	fill(data, size, seed);
	fd = openat(folder, name, O_WRONLY | O_CLOEXEC | flags, 0644);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		fail(name);
}

static void clone_file(int root, int folder, uint64_t number)
{
	uint64_t origin = origin_of(number);
	int from_folder = open_folder(root, origin);
	char name[32], from_name[32];
	int from, to;

	name_of(number, name);
	name_of(origin, from_name);
	from = openat(from_folder, from_name, O_RDONLY | O_CLOEXEC);
	to = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (from < 0 || to < 0 || ioctl(to, FICLONE, from) < 0)
		fail(name);
	close(from);
	close(to);
	close(from_folder);
}

static void write_all(int root, uint64_t count)
{
	int folder = -1;

	for (uint64_t number = 0; number < count; number++) {
		uint64_t origin;

		if (number % PER_FOLDER == 0) {
			if (folder >= 0)
				close(folder);
			folder = make_folder(root, number);
		}
		if (kind_of(number) == CLONE) {
			clone_file(root, folder, number);
			continue;
		}
		origin = origin_of(number);
		write_file(folder, number, size_of(origin), origin, O_CREAT | O_EXCL);
	}
}

/* Files that others are copies of stay as they are: a bit each. */
static uint8_t *files_with_copies(uint64_t count)
{
	uint8_t *bits = calloc(1, (count + 7) / 8);

	if (!bits)
		fail("memory");
	for (uint64_t number = 0; number < count; number++) {
		uint64_t origin = origin_of(number);

		if (origin != number)
			bits[origin / 8] |= (uint8_t)(1u << (origin % 8));
	}
	return bits;
}

static void change(int root, uint64_t count, uint64_t changes, uint64_t round, int scattered)
{
	uint8_t *kept = files_with_copies(count);
	uint64_t stride = scattered && changes > 0 ? count / changes : 1;
	uint64_t number = mix(round) % count;

	if (stride == 0)
		stride = 1;
	for (uint64_t done = 0, seen = 0; done < changes && seen < count; seen++) {
		uint64_t seed = mix(number) ^ mix(round + 0x5eed);
		char name[32];
		int folder;

		if (kind_of(number) != OWN || (kept[number / 8] >> (number % 8)) & 1) {
			number = (number + 1) % count;
			continue;
		}
		folder = open_folder(root, number);
		name_of(number, name);
		if (done % 10 == 0 && unlinkat(folder, name, 0) < 0)
			fail(name);
		write_file(folder, number, size_of(number), seed, O_CREAT);
		close(folder);
		done++;
		number = (number + stride) % count;
	}
	free(kept);
}

int main(int argc, char **argv)
{
	int root;

	if (argc == 4 && !strcmp(argv[1], "write")) {
		root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			fail(argv[2]);
		write_all(root, strtoull(argv[3], NULL, 10));
	} else if (argc == 7 && !strcmp(argv[1], "change") &&
		   (!strcmp(argv[6], "scattered") || !strcmp(argv[6], "together"))) {
		root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			fail(argv[2]);
		change(root, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
			strtoull(argv[5], NULL, 10), !strcmp(argv[6], "scattered"));
	} else {
		fprintf(stderr, "usage: files write DIRECTORY COUNT\n"
				"       files change DIRECTORY COUNT CHANGES ROUND scattered|together\n");
		return 2;
	}
	close(root);
	return 0;
}

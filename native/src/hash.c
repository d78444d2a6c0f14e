// SPDX-License-Identifier: GPL-3.0-or-later
/* The hashes: crc32c as btrfs stores it, powers modulo 2^61 - 1, a mixer. */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>

static uint32_t crc_table[8][256];
static uint64_t powers[2][64]; /* base^(2^k) */
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	const uint64_t bases[2] = { POLY_BASE_1, POLY_BASE_2 };

	for (uint32_t n = 0; n < 256; n++) {
		uint32_t c = n;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
		crc_table[0][n] = c;
	}
	for (uint32_t n = 0; n < 256; n++)
		for (int t = 1; t < 8; t++)
			crc_table[t][n] = crc_table[0][crc_table[t - 1][n] & 0xff] ^
				(crc_table[t - 1][n] >> 8);
	for (int b = 0; b < 2; b++) {
		powers[b][0] = bases[b] % POLY_P;
		for (int k = 1; k < 64; k++)
			powers[b][k] = poly_mul(powers[b][k - 1], powers[b][k - 1]);
	}
}

static uint32_t crc32c_table(uint32_t crc, const uint8_t *p, size_t n)
{
	while (n >= 8) {
		uint64_t v = load64(p) ^ crc;

		crc = crc_table[7][v & 0xff] ^ crc_table[6][(v >> 8) & 0xff] ^
			crc_table[5][(v >> 16) & 0xff] ^ crc_table[4][(v >> 24) & 0xff] ^
			crc_table[3][(v >> 32) & 0xff] ^ crc_table[2][(v >> 40) & 0xff] ^
			crc_table[1][(v >> 48) & 0xff] ^ crc_table[0][v >> 56];
		p += 8;
		n -= 8;
	}
	while (n--)
		crc = crc_table[0][(crc ^ *p++) & 0xff] ^ (crc >> 8);
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t c = crc;

	for (; n >= 8; p += 8, n -= 8)
		c = __builtin_ia32_crc32di(c, load64(p));
	for (; n > 0; p++, n--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p);
	return (uint32_t)c;
}

static bool have_hardware(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	for (; n >= 8; p += 8, n -= 8)
		crc = __crc32cd(crc, load64(p));
	for (; n > 0; p++, n--)
		crc = __crc32cb(crc, *p);
	return crc;
}

static bool have_hardware(void)
{
	return true;
}
#else
static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	return crc32c_table(crc, p, n);
}

static bool have_hardware(void)
{
	return false;
}
#endif

uint32_t crc32c(const uint8_t *data, size_t length)
{
	pthread_once(&tables_once, make_tables);
	return ~(have_hardware() ? crc32c_hardware(~0u, data, length) :
		crc32c_table(~0u, data, length));
}

uint32_t rf_crc32c(const uint8_t *data, uint32_t length)
{
	return crc32c(data, length);
}

uint32_t rf_crc32c_portable(const uint8_t *data, uint32_t length)
{
	pthread_once(&tables_once, make_tables);
	return ~crc32c_table(~0u, data, length);
}

uint32_t crc32c_zero_sector(uint32_t sectorsize)
{
	uint8_t *zeros = calloc(1, sectorsize);
	uint32_t crc = 0;

	if (zeros)
		crc = crc32c(zeros, sectorsize);
	free(zeros);
	return crc;
}

uint64_t poly_pow(int base, uint64_t exponent)
{
	uint64_t r = 1;

	pthread_once(&tables_once, make_tables);
	for (int k = 0; exponent; k++, exponent >>= 1)
		if (exponent & 1)
			r = poly_mul(r, powers[base - 1][k]);
	return r;
}

/* The finalizer of MurmurHash3 (public domain): every bit reaches every bit. */
uint64_t mix64(uint64_t v)
{
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccdULL;
	v ^= v >> 33;
	v *= 0xc4ceb9fe1a85ec53ULL;
	v ^= v >> 33;
	return v;
}

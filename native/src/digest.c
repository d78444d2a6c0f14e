// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The checksums of a block as btrfs stores them, the first 8 bytes of each:
 * xxHash64 (xxhash_spec.md), SHA-256 (FIPS 180-4), BLAKE2b with 32 bytes
 * (RFC 7693). n is a multiple of 128.
 */
#include "internal.h"

/* ----------------------------------------------------------------- xxHash64 */

#define XX_1 0x9e3779b185ebca87ULL
#define XX_2 0xc2b2ae3d27d4eb4fULL
#define XX_3 0x165667b19e3779f9ULL
#define XX_4 0x85ebca77c2b2ae63ULL

static uint64_t rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static uint64_t xx_round(uint64_t lane, uint64_t v)
{
	return rotl(lane + v * XX_2, 31) * XX_1;
}

static uint64_t xxhash64(const uint8_t *p, size_t n)
{
	uint64_t lane[4] = { XX_1 + XX_2, XX_2, 0, 0 - XX_1 }, h;

	for (size_t k = 0; k < n; k += 32)
		for (size_t l = 0; l < 4; l++)
			lane[l] = xx_round(lane[l], load64(p + k + 8 * l));
	h = rotl(lane[0], 1) + rotl(lane[1], 7) + rotl(lane[2], 12) + rotl(lane[3], 18);
	for (int l = 0; l < 4; l++)
		h = (h ^ xx_round(0, lane[l])) * XX_1 + XX_4;
	h += n;
	h = (h ^ h >> 33) * XX_2;
	h = (h ^ h >> 29) * XX_3;
	return h ^ h >> 32;
}

/* ------------------------------------------------------------------ SHA-256 */

static const uint32_t sha_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

static uint32_t rotr32(uint32_t v, int n)
{
	return v >> n | v << (32 - n);
}

static void sha_block(uint32_t state[8], const uint8_t *p)
{
	uint32_t w[64], v[8];

	for (int k = 0; k < 16; k++)
		w[k] = __builtin_bswap32(load32(p + 4 * k));
	for (int k = 16; k < 64; k++) {
		uint32_t a = w[k - 15], b = w[k - 2];

		w[k] = w[k - 16] + (rotr32(a, 7) ^ rotr32(a, 18) ^ a >> 3) + w[k - 7] +
			(rotr32(b, 17) ^ rotr32(b, 19) ^ b >> 10);
	}
	memcpy(v, state, sizeof v);
	for (int k = 0; k < 64; k++) {
		uint32_t one = v[7] + (rotr32(v[4], 6) ^ rotr32(v[4], 11) ^ rotr32(v[4], 25)) +
			((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[k] + w[k];
		uint32_t two = (rotr32(v[0], 2) ^ rotr32(v[0], 13) ^ rotr32(v[0], 22)) +
			((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += one;
		v[0] = one + two;
	}
	for (int k = 0; k < 8; k++)
		state[k] += v[k];
}

static uint64_t sha256(const uint8_t *p, size_t n)
{
	uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	uint8_t last[64] = { 0x80 };

	for (size_t k = 0; k < n; k += 64)
		sha_block(state, p + k);
	for (int k = 0; k < 8; k++)
		last[63 - k] = (uint8_t)((uint64_t)n * 8 >> 8 * k);
	sha_block(state, last);
	return (uint64_t)__builtin_bswap32(state[0]) | (uint64_t)__builtin_bswap32(state[1]) << 32;
}

/* ------------------------------------------------------------------ BLAKE2b */

static const uint64_t blake_iv[8] = {
	0x6a09e667f3bcc908ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL, 0xa54ff53a5f1d36f1ULL,
	0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL, 0x1f83d9abfb41bd6bULL, 0x5be0cd19137e2179ULL
};

static const uint8_t blake_sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 }
};

static void blake_mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y)
{
	v[a] += v[b] + x;
	v[d] = rotl(v[d] ^ v[a], 32);
	v[c] += v[d];
	v[b] = rotl(v[b] ^ v[c], 40);
	v[a] += v[b] + y;
	v[d] = rotl(v[d] ^ v[a], 48);
	v[c] += v[d];
	v[b] = rotl(v[b] ^ v[c], 1);
}

static uint64_t blake2b(const uint8_t *p, size_t n)
{
	uint64_t state[8], v[16], m[16];

	memcpy(state, blake_iv, sizeof state);
	state[0] ^= 0x01010000 | 32;
	for (size_t k = 0; k < n; k += 128) {
		for (int w = 0; w < 16; w++)
			m[w] = load64(p + k + 8 * (size_t)w);
		memcpy(v, state, sizeof state);
		memcpy(v + 8, blake_iv, sizeof blake_iv);
		v[12] ^= k + 128;
		if (k + 128 == n)
			v[14] = ~v[14];
		for (int round = 0; round < 12; round++) {
			const uint8_t *s = blake_sigma[round % 10];

			for (int g = 0; g < 4; g++)
				blake_mix(v, g, 4 + g, 8 + g, 12 + g, m[s[2 * g]], m[s[2 * g + 1]]);
			for (int g = 0; g < 4; g++)
				blake_mix(v, g, 4 + (g + 1) % 4, 8 + (g + 2) % 4, 12 + (g + 3) % 4,
					m[s[8 + 2 * g]], m[s[9 + 2 * g]]);
		}
		for (int w = 0; w < 8; w++)
			state[w] ^= v[w] ^ v[w + 8];
	}
	return state[0];
}

bool block_sum(uint32_t csum_type, const uint8_t *block, size_t n, uint64_t *sum)
{
	switch (csum_type) {
	case BTRFS_CSUM_TYPE_CRC32:
		*sum = crc32c(block, n);
		return true;
	case BTRFS_CSUM_TYPE_XXHASH:
		*sum = xxhash64(block, n);
		return true;
	case BTRFS_CSUM_TYPE_SHA256:
		*sum = sha256(block, n);
		return true;
	case BTRFS_CSUM_TYPE_BLAKE2:
		*sum = blake2b(block, n);
		return true;
	default:
		return false;
	}
}

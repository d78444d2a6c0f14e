// SPDX-License-Identifier: GPL-3.0-or-later
/* Packed extents: the form in which a file's extents are kept and passed on. */
#include "internal.h"

static uint32_t put_varint(uint8_t *out, uint64_t v)
{
	uint32_t n = 0;

	while (v >= 0x80) {
		out[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	out[n++] = (uint8_t)v;
	return n;
}

static bool get_varint(const uint8_t *in, uint32_t size, uint32_t *pos, uint64_t *v)
{
	uint64_t r = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b;

		if (*pos >= size)
			return false;
		b = in[(*pos)++];
		r |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*v = r;
			return true;
		}
	}
	return false;
}

uint32_t piece_pack(uint8_t *out, struct piece_cursor *c, const struct piece *p)
{
	uint32_t n = 0;
	int64_t delta;

	n += put_varint(out + n, p->kind);
	n += put_varint(out + n, p->file - c->file_end);
	n += put_varint(out + n, p->length);
	if (p->kind == PIECE_INLINE) {
		c->file_end = p->file + 1;
		return n;
	}
	delta = (int64_t)(p->start - c->start);
	n += put_varint(out + n, ((uint64_t)delta << 1) ^ (uint64_t)(delta >> 63));
	n += put_varint(out + n, p->offset);
	n += put_varint(out + n, p->disk);
	if (p->kind >= PIECE_COMPRESSED)
		n += put_varint(out + n, p->ram);
	c->file_end = p->file + p->length;
	c->start = p->start;
	return n;
}

uint32_t piece_unpack(const uint8_t *in, uint32_t size, struct piece_cursor *c,
	struct piece *p)
{
	uint32_t pos = 0;
	uint64_t kind, gap, zigzag;

	if (!get_varint(in, size, &pos, &kind) || kind > PIECE_COMPRESSED + 2 ||
	    !get_varint(in, size, &pos, &gap) ||
	    !get_varint(in, size, &pos, &p->length))
		return 0;
	p->kind = (uint32_t)kind;
	p->file = c->file_end + gap;
	p->start = p->offset = p->disk = p->ram = 0;
	if (kind == PIECE_INLINE) {
		c->file_end = p->file + 1;
		return pos;
	}
	if (!get_varint(in, size, &pos, &zigzag) ||
	    !get_varint(in, size, &pos, &p->offset) ||
	    !get_varint(in, size, &pos, &p->disk))
		return 0;
	p->start = c->start + (uint64_t)((int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1));
	p->ram = p->disk;
	if (kind >= PIECE_COMPRESSED && !get_varint(in, size, &pos, &p->ram))
		return 0;
	c->file_end = p->file + p->length;
	c->start = p->start;
	return pos;
}

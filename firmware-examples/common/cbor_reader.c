#include "cbor_reader.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void cbor_reader_init(struct cbor_reader *reader, const uint8_t *bytes, size_t length)
{
	*reader = (struct cbor_reader){.at = bytes, .end = bytes + length};
}

/* RFC 8949 appendix D: the half-precision number in 16 bits. */
static double half(uint16_t bits)
{
	int exponent = bits >> 10 & 0x1f;
	double mantissa = bits & 0x3ff;
	double value;

	if (exponent == 0) {
		value = ldexp(mantissa, -24);
	} else if (exponent != 31) {
		value = ldexp(mantissa + 1024, exponent - 25);
	} else {
		value = mantissa == 0 ? (double)INFINITY : (double)NAN;
	}
	return (bits & 0x8000) != 0 ? -value : value;
}

static double float_of(uint8_t width, uint64_t bits)
{
	if (width == 2) {
		return half((uint16_t)bits);
	}
	if (width == 4) {
		uint32_t single_bits = (uint32_t)bits;
		float single;

		memcpy(&single, &single_bits, sizeof(single));
		return (double)single;
	}
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Major type 7 (RFC 8949 §3.3): simple values and floating-point numbers. */
static int read_simple(uint8_t width, struct cbor_item *item)
{
	if (width <= 1) {
		/* A simple value below 32 in two bytes is not well-formed. */
		if (width == 1 && item->argument < 32) {
			return -EBADMSG;
		}
		item->type = CBOR_SIMPLE;
		return 0;
	}
	item->type = CBOR_FLOAT;
	item->number = float_of(width, item->argument);
	return 0;
}

int cbor_next(struct cbor_reader *reader, struct cbor_item *item)
{
	static const enum cbor_type types[] = {
		CBOR_UNSIGNED, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG,
	};

	if (reader->at == reader->end) {
		return -ENODATA;
	}

	uint8_t major = *reader->at >> 5;
	uint8_t info = *reader->at & 0x1f;
	uint8_t width = 0;

	if (info == 31) {
		return -ENOTSUP;
	}
	if (info > 27) {
		return -EBADMSG; /* RFC 8949 §3: 28 to 30 are reserved */
	}
	if (info > 23) {
		width = (uint8_t)(1u << (info - 24));
	}
	if ((size_t)(reader->end - reader->at) < 1u + width) {
		return -ENODATA;
	}
	*item = (struct cbor_item){.argument = info};
	if (width > 0) {
		item->argument = 0;
		for (uint8_t i = 0; i < width; i++) {
			item->argument = item->argument << 8 | reader->at[1 + i];
		}
	}
	reader->at += 1 + width;
	if (major == 7) {
		return read_simple(width, item);
	}
	item->type = types[major];
	if (item->type == CBOR_BYTES || item->type == CBOR_TEXT) {
		if (item->argument > (uint64_t)(reader->end - reader->at)) {
			return -ENODATA;
		}
		item->bytes = reader->at;
		reader->at += item->argument;
	}
	return 0;
}

static int skip_nested(struct cbor_reader *reader, uint8_t depth)
{
	struct cbor_item item;
	int rc = cbor_next(reader, &item);
	uint64_t children = 0;

	if (rc < 0) {
		return rc;
	}
	if (item.type == CBOR_ARRAY) {
		children = item.argument;
	} else if (item.type == CBOR_MAP) {
		if (item.argument > UINT64_MAX / 2) {
			return -ENODATA;
		}
		children = item.argument * 2;
	} else if (item.type == CBOR_TAG) {
		children = 1;
	}
	if (children > 0 && depth == CBOR_MAX_DEPTH) {
		return -E2BIG;
	}
	/* Ends with the bytes: every child takes at least one. */
	for (; children > 0; children--) {
		rc = skip_nested(reader, depth + 1);
		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

int cbor_skip(struct cbor_reader *reader)
{
	return skip_nested(reader, 0);
}

int cbor_integer(const struct cbor_item *item, int64_t *value)
{
	if (item->type != CBOR_UNSIGNED && item->type != CBOR_NEGATIVE) {
		return -EINVAL;
	}
	if (item->argument > INT64_MAX) {
		return -ERANGE;
	}
	*value = item->type == CBOR_UNSIGNED ? (int64_t)item->argument : -1 - (int64_t)item->argument;
	return 0;
}

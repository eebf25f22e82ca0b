/*
 * cbor_reader.h - reads CBOR (RFC 8949) item by item, in place.
 *
 * Nothing is copied: text and bytes point into the caller's buffer and are not terminated by a zero.
 * The items of an array or map follow its head one after the other. Left out: indefinite lengths, which a
 * gateway that answers deterministically (RFC 8949 §4.2.1) never sends.
 */
#ifndef CBOR_READER_H
#define CBOR_READER_H

#include <stddef.h>
#include <stdint.h>

/* Deeper nesting than this is refused: it would be paid with stack. */
#define CBOR_MAX_DEPTH 8

enum cbor_type {
	CBOR_UNSIGNED, /* argument */
	CBOR_NEGATIVE, /* -1 - argument */
	CBOR_BYTES,    /* bytes, argument of them */
	CBOR_TEXT,     /* bytes, argument of them, UTF-8 */
	CBOR_ARRAY,    /* argument items follow */
	CBOR_MAP,      /* argument pairs follow */
	CBOR_TAG,      /* argument is its number; one item follows */
	CBOR_SIMPLE,   /* argument: 20 false, 21 true, 22 null, 23 undefined */
	CBOR_FLOAT,    /* number */
};

struct cbor_item {
	enum cbor_type type;
	uint64_t argument;
	const uint8_t *bytes;
	double number;
};

struct cbor_reader {
	const uint8_t *at;
	const uint8_t *end;
};

void cbor_reader_init(struct cbor_reader *reader, const uint8_t *bytes, size_t length);

/*
 * Reads one item, of an array, map or tag the head only.
 * 0; -ENODATA where the bytes end early; -EBADMSG where they are not well-formed; -ENOTSUP for an
 * indefinite length.
 */
int cbor_next(struct cbor_reader *reader, struct cbor_item *item);

/* Skips one item with all that is in it. As cbor_next(), and -E2BIG where it is nested too deeply. */
int cbor_skip(struct cbor_reader *reader);

/* The value of an integer item. 0; -EINVAL where it is none; -ERANGE where it does not fit. */
int cbor_integer(const struct cbor_item *item, int64_t *value);

#endif

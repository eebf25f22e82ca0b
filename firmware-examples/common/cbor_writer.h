/*
 * cbor_writer.h - writes CBOR (RFC 8949) into a buffer of the caller.
 *
 * A sticky-error builder: every put may fail, none needs to be checked. The first error stays, later puts
 * do nothing, and cbor_writer_finish() tells the length or that error. Heads are as short as possible
 * (RFC 8949 §4.2.1). Left out: floating-point numbers, tags and indefinite lengths.
 */
#ifndef CBOR_WRITER_H
#define CBOR_WRITER_H

#include <stddef.h>
#include <stdint.h>

struct cbor_writer {
	uint8_t *buffer;
	size_t size;
	size_t length;
	int error; /* 0, or a negative errno */
};

void cbor_writer_init(struct cbor_writer *writer, uint8_t *buffer, size_t size);

void cbor_put_integer(struct cbor_writer *writer, int64_t value);
void cbor_put_boolean(struct cbor_writer *writer, int value);
void cbor_put_null(struct cbor_writer *writer);
void cbor_put_text(struct cbor_writer *writer, const char *text);
void cbor_put_bytes(struct cbor_writer *writer, const uint8_t *bytes, size_t length);

/* Announces that `count` items, or pairs of key and value, follow. */
void cbor_put_array(struct cbor_writer *writer, uint32_t count);
void cbor_put_map(struct cbor_writer *writer, uint32_t count);

/* 0 and the length of what was written, or -ENOBUFS where the buffer is too small. */
int cbor_writer_finish(const struct cbor_writer *writer, size_t *length);

#endif

#include "cbor_writer.h"

#include <errno.h>
#include <string.h>

/* RFC 8949 §3.1: the three highest bits of an item's first byte. */
enum major {
	MAJOR_UNSIGNED = 0,
	MAJOR_NEGATIVE = 1,
	MAJOR_BYTES = 2,
	MAJOR_TEXT = 3,
	MAJOR_ARRAY = 4,
	MAJOR_MAP = 5,
	MAJOR_SIMPLE = 7,
};

void cbor_writer_init(struct cbor_writer *writer, uint8_t *buffer, size_t size)
{
	*writer = (struct cbor_writer){.buffer = buffer, .size = size};
}

static void put_raw(struct cbor_writer *writer, const void *bytes, size_t length)
{
	if (writer->error != 0 || length == 0) {
		return;
	}
	if (length > writer->size - writer->length) {
		writer->error = -ENOBUFS;
		return;
	}
	memcpy(writer->buffer + writer->length, bytes, length);
	writer->length += length;
}

/* RFC 8949 §3: the argument follows the first byte in 0, 1, 2, 4 or 8 bytes, here always the fewest. */
static void put_head(struct cbor_writer *writer, enum major major, uint64_t argument)
{
	uint8_t head[9];
	uint8_t width = 0; /* bytes of the argument */
	uint8_t info = (uint8_t)argument;

	if (argument > UINT32_MAX) {
		width = 8;
		info = 27;
	} else if (argument > UINT16_MAX) {
		width = 4;
		info = 26;
	} else if (argument > UINT8_MAX) {
		width = 2;
		info = 25;
	} else if (argument > 23) {
		width = 1;
		info = 24;
	}
	head[0] = (uint8_t)((unsigned int)major << 5 | info);
	for (uint8_t i = 0; i < width; i++) {
		head[1 + i] = (uint8_t)(argument >> (8 * (width - 1 - i)));
	}
	put_raw(writer, head, 1u + width);
}

void cbor_put_integer(struct cbor_writer *writer, int64_t value)
{
	if (value >= 0) {
		put_head(writer, MAJOR_UNSIGNED, (uint64_t)value);
	} else {
		put_head(writer, MAJOR_NEGATIVE, (uint64_t)(-1 - value));
	}
}

void cbor_put_boolean(struct cbor_writer *writer, int value)
{
	put_head(writer, MAJOR_SIMPLE, value != 0 ? 21 : 20);
}

void cbor_put_null(struct cbor_writer *writer)
{
	put_head(writer, MAJOR_SIMPLE, 22);
}

void cbor_put_text(struct cbor_writer *writer, const char *text)
{
	size_t length = strlen(text);

	put_head(writer, MAJOR_TEXT, length);
	put_raw(writer, text, length);
}

void cbor_put_bytes(struct cbor_writer *writer, const uint8_t *bytes, size_t length)
{
	put_head(writer, MAJOR_BYTES, length);
	put_raw(writer, bytes, length);
}

void cbor_put_array(struct cbor_writer *writer, uint32_t count)
{
	put_head(writer, MAJOR_ARRAY, count);
}

void cbor_put_map(struct cbor_writer *writer, uint32_t count)
{
	put_head(writer, MAJOR_MAP, count);
}

int cbor_writer_finish(const struct cbor_writer *writer, size_t *length)
{
	if (writer->error != 0) {
		return writer->error;
	}
	*length = writer->length;
	return 0;
}

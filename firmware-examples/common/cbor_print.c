#include "cbor_print.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cbor_reader.h"

static void print_item(FILE *file, struct cbor_reader *reader, uint8_t depth);

static void print_text(FILE *file, const struct cbor_item *item)
{
	fputc('"', file);
	for (uint64_t i = 0; i < item->argument; i++) {
		uint8_t c = item->bytes[i];

		if (c == '"' || c == '\\') {
			fprintf(file, "\\%c", c);
		} else if (c < 0x20 || c == 0x7f) {
			fprintf(file, "\\u%04x", c); /* what comes from outside must not steer a terminal */
		} else {
			fputc(c, file);
		}
	}
	fputc('"', file);
}

static void print_bytes(FILE *file, const struct cbor_item *item)
{
	fputs("h'", file);
	for (uint64_t i = 0; i < item->argument; i++) {
		fprintf(file, "%02x", item->bytes[i]);
	}
	fputc('\'', file);
}

static void print_simple(FILE *file, uint64_t value)
{
	static const char *const names[] = {"false", "true", "null", "undefined"};

	if (value >= 20 && value <= 23) {
		fputs(names[value - 20], file);
	} else {
		fprintf(file, "simple(%" PRIu64 ")", value);
	}
}

static void print_float(FILE *file, double number)
{
	if (isnan(number)) {
		fputs("NaN", file);
	} else if (isinf(number)) {
		fputs(number < 0 ? "-Infinity" : "Infinity", file);
	} else {
		char text[32];

		/* The fewest digits that are this number and no other. */
		for (int digits = 15; digits <= 17; digits++) {
			(void)snprintf(text, sizeof(text), "%.*g", digits, number);
			if (strtod(text, NULL) == number) {
				break;
			}
		}
		fprintf(file, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
	}
}

static void print_array(FILE *file, struct cbor_reader *reader, uint64_t count, uint8_t depth)
{
	const char *separator = depth == 0 ? ",\n " : ", ";

	fputc('[', file);
	for (uint64_t i = 0; i < count; i++) {
		fputs(i == 0 ? "" : separator, file);
		print_item(file, reader, depth + 1);
	}
	fputc(']', file);
}

static void print_map(FILE *file, struct cbor_reader *reader, uint64_t count, uint8_t depth)
{
	fputc('{', file);
	for (uint64_t i = 0; i < count; i++) {
		fputs(i == 0 ? "" : ", ", file);
		print_item(file, reader, depth + 1);
		fputs(": ", file);
		print_item(file, reader, depth + 1);
	}
	fputc('}', file);
}

/* The bytes have been walked by cbor_skip() before: reading cannot fail, depth is bounded. */
static void print_item(FILE *file, struct cbor_reader *reader, uint8_t depth)
{
	struct cbor_item item;

	if (cbor_next(reader, &item) < 0) {
		return;
	}
	switch (item.type) {
	case CBOR_UNSIGNED:
		fprintf(file, "%" PRIu64, item.argument);
		break;
	case CBOR_NEGATIVE:
		if (item.argument == UINT64_MAX) {
			fputs("-18446744073709551616", file);
		} else {
			fprintf(file, "-%" PRIu64, item.argument + 1);
		}
		break;
	case CBOR_BYTES:
		print_bytes(file, &item);
		break;
	case CBOR_TEXT:
		print_text(file, &item);
		break;
	case CBOR_ARRAY:
		print_array(file, reader, item.argument, depth);
		break;
	case CBOR_MAP:
		print_map(file, reader, item.argument, depth);
		break;
	case CBOR_TAG:
		fprintf(file, "%" PRIu64 "(", item.argument);
		print_item(file, reader, depth + 1);
		fputc(')', file);
		break;
	case CBOR_SIMPLE:
		print_simple(file, item.argument);
		break;
	case CBOR_FLOAT:
		print_float(file, item.number);
		break;
	}
}

int cbor_print(FILE *file, const uint8_t *bytes, size_t length)
{
	struct cbor_reader reader;

	cbor_reader_init(&reader, bytes, length);
	int rc = cbor_skip(&reader);

	if (rc < 0) {
		return rc;
	}
	if (reader.at != reader.end) {
		return -EBADMSG;
	}
	cbor_reader_init(&reader, bytes, length);
	print_item(file, &reader, 0);
	return 0;
}

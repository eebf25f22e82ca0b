#include "message.h"

#include <errno.h>
#include <string.h>

enum { OPTION_ETAG = 4, OPTION_URI_PATH = 11, OPTION_CONTENT_FORMAT = 12, OPTION_URI_QUERY = 15, OPTION_BLOCK2 = 23 };

struct builder {
	struct template *template;
	uint16_t last_option;
	int error;
};

static void put_bytes(struct builder *builder, const void *bytes, size_t length)
{
	struct template *template = builder->template;

	if (builder->error < 0 || length == 0) {
		return;
	}
	if (length > sizeof(template->bytes) - MESSAGE_HEADER_BYTES - template->length) {
		builder->error = -EMSGSIZE;
		return;
	}
	memcpy(template->bytes + template->length, bytes, length);
	template->length += length;
}

/* RFC 7252 §3.1, with deltas below 13 and lengths below 269: all that is needed here. */
static void put_option(struct builder *builder, uint16_t number, const void *value, size_t length)
{
	uint8_t delta = (uint8_t)(number - builder->last_option);
	uint8_t head[2] = {(uint8_t)(delta << 4 | (length < 13 ? length : 13)), (uint8_t)(length - 13)};

	if (length >= 269) {
		builder->error = -EMSGSIZE;
	}
	put_bytes(builder, head, length < 13 ? 1 : 2);
	put_bytes(builder, value, length);
	builder->last_option = number;
}

static void put_uint_option(struct builder *builder, uint16_t number, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	if (value > UINT8_MAX) {
		put_option(builder, number, bytes, 2);
	} else {
		put_option(builder, number, bytes + 1, value > 0 ? 1 : 0);
	}
}

static void put_list(struct builder *builder, uint16_t number, const char *text, const char *separator)
{
	while (*text != '\0') {
		size_t length = strcspn(text, separator);

		put_option(builder, number, text, length);
		if (length >= strlen(DIGITS_TEXT) && builder->error == 0 &&
		    memcmp(text + length - strlen(DIGITS_TEXT), DIGITS_TEXT, strlen(DIGITS_TEXT)) == 0) {
			builder->template->digits_at = builder->template->length - strlen(DIGITS_TEXT);
		}
		text += length;
		text += *text != '\0' ? 1 : 0;
	}
}

int template_build(struct template *template, const struct options *options)
{
	const struct pattern *payload = &options->payload;
	struct builder builder = {.template = template};
	const uint8_t marker = 0xff;

	*template = (struct template){
		.first_byte = (uint8_t)(0x44 | (options->confirmable ? TYPE_CON : TYPE_NON) << 4),
		.code = options->method,
	};
	if (options->etag_length > 0) {
		put_option(&builder, OPTION_ETAG, options->etag, options->etag_length);
	}
	put_list(&builder, OPTION_URI_PATH, options->path, "/");
	if (options->content_format >= 0) {
		put_uint_option(&builder, OPTION_CONTENT_FORMAT, (uint16_t)options->content_format);
	}
	put_list(&builder, OPTION_URI_QUERY, options->query, "&");
	template->options_end = template->length;
	template->last_option = builder.last_option;
	if (payload->length > 0) {
		put_bytes(&builder, &marker, 1);
		if (payload->counter_at != NO_COUNTER) {
			template->counter_at = template->length + (size_t)payload->counter_at;
		}
		put_bytes(&builder, payload->bytes, payload->length);
	}
	return builder.error;
}

static void put_uint32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* RFC 7959 §2.2: a uint of up to three bytes. It follows an option below it by less than 13 + 256. */
static size_t write_block(uint8_t *at, uint16_t last_option, uint32_t block)
{
	size_t length = block == 0 ? 0 : block < 1u << 8 ? 1 : block < 1u << 16 ? 2 : 3;
	uint16_t delta = (uint16_t)(OPTION_BLOCK2 - last_option);
	size_t used = 1;

	at[0] = (uint8_t)((delta < 13 ? delta : 13) << 4 | length);
	if (delta >= 13) {
		at[used++] = (uint8_t)(delta - 13);
	}
	for (size_t i = length; i > 0; i--) {
		at[used++] = (uint8_t)(block >> (8 * (i - 1)));
	}
	return used;
}

size_t template_write(const struct template *template, uint8_t *buffer, const struct variation *variation)
{
	uint8_t *at = buffer + MESSAGE_HEADER_BYTES;
	uint32_t digits = variation->digits;

	buffer[0] = template->first_byte;
	buffer[1] = template->code;
	buffer[2] = (uint8_t)(variation->message_id >> 8);
	buffer[3] = (uint8_t)variation->message_id;
	put_uint32(buffer + 4, variation->token);
	memcpy(at, template->bytes, template->options_end);
	for (size_t i = template->digits_at > 0 ? strlen(DIGITS_TEXT) : 0; i > 0; i--) {
		at[template->digits_at + i - 1] = (uint8_t)('0' + digits % 10);
		digits /= 10;
	}
	at += template->options_end;
	if (variation->block >= 0) {
		at += write_block(at, template->last_option, (uint32_t)variation->block);
	}
	memcpy(at, template->bytes + template->options_end, template->length - template->options_end);
	if (template->counter_at > 0) {
		put_uint32(at + (template->counter_at - template->options_end), variation->counter);
	}
	return (size_t)(at - buffer) + template->length - template->options_end;
}

/* The extended delta or length that follows an option's first byte (RFC 7252 §3.1); -EBADMSG. */
static int read_extended(uint8_t nibble, const uint8_t *bytes, size_t length, size_t *at)
{
	int value = nibble;

	if (nibble == 13 && *at + 1 <= length) {
		value = 13 + bytes[*at];
		*at += 1;
	} else if (nibble == 14 && *at + 2 <= length) {
		value = 269 + (bytes[*at] << 8 | bytes[*at + 1]);
		*at += 2;
	} else if (nibble >= 13) {
		return -EBADMSG;
	}
	return value;
}

int answer_parse(struct answer *answer, const uint8_t *bytes, size_t length)
{
	if (length < 4 || bytes[0] >> 6 != 1) {
		return -EBADMSG;
	}
	uint8_t token_length = bytes[0] & 0x0f;
	size_t at = 4u + token_length;

	if (token_length > 8 || at > length || (bytes[1] == 0 && length != 4)) {
		return -EBADMSG;
	}
	*answer = (struct answer){
		.type = bytes[0] >> 4 & 3,
		.code = bytes[1],
		.message_id = (uint16_t)(bytes[2] << 8 | bytes[3]),
		.has_token = token_length == 4,
		.block = -1,
	};
	int number = 0;

	if (answer->has_token) {
		answer->token = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
	}
	while (at < length && bytes[at] != 0xff) {
		uint8_t head = bytes[at++];

		int delta = read_extended(head >> 4, bytes, length, &at);

		if (delta < 0) {
			return -EBADMSG;
		}
		number += delta;
		int value_length = read_extended(head & 0x0f, bytes, length, &at);

		if (value_length < 0 || (size_t)value_length > length - at) {
			return -EBADMSG;
		}
		if (number == OPTION_BLOCK2 && value_length <= 3) {
			answer->block = 0;
			for (int i = 0; i < value_length; i++) {
				answer->block = answer->block << 8 | bytes[at + (size_t)i];
			}
		}
		at += (size_t)value_length;
	}
	if (at < length) {
		at++;
		if (at == length) {
			return -EBADMSG; /* a marker without a payload */
		}
		answer->payload = bytes + at;
		answer->payload_length = length - at;
	}
	return 0;
}

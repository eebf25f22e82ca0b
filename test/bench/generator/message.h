/*
 * message.h - the request as a template, and the parts of an answer that are checked (RFC 7252 §3).
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |Ver| T |  TKL  |      Code     |          Message ID           |
 * |   Token (here always 4 bytes) ...    |   Options and payload ...
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

#define MESSAGE_BYTES 2048
#define MESSAGE_HEADER_BYTES 8 /* with the token */

enum message_type { TYPE_CON = 0, TYPE_NON = 1, TYPE_ACK = 2, TYPE_RST = 3 };

#define DIGITS_TEXT "#####"

/* Everything after the token, which is the same in every request but for what differs. */
struct template {
	uint8_t first_byte;
	uint8_t code;
	uint8_t bytes[MESSAGE_BYTES];
	size_t length;
	/* Where options end and the marker of the payload stands, if there is one: Block2 goes here. */
	size_t options_end;
	uint16_t last_option;
	size_t counter_at; /* 0: none */
	size_t digits_at;  /* 0: none */
};

/* What differs from one request to the next. */
struct variation {
	uint16_t message_id;
	uint32_t token;
	uint32_t counter;
	uint32_t digits;
	int32_t block; /* Block2 as on the wire (RFC 7959 §2.2); -1: none */
};

struct answer {
	enum message_type type;
	uint8_t code;
	uint16_t message_id;
	uint32_t token; /* valid where has_token */
	bool has_token;
	const uint8_t *payload;
	size_t payload_length;
	int32_t block; /* Block2 as on the wire; -1: none */
};

/* 0; -EMSGSIZE. */
int template_build(struct template *template, const struct options *options);

/* Writes a whole message; its length. `buffer` takes MESSAGE_BYTES. */
size_t template_write(const struct template *template, uint8_t *buffer, const struct variation *variation);

/* 0; -EBADMSG where the bytes are no CoAP message. */
int answer_parse(struct answer *answer, const uint8_t *bytes, size_t length);

#endif

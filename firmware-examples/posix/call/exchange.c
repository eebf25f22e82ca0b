#include "exchange.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

/*
 * libcoap ends a request that nobody acknowledges (about a minute, RFC 7252 §4.8.2). This limit is for a peer
 * that acknowledged and then fell silent; it is no RFC's number.
 */
#define ANSWER_TIMEOUT_SECONDS 120

/* A request takes one datagram: header, token, options and payload. */
#define REQUEST_BYTES 256

static void finish(struct exchange *exchange, int result)
{
	exchange->result = result;
	exchange->done = true;
}

/* What the message takes in a datagram: libcoap keeps that figure to itself. */
static size_t message_bytes(const coap_pdu_t *pdu)
{
	coap_opt_iterator_t iterator;
	coap_opt_t *option;
	const uint8_t *payload;
	size_t length;
	size_t bytes = 4 + coap_pdu_get_token(pdu).length;

	coap_option_iterator_init(pdu, &iterator, COAP_OPT_ALL);
	while ((option = coap_option_next(&iterator)) != NULL) {
		bytes += coap_opt_size(option);
	}
	if (coap_get_data(pdu, &length, &payload) != 0) {
		bytes += 1 + length; /* the payload marker */
	}
	return bytes;
}

static uint32_t uint_option(const coap_pdu_t *pdu, coap_option_num_t number, uint32_t otherwise)
{
	coap_opt_iterator_t iterator;
	coap_opt_t *option = coap_check_option(pdu, number, &iterator);

	if (option == NULL) {
		return otherwise;
	}
	return coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
}

/* An opaque option of 1 to `size` bytes, or 0 where there is none. */
static size_t opaque_option(const coap_pdu_t *pdu, coap_option_num_t number, uint8_t *value, size_t size)
{
	coap_opt_iterator_t iterator;
	coap_opt_t *option = coap_check_option(pdu, number, &iterator);

	if (option == NULL || coap_opt_length(option) > size) {
		return 0;
	}
	memcpy(value, coap_opt_value(option), coap_opt_length(option));
	return coap_opt_length(option);
}

/* Appends the payload to the body; 0, and in `exchange->block` what to ask for next where there is more. */
static int take_block(struct exchange *exchange, const coap_pdu_t *received)
{
	struct answer *answer = exchange->answer;
	coap_block_t *block = &exchange->block;
	const uint8_t *payload;
	size_t length;

	if (coap_get_data(received, &length, &payload) == 0) {
		length = 0;
	}
	if (coap_get_block(received, COAP_OPTION_BLOCK2, block) == 0) {
		*block = (coap_block_t){0};
	}
	if ((size_t)block->num << (block->szx + 4) != answer->body_length) {
		return -EPROTO; /* not the block that was asked for */
	}
	if (length > answer->body_size - answer->body_length) {
		return -EMSGSIZE;
	}
	if (length > 0) {
		memcpy(answer->body + answer->body_length, payload, length);
		answer->body_length += length;
	}
	if (block->m != 0 && length != (size_t)1 << (block->szx + 4)) {
		return -EPROTO; /* RFC 7959 §2.2: only the last block may be shorter */
	}
	block->num++;
	return 0;
}

static int take_answer(struct exchange *exchange, const coap_pdu_t *received)
{
	struct answer *answer = exchange->answer;
	uint8_t code = (uint8_t)coap_pdu_get_code(received);
	struct etag etag;

	if (code >> 5 != 2) {
		/* An error in place of a further block is an answer of its own. */
		answer->blocks = 0;
		answer->body_length = 0;
	}
	etag.length = (uint8_t)opaque_option(received, COAP_OPTION_ETAG, etag.bytes, sizeof(etag.bytes));
	if (answer->blocks > 0 && (etag.length != answer->etag.length ||
				   memcmp(etag.bytes, answer->etag.bytes, etag.length) != 0)) {
		return -ESTALE; /* RFC 7959 §2.4: blocks of different representations do not fit together */
	}
	answer->etag = etag;
	answer->blocks++;
	answer->code = code;
	answer->answer_bytes += message_bytes(received);
	answer->content_format = (uint16_t)uint_option(received, COAP_OPTION_CONTENT_FORMAT, UINT16_MAX);
	answer->max_age_seconds = uint_option(received, COAP_OPTION_MAXAGE, 60); /* RFC 7252 §5.10.5 */
	exchange->echo_length = opaque_option(received, COAP_OPTION_ECHO, exchange->echo, sizeof(exchange->echo));
	return take_block(exchange, received);
}

/* Whether a message, ours or the answer, belongs to the request that is under way. */
static bool is_current(const struct exchange *exchange, const coap_pdu_t *pdu)
{
	coap_bin_const_t token = coap_pdu_get_token(pdu);

	return !exchange->done && token.length == sizeof(exchange->token) &&
	       memcmp(token.s, exchange->token, token.length) == 0;
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received,
				   const coap_mid_t mid)
{
	struct exchange *exchange = coap_session_get_app_data(session);

	(void)sent;
	(void)mid;
	if (!is_current(exchange, received)) {
		return COAP_RESPONSE_FAIL; /* RFC 7252 §5.3.2: not the answer to what was asked: a reset */
	}
	finish(exchange, take_answer(exchange, received));
	return COAP_RESPONSE_OK;
}

static void on_nack(coap_session_t *session, const coap_pdu_t *sent, const coap_nack_reason_t reason,
		    const coap_mid_t mid)
{
	struct exchange *exchange = coap_session_get_app_data(session);

	(void)mid;
	if (sent == NULL || !is_current(exchange, sent)) {
		return;
	}
	switch (reason) {
	case COAP_NACK_TOO_MANY_RETRIES:
		finish(exchange, -ETIMEDOUT);
		break;
	case COAP_NACK_RST:
		finish(exchange, -ECONNRESET);
		break;
	case COAP_NACK_NOT_DELIVERABLE:
	case COAP_NACK_TLS_FAILED:
	case COAP_NACK_ICMP_ISSUE:
		finish(exchange, -EHOSTUNREACH);
		break;
	}
}

/* IPv4 or IPv6 as numbers: a device has its gateway's address from its configuration or from discovery. */
static int parse_address(const char *host, uint16_t port, coap_address_t *address)
{
	coap_address_init(address);
	if (inet_pton(AF_INET, host, &address->addr.sin.sin_addr) == 1) {
		address->size = sizeof(address->addr.sin);
		address->addr.sin.sin_family = AF_INET;
		address->addr.sin.sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &address->addr.sin6.sin6_addr) == 1) {
		address->size = sizeof(address->addr.sin6);
		address->addr.sin6.sin6_family = AF_INET6;
		address->addr.sin6.sin6_port = htons(port);
		return 0;
	}
	return -EINVAL;
}

int exchange_open(struct exchange *exchange, const char *host, uint16_t port)
{
	coap_address_t gateway;
	int rc = parse_address(host, port, &gateway);

	*exchange = (struct exchange){.done = true};
	if (rc < 0) {
		return rc;
	}
	coap_startup();
	coap_set_log_level(LOG_EMERG); /* failures are reported by what exchange_fetch() returns */
	exchange->context = coap_new_context(NULL);
	if (exchange->context == NULL) {
		exchange_close(exchange);
		return -ENOMEM;
	}
	coap_register_response_handler(exchange->context, on_response);
	coap_register_nack_handler(exchange->context, on_nack);

	exchange->session = coap_new_client_session(exchange->context, NULL, &gateway, COAP_PROTO_UDP);
	if (exchange->session == NULL) {
		exchange_close(exchange);
		return -EHOSTUNREACH;
	}
	coap_session_set_app_data(exchange->session, exchange);
	return 0;
}

void exchange_close(struct exchange *exchange)
{
	if (exchange->session != NULL) {
		coap_session_release(exchange->session);
	}
	if (exchange->context != NULL) {
		coap_free_context(exchange->context);
	}
	coap_cleanup();
	*exchange = (struct exchange){.done = true};
}

/* One Uri-Path option for each segment (RFC 7252 §5.10.1). */
static bool add_path(coap_pdu_t *pdu, const char *path)
{
	while (*path != '\0') {
		size_t length = strcspn(path, "/");

		if (coap_add_option(pdu, COAP_OPTION_URI_PATH, length, (const uint8_t *)path) == 0) {
			return false;
		}
		path += length;
		path += *path == '/' ? 1 : 0;
	}
	return true;
}

/* The shortest encoding of an unsigned integer option (RFC 7252 §3.2). */
static bool add_uint(coap_pdu_t *pdu, coap_option_num_t number, unsigned int value)
{
	uint8_t bytes[4];
	unsigned int length = coap_encode_var_safe(bytes, sizeof(bytes), value);

	return coap_add_option(pdu, number, length, bytes) != 0;
}

static bool add_opaque(coap_pdu_t *pdu, coap_option_num_t number, const uint8_t *bytes, size_t length)
{
	return length == 0 || coap_add_option(pdu, number, length, bytes) != 0;
}

/*
 * Options in ascending order of number (RFC 7252 §3.1). A request for a further block repeats them, but not
 * the payload: the gateway holds the result that is being read.
 */
static bool add_request(coap_pdu_t *pdu, const struct request *request, const struct exchange *exchange)
{
	const coap_block_t *block = &exchange->block;
	bool ok = coap_add_token(pdu, sizeof(exchange->token), exchange->token) != 0;

	if (request->etag != NULL) {
		ok = ok && add_opaque(pdu, COAP_OPTION_ETAG, request->etag->bytes, request->etag->length);
	}
	ok = ok && add_path(pdu, request->path);
	ok = ok && add_uint(pdu, COAP_OPTION_CONTENT_FORMAT, CONTENT_FORMAT_CBOR);
	if (block->num > 0) {
		ok = ok && add_uint(pdu, COAP_OPTION_BLOCK2, block->num << 4 | block->szx);
	}
	ok = ok && add_opaque(pdu, COAP_OPTION_ECHO, exchange->echo, exchange->echo_length);
	if (block->num == 0) {
		ok = ok && coap_add_data(pdu, request->payload_length, request->payload) != 0;
	}
	return ok;
}

static int64_t now_seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return now.tv_sec;
}

/* Sends one message and waits for what comes back. */
static int exchange_once(struct exchange *exchange, const struct request *request)
{
	coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_FETCH,
					coap_new_message_id(exchange->session), REQUEST_BYTES);

	if (pdu == NULL) {
		return -ENOMEM;
	}
	coap_prng(exchange->token, sizeof(exchange->token));
	if (!add_request(pdu, request, exchange)) {
		coap_delete_pdu(pdu);
		return -EMSGSIZE;
	}
	exchange->answer->request_bytes += message_bytes(pdu);
	exchange->done = false;

	/* libcoap owns the message from here on. */
	if (coap_send(exchange->session, pdu) == COAP_INVALID_MID) {
		exchange->done = true;
		return -EHOSTUNREACH;
	}
	int64_t end = now_seconds() + ANSWER_TIMEOUT_SECONDS;

	while (!exchange->done) {
		if (now_seconds() >= end) {
			finish(exchange, -ETIMEDOUT);
		} else if (coap_io_process(exchange->context, 1000) < 0) {
			finish(exchange, -EIO);
		}
	}
	return exchange->result;
}

int exchange_fetch(struct exchange *exchange, const struct request *request, struct answer *answer)
{
	bool echoed = false;
	int rc;

	*answer = (struct answer){.body = answer->body, .body_size = answer->body_size};
	exchange->answer = answer;
	exchange->block = (coap_block_t){0};
	do {
		rc = exchange_once(exchange, request);
		/* RFC 9175 §2.3: the gateway wants to know that this address is ours; once is enough. */
		if (rc == 0 && answer->code == COAP_RESPONSE_CODE_UNAUTHORIZED && exchange->echo_length > 0 && !echoed) {
			echoed = true;
			answer->body_length = 0;
			answer->blocks = 0;
			exchange->block = (coap_block_t){.m = 1};
		}
	} while (rc == 0 && exchange->block.m != 0);
	return rc;
}

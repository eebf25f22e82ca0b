/*
 * exchange.h - one request and its answer over libcoap 4.3 (RFC 7252), one at a time.
 *
 * libcoap retransmits and acknowledges. The further blocks of a long answer (RFC 7959) are asked for here:
 * each goes straight into a buffer of the caller, and a separate answer (RFC 7252 §5.2.2) may have blocks too,
 * which libcoap 4.3.1 drops when it is told to put blocks together itself. An Echo (RFC 9175 §2.3) is
 * returned. Left out: requests longer than a datagram, DTLS and observing.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coap3/coap.h>

#define EXCHANGE_TOKEN_BYTES 4 /* RFC 7252 §5.3.1: 32 random bits where there is no transport security */
#define EXCHANGE_ETAG_BYTES 8  /* RFC 7252 §5.10.6: at most */
#define EXCHANGE_ECHO_BYTES 40 /* RFC 9175 §2.2.1: at most */

#define CONTENT_FORMAT_CBOR 60

struct etag {
	uint8_t bytes[EXCHANGE_ETAG_BYTES];
	uint8_t length; /* 0: none */
};

struct request {
	const char *path;       /* "func/oslist/list" */
	const uint8_t *payload; /* CBOR */
	size_t payload_length;
	const struct etag *etag; /* of the answer held already; NULL: none */
};

struct answer {
	/* Set by the caller: where the body goes. */
	uint8_t *body;
	size_t body_size;

	uint8_t code; /* class << 5 | detail: 0x45 is 2.05 */
	uint16_t content_format;
	uint32_t max_age_seconds;
	struct etag etag;
	size_t body_length;
	/* On the air: the CoAP messages, of all blocks, without retransmissions and empty messages. */
	size_t request_bytes;
	size_t answer_bytes;
	uint32_t blocks;
};

struct exchange {
	coap_context_t *context;
	coap_session_t *session;
	/* To be returned with the next request. */
	uint8_t echo[EXCHANGE_ECHO_BYTES];
	size_t echo_length;
	/* Of the message that is under way. */
	struct answer *answer;
	uint8_t token[EXCHANGE_TOKEN_BYTES];
	coap_block_t block; /* the one that is asked for */
	int result;
	bool done;
};

/* 0 or a negative errno. The structure must not move until exchange_close(). */
int exchange_open(struct exchange *exchange, const char *host, uint16_t port);
void exchange_close(struct exchange *exchange);

/*
 * Sends a FETCH (RFC 8132 §2) as a confirmable message and waits for its answer, whatever its code.
 * 0; -ETIMEDOUT where none came; -ECONNRESET where the peer refused the message; -EHOSTUNREACH where it
 * cannot be reached; -EMSGSIZE where the answer does not fit into body; -ESTALE where the result changed
 * while its blocks were read: ask again; -EPROTO where the answer makes no sense.
 */
int exchange_fetch(struct exchange *exchange, const struct request *request, struct answer *answer);

#endif

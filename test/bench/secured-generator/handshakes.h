/*
 * handshakes.h - DTLS 1.2 handshakes by OpenSSL (RFC 6347 §4.2), many at a time over one batch: each endpoint in turn,
 * its records in memory. What is left of a handshake is the session's keys.
 * Left out: resumption, Connection IDs (OpenSSL 3.0 has none).
 */
#ifndef HANDSHAKES_H
#define HANDSHAKES_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "../generator/batch.h"
#include "../generator/histogram.h"
#include "session.h"

#define HANDSHAKES_MAX_IN_FLIGHT 256

struct attempt {
	SSL *ssl; /* NULL: none under way */
	BIO *in;
	BIO *out;
	uint32_t endpoint;
	uint64_t began_at;
};

struct handshakes {
	struct batch *batch;
	struct ciphers ciphers;
	SSL_CTX *context;
	struct session *sessions; /* by endpoint, the caller's */
	uint32_t endpoints;
	uint32_t in_flight;
	/* Each session is closed as soon as it is there, and the next begins; otherwise every endpoint without one gets one. */
	bool endless;
	struct attempt attempts[HANDSHAKES_MAX_IN_FLIGHT];
	uint32_t under_way;
	uint64_t last_scan;
	uint64_t done;
	uint64_t failed;
	uint64_t repeated; /* flights, after their timeout */
	struct histogram latency;
};

/* 0 or a negative errno, with a sentence on stderr. `options` says with what, and how many. */
int handshakes_open(struct handshakes *handshakes, const struct options *options, struct batch *batch,
		    struct session *sessions);

void handshakes_start(struct handshakes *handshakes);

/* One turn: takes what came, sends what is due. False when there is none under way. */
bool handshakes_turn(struct handshakes *handshakes);

#endif

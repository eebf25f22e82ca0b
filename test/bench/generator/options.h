/* options.h - what to send, what to expect, how hard and for how long: the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_PAYLOAD_BYTES 8192
#define OPTIONS_ETAG_BYTES 8
#define NO_COUNTER (-1)

/* Bytes in which four may stand for the request's counter. */
struct pattern {
	uint8_t bytes[OPTIONS_PAYLOAD_BYTES];
	uint16_t length;
	int16_t counter_at; /* NO_COUNTER: none */
};

struct options {
	struct sockaddr_in server;
	uint8_t method;
	bool confirmable;
	const char *path;
	const char *query;
	int32_t content_format; /* -1: none */
	uint8_t etag[OPTIONS_ETAG_BYTES];
	uint8_t etag_length;
	struct pattern payload;
	/* The first fresh counter; none is used twice. */
	uint32_t counter_start;
	/* A set of so many counters, from 65536 on, from which requests are drawn; 0: every request is fresh. */
	uint32_t distinct;
	/* One pass over the set, in order, to fill what remembers answers; then the run ends. */
	bool fill;
	/* Of a hundred requests, how many are fresh all the same. */
	double fresh_percent;
	/* Block2 size that is asked for (RFC 7959 §2.2) as its exponent; -1: no Block2 option. */
	int8_t block_exponent;

	uint8_t expected_code;
	bool payload_expected;
	struct pattern expected_payload;
	/* The counter in the answer is that of the request plus this. */
	uint32_t expected_addition;

	/* For DTLS (secured-generator): IDENTITY:HEX, or files in PEM. NULL: none. */
	const char *psk;
	const char *certificate;
	const char *private_key;
	/* Where sessions are kept from one run to the next; NULL: nowhere. */
	const char *sessions;
	/* Handshakes are what is measured. */
	bool handshakes;

	/* UDP port of all endpoints; 0: any. */
	uint16_t source_port;
	uint32_t endpoints;
	uint32_t in_flight;
	/* Requests per second that arrive whatever the answers do; 0: a closed loop. */
	double rate;
	/* Each slot sends one request, all at once, and the run ends with the last answer. */
	bool once;
	double warm_up_seconds;
	double seconds;
	/* The server's process, whose CPU time is reported; 0: none. */
	int32_t pid;
};

/* 0; -EINVAL with a sentence on stderr. */
int options_parse(struct options *options, int argc, char **argv);

#endif

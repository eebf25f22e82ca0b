/* options.h - what to send, what to expect, how hard and for how long: the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_PAYLOAD_BYTES 1024
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
	/* The first counter of the run: a counter is never used twice. */
	uint32_t counter_start;

	uint8_t expected_code;
	bool payload_expected;
	struct pattern expected_payload;
	/* The counter in the answer is that of the request plus this. */
	uint32_t expected_addition;

	uint32_t endpoints;
	uint32_t in_flight;
	double warm_up_seconds;
	double seconds;
	/* The server's process, whose CPU time is reported; 0: none. */
	int32_t pid;
};

/* 0; -EINVAL with a sentence on stderr. */
int options_parse(struct options *options, int argc, char **argv);

#endif

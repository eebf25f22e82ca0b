/*
 * A load generator for CoAP over UDP (RFC 7252) on loopback: one thread, many endpoints, closed or open loop,
 * Block2 followed to its end, every answer checked. Prints one JSON object (report.c).
 * Left out: DTLS (../secured-generator), Block1, observing.
 */
#include <stdio.h>
#include <string.h>

#include "run.h"

static struct load load;

int main(int argc, char **argv)
{
	static struct options options;

	if (options_parse(&options, argc, argv) < 0) {
		return 2;
	}
	int rc = load_open(&load, &options);

	if (rc < 0) {
		fprintf(stderr, "generator: cannot start: %s\n", strerror(-rc));
		return 1;
	}
	return run_load(&load, &options);
}

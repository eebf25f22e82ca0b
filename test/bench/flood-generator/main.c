/*
 * Floods a DTLS server with the beginnings of handshakes (RFC 6347 §4.2.1), at a fixed rate and each from another
 * address: `hello` sends ClientHellos without a cookie and reads no answer, as if their addresses were spoofed;
 * `cookie` returns the cookie from every HelloVerifyRequest, and leaves the handshake there. Prints one JSON object.
 *
 * usage: flood-generator hello|cookie PORT RATE SECONDS
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../generator/batch.h"
#include "../generator/load.h"

#define ENDPOINTS 60000
#define COOKIE_AT 60 /* its length: behind two headers, version, random and an empty session ID */
#define RANDOM_AT 27
#define RECORD_HEADER_BYTES 13
#define HANDSHAKE_HEADER_BYTES 12
#define SEQUENCE_AT (RECORD_HEADER_BYTES + 4)
#define HELLO_VERIFY_REQUEST 3
#define ANSWER_COOKIE_AT (RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES + 2)

/*
 * ECDHE_ECDSA with CCM_8 and nothing cheaper, on secp256r1, with ECDSA and SHA-256, extended master secret and
 * renegotiation_info: what costs a server most.
 */
static const uint8_t hello[] = {
	/* record: handshake, DTLS 1.2, epoch 0, number 0, length */
	22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* handshake: client_hello, length, number 0, fragment at 0, length */
	1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* version, random, session ID, cookie */
	0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* cipher suites, compression */
	0, 4, 0xc0, 0xae, 0, 0xff, 1, 0,
	/* extensions: supported_groups, ec_point_formats, signature_algorithms, extended_master_secret */
	0, 26, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3, 0, 23, 0, 0};

static struct batch batch;
static struct {
	uint64_t sent;
	uint64_t returned; /* cookies */
	uint64_t answered;
	uint64_t bytes_out;
	uint64_t bytes_in;
} tally;

static void write_uint(uint8_t *at, size_t value, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	}
}

/* A ClientHello with this cookie, whose random is the endpoint's: the cookie is bound to both. */
static void send_hello(uint32_t endpoint, const uint8_t *cookie, uint8_t length)
{
	uint8_t *datagram = batch_reserve(&batch, endpoint);
	size_t whole = sizeof(hello) + length;
	size_t body = whole - RECORD_HEADER_BYTES - HANDSHAKE_HEADER_BYTES;

	memcpy(datagram, hello, COOKIE_AT);
	datagram[COOKIE_AT] = length;
	memcpy(datagram + COOKIE_AT + 1, cookie, length);
	memcpy(datagram + COOKIE_AT + 1 + length, hello + COOKIE_AT + 1, sizeof(hello) - COOKIE_AT - 1);
	write_uint(datagram + 5, length > 0, 6);
	write_uint(datagram + 11, whole - RECORD_HEADER_BYTES, 2);
	write_uint(datagram + RECORD_HEADER_BYTES + 1, body, 3);
	write_uint(datagram + SEQUENCE_AT, length > 0, 2);
	write_uint(datagram + RECORD_HEADER_BYTES + 9, body, 3);
	write_uint(datagram + RANDOM_AT, endpoint, 4);
	batch_commit(&batch, whole);
	tally.bytes_out += whole;
}

static void take(void *context, uint32_t endpoint, const uint8_t *bytes, size_t length)
{
	(void)context;
	tally.answered++;
	tally.bytes_in += length;
	if (length > ANSWER_COOKIE_AT && bytes[0] == 22 && bytes[RECORD_HEADER_BYTES] == HELLO_VERIFY_REQUEST &&
	    length == ANSWER_COOKIE_AT + 1u + bytes[ANSWER_COOKIE_AT]) {
		tally.returned++;
		send_hello(endpoint, bytes + ANSWER_COOKIE_AT + 1, bytes[ANSWER_COOKIE_AT]);
	}
}

static void run(double rate, double seconds, bool returns_cookies)
{
	uint64_t start = clock_nanoseconds();
	uint64_t now = start;
	uint32_t endpoint = 0;

	while ((double)(now - start) < seconds * 1e9) {
		uint64_t due = (uint64_t)((double)(now - start) * rate / 1e9);

		for (; tally.sent < due; tally.sent++) {
			send_hello(endpoint, NULL, 0);
			endpoint = (endpoint + 1) % ENDPOINTS;
		}
		batch_flush(&batch);
		if (returns_cookies) {
			batch_deliver(&batch, batch_receive(&batch, 1), take, NULL);
			batch_flush(&batch);
		} else {
			/* Nobody is there to read: a pause, so that the load beside it has the processor. */
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 500000}, NULL);
		}
		now = clock_nanoseconds();
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (argc != 5 || (strcmp(argv[1], "hello") != 0 && strcmp(argv[1], "cookie") != 0)) {
		fprintf(stderr, "usage: flood-generator hello|cookie PORT RATE SECONDS\n");
		return 2;
	}
	server.sin_port = htons((uint16_t)atoi(argv[2]));
	int rc = batch_open(&batch, &server, 0, ENDPOINTS);

	if (rc < 0) {
		fprintf(stderr, "flood-generator: cannot start: %s\n", strerror(-rc));
		return 1;
	}
	run(atof(argv[3]), atof(argv[4]), strcmp(argv[1], "cookie") == 0);
	printf("{\"sent\":%" PRIu64 ",\"returned\":%" PRIu64 ",\"answered\":%" PRIu64 ",\"bytesOut\":%" PRIu64
	       ",\"bytesIn\":%" PRIu64 "}\n",
	       tally.sent, tally.returned, tally.answered, tally.bytes_out, tally.bytes_in);
	return 0;
}

/*
 * What a device does instead of importing a library: it calls a function of a gateway over CoAP.
 *
 *   1. FETCH with CBOR arguments; the result comes with an ETag.
 *   2. The same FETCH with that ETag: 2.03 Valid, 11 bytes and the token, says that the result still holds.
 *   3. The same function by its compact path, with arguments by position: fewer bytes, the same result.
 *
 * usage: call [port]        the port is 5683 unless told otherwise
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbor_print.h"
#include "cbor_writer.h"
#include "exchange.h"
#include "problem.h"

/* ---- The two lines to change: where the gateway is, and which function to call. ---- */
#define GATEWAY_HOST "127.0.0.1"
#define FUNCTION FUNCTION_AT("oslist/list", "2/0")
/* The numbers are the function's ids in libraries/funcoap.lock.json: assigned once, never reused. */

#define FUNCTION_AT(names, ids) {.path = "func/" names, .compact_path = "f/" ids}

/* The largest result this device takes; a longer one is -EMSGSIZE. */
#define RESULT_BYTES 2048

static const struct {
	const char *path;
	const char *compact_path;
} function = FUNCTION;

static uint8_t result[RESULT_BYTES];
static uint8_t compact_result[RESULT_BYTES];

/* The arguments by name: {"databasefile": "os-list.db"} */
static int named_arguments(uint8_t *buffer, size_t size, size_t *length)
{
	struct cbor_writer writer;

	cbor_writer_init(&writer, buffer, size);
	cbor_put_map(&writer, 1);
	cbor_put_text(&writer, "databasefile");
	cbor_put_text(&writer, "os-list.db");
	return cbor_writer_finish(&writer, length);
}

/* The same arguments by position: ["os-list.db"] */
static int positional_arguments(uint8_t *buffer, size_t size, size_t *length)
{
	struct cbor_writer writer;

	cbor_writer_init(&writer, buffer, size);
	cbor_put_array(&writer, 1);
	cbor_put_text(&writer, "os-list.db");
	return cbor_writer_finish(&writer, length);
}

static void print_etag(const struct etag *etag)
{
	for (uint8_t i = 0; i < etag->length; i++) {
		printf("%02x", etag->bytes[i]);
	}
}

static void print_answer(const struct answer *answer)
{
	printf("   request %zu bytes\n", answer->request_bytes);
	printf("   answer  %d.%02d, %zu bytes", answer->code >> 5, answer->code & 0x1f, answer->answer_bytes);
	if (answer->etag.length > 0) {
		printf(", ETag ");
		print_etag(&answer->etag);
	}
	printf(", Max-Age %u\n", answer->max_age_seconds);
	if (answer->blocks > 1) {
		printf("   each in %u messages, block by block\n", answer->blocks);
	}
}

/* An answer that is no result says why by a number: docs/errors.md lists them. */
static void print_problem(const struct answer *answer)
{
	struct problem problem;

	if (answer->content_format != PROBLEM_CONTENT_FORMAT ||
	    problem_read(answer->body, answer->body_length, &problem) < 0 || problem.number < 0) {
		fprintf(stderr, "the gateway answered %d.%02d\n", answer->code >> 5, answer->code & 0x1f);
	} else if (problem.parameter < 0) {
		fprintf(stderr, "the gateway answered %d.%02d, problem %d\n", answer->code >> 5,
			answer->code & 0x1f, (int)problem.number);
	} else {
		fprintf(stderr, "the gateway answered %d.%02d, problem %d with parameter %d\n", answer->code >> 5,
			answer->code & 0x1f, (int)problem.number, (int)problem.parameter);
	}
}

/* One call: 0 where the answer has the code that was hoped for. */
static int call(struct exchange *gateway, const struct request *request, uint8_t code, struct answer *answer)
{
	int rc = exchange_fetch(gateway, request, answer);

	if (rc < 0) {
		return rc;
	}
	print_answer(answer);
	if (answer->code != code) {
		print_problem(answer);
		return -EPROTO;
	}
	return 0;
}

static int call_three_times(struct exchange *gateway)
{
	uint8_t arguments[64];
	struct request request = {.path = function.path, .payload = arguments};
	struct answer first = {.body = result, .body_size = sizeof(result)};
	struct answer again = {.body = compact_result, .body_size = sizeof(compact_result)};
	int rc = named_arguments(arguments, sizeof(arguments), &request.payload_length);

	if (rc < 0) {
		return rc;
	}
	printf("1. FETCH /%s ", request.path);
	(void)cbor_print(stdout, arguments, request.payload_length);
	printf("\n");
	rc = call(gateway, &request, COAP_RESPONSE_CODE_CONTENT, &first);
	if (rc < 0) {
		return rc;
	}
	rc = cbor_print(stdout, result, first.body_length);
	printf("\n");
	if (rc < 0) {
		return rc;
	}

	printf("2. The same with ETag ");
	print_etag(&first.etag);
	printf(": is it still so?\n");
	request.etag = &first.etag;
	rc = call(gateway, &request, COAP_RESPONSE_CODE_VALID, &again);
	if (rc < 0) {
		return rc;
	}
	printf("   valid: the result above still holds, %zu bytes and a token of %d said so\n",
	       again.answer_bytes - EXCHANGE_TOKEN_BYTES, EXCHANGE_TOKEN_BYTES);

	rc = positional_arguments(arguments, sizeof(arguments), &request.payload_length);
	if (rc < 0) {
		return rc;
	}
	request.path = function.compact_path;
	request.etag = NULL;
	printf("3. FETCH /%s ", request.path);
	(void)cbor_print(stdout, arguments, request.payload_length);
	printf("\n");
	rc = call(gateway, &request, COAP_RESPONSE_CODE_CONTENT, &again);
	if (rc < 0) {
		return rc;
	}
	bool same = again.body_length == first.body_length && memcmp(result, compact_result, first.body_length) == 0;

	printf("   the same result: %s\n", same ? "yes" : "no");
	return same ? 0 : -EPROTO;
}

int main(int argc, char **argv)
{
	struct exchange gateway;
	long port = argc > 1 ? strtol(argv[1], NULL, 10) : COAP_DEFAULT_PORT;

	if (port < 1 || port > UINT16_MAX) {
		fprintf(stderr, "usage: call [port]\n");
		return 2;
	}
	int rc = exchange_open(&gateway, GATEWAY_HOST, (uint16_t)port);

	if (rc == 0) {
		rc = call_three_times(&gateway);
		exchange_close(&gateway);
	}
	if (rc < 0) {
		fprintf(stderr, "call: %s\n", strerror(-rc));
		return 1;
	}
	return 0;
}

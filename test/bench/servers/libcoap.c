/*
 * libcoap.c - the calls of the benchmark, served by libcoap 4.3 with handlers of its own.
 *
 *   func/bench/add      FETCH with CBOR [a, b]: a + b, with ETag and Max-Age, and 2.03 where the ETag is known
 *   func/bench/plus     the same under another name
 *   func/bench/plain    the same sum without ETag and Max-Age: nothing but decode, compute, encode
 *   func/bench/text     FETCH with CBOR n: a text of n letters, in blocks where it is longer than one
 *
 * Left out, as it costs libcoap time and is not asked of it: validation beyond what the sum needs, a cache,
 * deduplication beyond libcoap's own. The sum is quicker than a look into a cache would be.
 *
 * usage: libcoap PORT, or over DTLS with a pre-shared key: libcoap PORT KEY
 */
#include <coap3/coap.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CBOR_FORMAT 60
#define MAX_AGE_SECONDS 3600
#define SOCKET_BUFFER_BYTES (4 << 20)
#define LAST_DESCRIPTOR 32
#define TEXT_BYTES 8192

enum { CBOR_UINT = 0, CBOR_TEXT = 3, CBOR_ARRAY = 4 };

/* The head of a CBOR item (RFC 8949 §3) of `major`; its argument, or -EBADMSG. */
static int64_t read_head(const uint8_t **at, const uint8_t *end, uint8_t major)
{
	if (*at == end || **at >> 5 != major) {
		return -EBADMSG;
	}
	uint8_t info = *(*at)++ & 31;
	size_t length = info < 24 ? 0 : (size_t)1 << (info - 24);
	int64_t value = info < 24 ? info : 0;

	if (info > 26 || length > (size_t)(end - *at)) {
		return -EBADMSG;
	}
	for (size_t i = 0; i < length; i++) {
		value = value << 8 | *(*at)++;
	}
	return value;
}

/* The shortest head (RFC 8949 §4.2.1); its length. */
static size_t write_head(uint8_t *at, uint8_t major, uint64_t value)
{
	size_t length = value < 24 ? 0 : value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
	uint8_t info = length == 0 ? (uint8_t)value : length == 1 ? 24 : length == 2 ? 25 : length == 4 ? 26 : 27;

	at[0] = (uint8_t)(major << 5 | info);
	for (size_t i = 0; i < length; i++) {
		at[1 + i] = (uint8_t)(value >> (8 * (length - 1 - i)));
	}
	return 1 + length;
}

/* FNV-1a. */
static uint32_t hash_of(const uint8_t *bytes, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ bytes[i]) * 16777619u;
	}
	return hash;
}

/* The encoded sum of the two integers in the request; its length, or -EBADMSG. */
static int encode_sum(const coap_pdu_t *request, uint8_t *sum)
{
	const uint8_t *at = NULL;
	size_t length = 0;

	if (!coap_get_data(request, &length, &at)) {
		return -EBADMSG;
	}
	const uint8_t *end = at + length;
	int64_t count = read_head(&at, end, CBOR_ARRAY);
	int64_t a = read_head(&at, end, CBOR_UINT);
	int64_t b = read_head(&at, end, CBOR_UINT);

	if (count != 2 || a < 0 || b < 0 || at != end) {
		return -EBADMSG;
	}
	return (int)write_head(sum, CBOR_UINT, (uint64_t)(a + b));
}

static void add_uint(coap_pdu_t *response, uint16_t number, unsigned int value)
{
	uint8_t bytes[4];

	(void)coap_add_option(response, number, coap_encode_var_safe(bytes, sizeof(bytes), value), bytes);
}

static bool is_known(const coap_pdu_t *request, const uint8_t *etag, size_t length)
{
	coap_opt_iterator_t iterator;
	const coap_opt_t *option = coap_check_option(request, COAP_OPTION_ETAG, &iterator);

	return option != NULL && coap_opt_length(option) == length && memcmp(coap_opt_value(option), etag, length) == 0;
}

static void handle_add(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		       const coap_string_t *query, coap_pdu_t *response)
{
	uint8_t sum[9];
	int length = encode_sum(request, sum);

	(void)resource;
	(void)session;
	(void)query;
	if (length < 0) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
		return;
	}
	uint32_t etag = hash_of(sum, (size_t)length);
	bool known = is_known(request, (const uint8_t *)&etag, sizeof(etag));

	coap_pdu_set_code(response, known ? COAP_RESPONSE_CODE_VALID : COAP_RESPONSE_CODE_CONTENT);
	(void)coap_add_option(response, COAP_OPTION_ETAG, sizeof(etag), (const uint8_t *)&etag);
	if (!known) {
		add_uint(response, COAP_OPTION_CONTENT_FORMAT, CBOR_FORMAT);
	}
	add_uint(response, COAP_OPTION_MAXAGE, MAX_AGE_SECONDS);
	if (!known) {
		(void)coap_add_data(response, (size_t)length, sum);
	}
}

static void handle_plain(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
			 const coap_string_t *query, coap_pdu_t *response)
{
	uint8_t sum[9];
	int length = encode_sum(request, sum);

	(void)resource;
	(void)session;
	(void)query;
	if (length < 0) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
		return;
	}
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	add_uint(response, COAP_OPTION_CONTENT_FORMAT, CBOR_FORMAT);
	(void)coap_add_data(response, (size_t)length, sum);
}

static void handle_text(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
			const coap_string_t *query, coap_pdu_t *response)
{
	static uint8_t text[TEXT_BYTES];
	const uint8_t *at = NULL;
	size_t length = 0;
	int64_t letters = -EBADMSG;

	if (coap_get_data(request, &length, &at)) {
		letters = read_head(&at, at + length, CBOR_UINT);
	}
	if (letters < 0 || letters > TEXT_BYTES - 9) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
		return;
	}
	size_t head = write_head(text, CBOR_TEXT, (uint64_t)letters);

	memset(text + head, 'x', (size_t)letters);
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	(void)coap_add_data_large_response(resource, session, request, response, query, CBOR_FORMAT, MAX_AGE_SECONDS,
					   hash_of(text, head + (size_t)letters), head + (size_t)letters, text, NULL,
					   NULL);
}

static void add_resource(coap_context_t *context, const char *path, coap_method_handler_t handler)
{
	coap_resource_t *resource = coap_resource_init(coap_make_str_const(path), 0);

	coap_register_request_handler(resource, COAP_REQUEST_FETCH, handler);
	coap_add_resource(context, resource);
}

/* libcoap has no call for it, and its default loses what a thousand devices send at once. */
static void widen_receive_buffers(void)
{
	const int bytes = SOCKET_BUFFER_BYTES;

	for (int descriptor = 3; descriptor < LAST_DESCRIPTOR; descriptor++) {
		/* Fails on what is no socket. */
		(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	}
}

/* An endpoint without security, or over DTLS with `key` for whoever has it. */
static bool open_endpoint(coap_context_t *context, const coap_address_t *address, const char *key)
{
	coap_dtls_spsk_t setup = {.version = COAP_DTLS_SPSK_SETUP_VERSION};

	if (key == NULL) {
		return coap_new_endpoint(context, address, COAP_PROTO_UDP) != NULL;
	}
	setup.psk_info.key.s = (const uint8_t *)key;
	setup.psk_info.key.length = strlen(key);
	return coap_context_set_psk2(context, &setup) == 1 && coap_new_endpoint(context, address, COAP_PROTO_DTLS) != NULL;
}

int main(int argc, char **argv)
{
	coap_address_t address;

	coap_startup();
	coap_context_t *context = coap_new_context(NULL);

	coap_address_init(&address);
	address.addr.sin.sin_family = AF_INET;
	address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.addr.sin.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
	address.size = sizeof(address.addr.sin);
	if (argc < 2 || context == NULL || !open_endpoint(context, &address, argc > 2 ? argv[2] : NULL)) {
		fprintf(stderr, "usage: libcoap PORT [KEY]\n");
		return 2;
	}
	widen_receive_buffers();
	coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
	add_resource(context, "func/bench/add", handle_add);
	add_resource(context, "func/bench/plus", handle_add);
	add_resource(context, "func/bench/plain", handle_plain);
	add_resource(context, "func/bench/text", handle_text);
	for (;;) {
		if (coap_io_process(context, COAP_IO_WAIT) < 0) {
			return 1;
		}
	}
}

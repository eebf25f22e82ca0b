#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNTER_TEXT "@@@@@@@@"

static const char usage[] =
	"usage: generator --server 127.0.0.1:PORT [options]\n"
	"  --method GET|POST|PUT|DELETE|FETCH   --path a/b   --query 'a=1&b=2'   --non\n"
	"  --content-format N   --etag HEX   --payload HEX   (" COUNTER_TEXT " in HEX: a 32-bit counter)\n"
	"                       (##### in --path: the request's number in the set, five digits)\n"
	"  --counter-start N    the first fresh counter; every fresh request has the next\n"
	"  --distinct N         draws from the N counters from 65536 on   --fresh PERCENT   but for so many\n"
	"  --fill               each of the N once, in order, and ends\n"
	"  --block-size BYTES   asks for Block2 and follows it to the end\n"
	"  --expect-code 2.05   --expect-payload HEX   --expect-addition N   (of the counter in the answer)\n"
	"  --endpoints N        source addresses 127.1.0.1 and on, one request at a time from each\n"
	"                       where there are as many as requests in flight\n"
	"  --in-flight N        requests under way at any time, or with --rate at most\n"
	"  --rate N             N requests per second arrive; latency counts from the arrival\n"
	"  --once               one request of each of --in-flight endpoints at once, then ends\n"
	"  --psk IDENTITY:HEX   --certificate FILE --private-key FILE   (over DTLS, the secured generator alone)\n"
	"  --sessions FILE      keeps sessions there, and goes on with those of the run before (the same)\n"
	"  --handshakes         measures handshakes, --in-flight of them at a time (the same)\n"
	"  --warm-up SECONDS    --seconds SECONDS   --pid N (report that process's CPU time)\n";

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return -EINVAL;
}

static int parse_pattern(struct pattern *pattern, const char *hex)
{
	*pattern = (struct pattern){.counter_at = NO_COUNTER};
	while (*hex != '\0') {
		if (pattern->length + 4u > sizeof(pattern->bytes)) {
			return -EINVAL;
		}
		if (strncmp(hex, COUNTER_TEXT, strlen(COUNTER_TEXT)) == 0) {
			pattern->counter_at = (int16_t)pattern->length;
			pattern->length += 4;
			hex += strlen(COUNTER_TEXT);
			continue;
		}
		int high = hex_digit(hex[0]);
		int low = high < 0 ? high : hex_digit(hex[1]);

		if (low < 0) {
			return -EINVAL;
		}
		pattern->bytes[pattern->length++] = (uint8_t)(high << 4 | low);
		hex += 2;
	}
	return 0;
}

static int parse_etag(struct options *options, const char *hex)
{
	struct pattern pattern;

	if (parse_pattern(&pattern, hex) < 0 || pattern.length > sizeof(options->etag)) {
		return -EINVAL;
	}
	options->etag_length = (uint8_t)pattern.length;
	memcpy(options->etag, pattern.bytes, pattern.length);
	return 0;
}

/* RFC 7252 §12.1.1, RFC 8132 §6. */
static int parse_method(struct options *options, const char *name)
{
	static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "FETCH"};

	for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(name, names[i]) == 0) {
			options->method = i + 1;
			return 0;
		}
	}
	return -EINVAL;
}

/* "2.05" is class << 5 | detail. */
static int parse_code(struct options *options, const char *text)
{
	unsigned int code_class;
	unsigned int detail;

	if (sscanf(text, "%1u.%2u", &code_class, &detail) != 2 || code_class > 7 || detail > 31) {
		return -EINVAL;
	}
	options->expected_code = (uint8_t)(code_class << 5 | detail);
	return 0;
}

/* 16 to 1024 bytes are exponents 0 to 6 (RFC 7959 §2.2). */
static int parse_block_size(struct options *options, const char *text)
{
	unsigned long size = strtoul(text, NULL, 10);

	for (int8_t exponent = 0; exponent < 7; exponent++) {
		if (size == 16ul << exponent) {
			options->block_exponent = exponent;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_server(struct options *options, const char *text)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	size_t length = colon == NULL ? 0 : (size_t)(colon - text);

	if (length == 0 || length >= sizeof(host)) {
		return -EINVAL;
	}
	memcpy(host, text, length);
	host[length] = '\0';
	options->server.sin_family = AF_INET;
	options->server.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &options->server.sin_addr) != 1) {
		return -EINVAL;
	}
	/* Many source addresses exist without any setting up in 127.0.0.0/8 only. */
	return ntohl(options->server.sin_addr.s_addr) >> 24 == 127 ? 0 : -EINVAL;
}

enum option_name {
	SERVER = 1,
	METHOD,
	PATH,
	QUERY,
	NON,
	CONTENT_FORMAT,
	ETAG,
	PAYLOAD,
	COUNTER_START,
	DISTINCT,
	FILL,
	FRESH,
	BLOCK_SIZE,
	RATE,
	ONCE,
	EXPECT_CODE,
	EXPECT_PAYLOAD,
	EXPECT_ADDITION,
	ENDPOINTS,
	IN_FLIGHT,
	WARM_UP,
	SECONDS,
	PID,
	PSK,
	CERTIFICATE,
	PRIVATE_KEY,
	HANDSHAKES,
	SESSIONS,
};

static int parse_one(struct options *options, int name, const char *value)
{
	switch ((enum option_name)name) {
	case SERVER:
		return parse_server(options, value);
	case METHOD:
		return parse_method(options, value);
	case PATH:
		options->path = value;
		return 0;
	case QUERY:
		options->query = value;
		return 0;
	case NON:
		options->confirmable = false;
		return 0;
	case CONTENT_FORMAT:
		options->content_format = atoi(value);
		return 0;
	case ETAG:
		return parse_etag(options, value);
	case PAYLOAD:
		return parse_pattern(&options->payload, value);
	case COUNTER_START:
		options->counter_start = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case DISTINCT:
		options->distinct = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case FILL:
		options->fill = true;
		return 0;
	case FRESH:
		options->fresh_percent = atof(value);
		return 0;
	case BLOCK_SIZE:
		return parse_block_size(options, value);
	case RATE:
		options->rate = atof(value);
		return 0;
	case ONCE:
		options->once = true;
		return 0;
	case EXPECT_CODE:
		return parse_code(options, value);
	case EXPECT_PAYLOAD:
		options->payload_expected = true;
		return parse_pattern(&options->expected_payload, value);
	case EXPECT_ADDITION:
		options->expected_addition = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case ENDPOINTS:
		options->endpoints = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case IN_FLIGHT:
		options->in_flight = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case WARM_UP:
		options->warm_up_seconds = atof(value);
		return 0;
	case SECONDS:
		options->seconds = atof(value);
		return 0;
	case PID:
		options->pid = atoi(value);
		return 0;
	case PSK:
		options->psk = value;
		return 0;
	case CERTIFICATE:
		options->certificate = value;
		return 0;
	case PRIVATE_KEY:
		options->private_key = value;
		return 0;
	case SESSIONS:
		options->sessions = value;
		return 0;
	case HANDSHAKES:
		options->handshakes = true;
		return 0;
	}
	return -EINVAL;
}

int options_parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"server", required_argument, NULL, SERVER},
		{"method", required_argument, NULL, METHOD},
		{"path", required_argument, NULL, PATH},
		{"query", required_argument, NULL, QUERY},
		{"non", no_argument, NULL, NON},
		{"content-format", required_argument, NULL, CONTENT_FORMAT},
		{"etag", required_argument, NULL, ETAG},
		{"payload", required_argument, NULL, PAYLOAD},
		{"counter-start", required_argument, NULL, COUNTER_START},
		{"distinct", required_argument, NULL, DISTINCT},
		{"fill", no_argument, NULL, FILL},
		{"fresh", required_argument, NULL, FRESH},
		{"block-size", required_argument, NULL, BLOCK_SIZE},
		{"rate", required_argument, NULL, RATE},
		{"once", no_argument, NULL, ONCE},
		{"expect-code", required_argument, NULL, EXPECT_CODE},
		{"expect-payload", required_argument, NULL, EXPECT_PAYLOAD},
		{"expect-addition", required_argument, NULL, EXPECT_ADDITION},
		{"endpoints", required_argument, NULL, ENDPOINTS},
		{"in-flight", required_argument, NULL, IN_FLIGHT},
		{"warm-up", required_argument, NULL, WARM_UP},
		{"seconds", required_argument, NULL, SECONDS},
		{"pid", required_argument, NULL, PID},
		{"psk", required_argument, NULL, PSK},
		{"certificate", required_argument, NULL, CERTIFICATE},
		{"private-key", required_argument, NULL, PRIVATE_KEY},
		{"handshakes", no_argument, NULL, HANDSHAKES},
		{"sessions", required_argument, NULL, SESSIONS},
		{0},
	};
	int name;

	*options = (struct options){
		.method = 1,
		.confirmable = true,
		.path = "",
		.query = "",
		.content_format = -1,
		.payload = {.counter_at = NO_COUNTER},
		.counter_start = 1u << 24,
		.block_exponent = -1,
		.expected_code = 0x45,
		.expected_payload = {.counter_at = NO_COUNTER},
		.endpoints = 1024,
		.in_flight = 64,
		.warm_up_seconds = 1,
		.seconds = 3,
	};
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (name == '?' || parse_one(options, name, optarg) < 0) {
			fprintf(stderr, "generator: cannot take %s\n%s", argv[optind - 1], usage);
			return -EINVAL;
		}
	}
	if (options->server.sin_port == 0 || options->in_flight == 0 || options->in_flight > 65000 ||
	    options->endpoints == 0 || options->endpoints > 130000 ||
	    (options->fill && options->distinct == 0)) {
		fprintf(stderr, "generator: needs --server, --in-flight up to 65000, --endpoints up to 130000, and --distinct with --fill\n%s",
			usage);
		return -EINVAL;
	}
	return 0;
}

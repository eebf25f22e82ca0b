/*
 * A closed-loop load generator for HTTP/1.1 on loopback: one thread, many connections that are kept alive, one
 * request at a time on each (no pipelining), every answer checked. Prints one JSON object with the members that
 * generator/report.c prints too. Takes answers with a Content-Length only, as the two servers here give them.
 *
 * usage: generator PORT PATH REQUEST_BODY EXPECTED_BODY CONNECTIONS WARM_UP_SECONDS SECONDS PID
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "../generator/cpu-time.h"
#include "../generator/histogram.h"

#define MAX_CONNECTIONS 1024
#define ANSWER_BYTES 4096
#define EVENTS 64

struct connection {
	int socket;
	uint64_t sent_at;
	size_t length;
	char answer[ANSWER_BYTES];
};

struct load {
	const char *expected_body;
	char request[ANSWER_BYTES];
	size_t request_length;
	struct connection connections[MAX_CONNECTIONS];
	int poll;
	struct histogram latency;
	uint64_t answered;
	uint64_t wrong_code;
	uint64_t wrong_payload;
};

static struct load load;

static uint64_t clock_nanoseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "http generator: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void ask(struct connection *connection)
{
	connection->sent_at = clock_nanoseconds();
	connection->length = 0;
	/* A request fits the socket's buffer: nothing else is in it. */
	if (send(connection->socket, load.request, load.request_length, MSG_NOSIGNAL) != (ssize_t)load.request_length) {
		fail("cannot send");
	}
}

/* RFC 9112 §6.3. The length of the whole answer, or 0 where it is not known yet. */
static size_t answer_length(struct connection *connection, const char **body)
{
	connection->answer[connection->length] = '\0';
	const char *end = strstr(connection->answer, "\r\n\r\n");
	const char *field = strcasestr(connection->answer, "\r\ncontent-length:");

	if (end == NULL) {
		return 0;
	}
	if (field == NULL || field > end) {
		fail("an answer without Content-Length");
	}
	*body = end + 4;
	return (size_t)(*body - connection->answer) + strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
}

static void take(struct connection *connection)
{
	const char *body = NULL;
	ssize_t n = recv(connection->socket, connection->answer + connection->length,
			 ANSWER_BYTES - 1 - connection->length, 0);

	if (n <= 0) {
		fail("a connection ended");
	}
	connection->length += (size_t)n;
	size_t whole = answer_length(connection, &body);

	if (whole == 0 || connection->length < whole) {
		return;
	}
	load.answered++;
	if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0) {
		load.wrong_code++;
	} else if (strcmp(body, load.expected_body) != 0) {
		load.wrong_payload++;
	}
	histogram_add(&load.latency, clock_nanoseconds() - connection->sent_at);
	ask(connection);
}

static void connect_all(uint16_t port, int count)
{
	const int on = 1;
	struct sockaddr_in server = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	load.poll = epoll_create1(0);
	for (int i = 0; i < count; i++) {
		struct connection *connection = &load.connections[i];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

		connection->socket = socket(AF_INET, SOCK_STREAM, 0);
		(void)setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(connection->socket, (const struct sockaddr *)&server, sizeof(server)) < 0 ||
		    epoll_ctl(load.poll, EPOLL_CTL_ADD, connection->socket, &event) < 0) {
			fail("cannot connect");
		}
	}
}

static double run_for(double seconds)
{
	uint64_t start = clock_nanoseconds();
	uint64_t end = start + (uint64_t)(seconds * 1e9);
	struct epoll_event events[EVENTS];

	while (clock_nanoseconds() < end) {
		int count = epoll_wait(load.poll, events, EVENTS, 5);

		for (int i = 0; i < count; i++) {
			take(events[i].data.ptr);
		}
	}
	return (double)(clock_nanoseconds() - start) / 1e9;
}

static void print_report(double elapsed, const struct cpu_time *before, const struct cpu_time *after)
{
	uint64_t correct = load.answered - load.wrong_code - load.wrong_payload;

	printf("{\"elapsedSeconds\":%.4f,\"requestsPerSecond\":%.1f,", elapsed, (double)correct / elapsed);
	printf("\"answered\":%" PRIu64 ",\"correct\":%" PRIu64 ",", load.answered, correct);
	printf("\"faults\":{\"wrongCode\":%" PRIu64 ",\"wrongPayload\":%" PRIu64 "},", load.wrong_code,
	       load.wrong_payload);
	histogram_print(&load.latency);
	cpu_time_print(before, after, elapsed);
	printf("}\n");
}

int main(int argc, char **argv)
{
	int connections = argc == 9 ? atoi(argv[5]) : 0;

	if (connections < 1 || connections > MAX_CONNECTIONS) {
		fprintf(stderr, "usage: generator PORT PATH BODY EXPECTED_BODY CONNECTIONS WARM_UP SECONDS PID\n");
		return 2;
	}
	load.expected_body = argv[4];
	load.request_length = (size_t)snprintf(load.request, sizeof(load.request),
					       "POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
					       "Content-Length: %zu\r\n\r\n%s",
					       argv[2], strlen(argv[3]), argv[3]);
	connect_all((uint16_t)atoi(argv[1]), connections);
	for (int i = 0; i < connections; i++) {
		ask(&load.connections[i]);
	}
	(void)run_for(atof(argv[6]));
	load.answered = load.wrong_code = load.wrong_payload = 0;
	memset(&load.latency, 0, sizeof(load.latency));

	struct cpu_time before = cpu_time_now(atoi(argv[8]));
	double elapsed = run_for(atof(argv[7]));
	struct cpu_time after = cpu_time_now(atoi(argv[8]));

	print_report(elapsed, &before, &after);
	return 0;
}

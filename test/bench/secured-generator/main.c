/*
 * The load generator over DTLS 1.2 (RFC 6347): a session for every endpoint first, by OpenSSL, and then the same load
 * (../generator) in records of AES-128-CCM_8. With --handshakes these are what is measured, each session closed as
 * soon as it is there. Prints one JSON object.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../generator/load.h"
#include "../generator/report.h"
#include "../generator/run.h"
#include "handshakes.h"
#include "sessions.h"

/* So long for all handshakes before the load: for a hundred thousand, at a few hundred a second. */
#define PREPARATION_NS 600000000000ull

static struct load load;
static struct handshakes handshakes;

static size_t seal(void *context, uint32_t endpoint, uint8_t *datagram, size_t length)
{
	const struct handshakes *all = context;

	return session_seal(&all->sessions[endpoint], &all->ciphers, RECORD_APPLICATION_DATA, datagram, length);
}

static const uint8_t *open_record(void *context, uint32_t endpoint, uint8_t *datagram, size_t *length)
{
	const struct handshakes *all = context;

	return session_open(&all->sessions[endpoint], &all->ciphers, datagram, length);
}

static void handshake_until(uint64_t end)
{
	while (clock_nanoseconds() < end && handshakes_turn(&handshakes)) {
	}
}

static int measure_handshakes(const struct options *options)
{
	handshakes_start(&handshakes);
	handshake_until(clock_nanoseconds() + (uint64_t)(options->warm_up_seconds * 1e9));
	handshakes.done = handshakes.failed = handshakes.repeated = 0;
	memset(&handshakes.latency, 0, sizeof(handshakes.latency));

	struct cpu_time before = cpu_time_now(options->pid);
	uint64_t start = clock_nanoseconds();

	handshake_until(start + (uint64_t)(options->seconds * 1e9));

	struct cpu_time after = cpu_time_now(options->pid);
	double elapsed = (double)(clock_nanoseconds() - start) / 1e9;

	printf("{\"elapsedSeconds\":%.4f,\"requestsPerSecond\":%.1f,", elapsed, (double)handshakes.done / elapsed);
	printf("\"answered\":%" PRIu64 ",\"correct\":%" PRIu64 ",", handshakes.done + handshakes.failed, handshakes.done);
	printf("\"retransmissions\":%" PRIu64 ",\"faults\":{", handshakes.repeated);
	if (handshakes.failed > 0) {
		printf("\"failed\":%" PRIu64, handshakes.failed);
	}
	printf("},");
	histogram_print(&handshakes.latency);
	cpu_time_print(&before, &after, elapsed);
	printf("}\n");
	return 0;
}

static bool all_have_sessions(uint32_t endpoints)
{
	for (uint32_t i = 0; i < endpoints; i++) {
		if (!handshakes.sessions[i].established) {
			return false;
		}
	}
	return true;
}

/* A session for every endpoint, so that the load finds them. */
static int prepare(const struct options *options)
{
	handshakes_start(&handshakes);
	handshake_until(clock_nanoseconds() + PREPARATION_NS);
	if (all_have_sessions(options->endpoints)) {
		return 0;
	}
	fprintf(stderr, "generator: %" PRIu64 " handshakes were finished, %" PRIu64 " failed, some are not over\n",
		handshakes.done, handshakes.failed);
	return -EPROTO;
}

static int open_all(struct options *options, struct sessions *sessions)
{
	int rc = sessions_read(sessions, options->sessions, options->endpoints);

	options->source_port = sessions->port;
	rc = rc < 0 ? rc : load_open(&load, options);
	return rc < 0 ? rc : handshakes_open(&handshakes, options, &load.batch, sessions->all);
}

static int load_sessions(const struct options *options, struct sessions *sessions)
{
	const struct protection protection = {
		.headroom = SESSION_HEADROOM,
		.seal = seal,
		.open = open_record,
		.context = &handshakes,
	};

	load.batch.protection = &protection;
	int code = run_load(&load, options);

	if (options->sessions == NULL) {
		return code;
	}
	sessions->port = (uint16_t)batch_port(&load.batch);
	return sessions_write(sessions, options->sessions) < 0 ? 1 : code;
}

int main(int argc, char **argv)
{
	static struct options options;
	struct sessions sessions = {0};

	if (options_parse(&options, argc, argv) < 0) {
		return 2;
	}
	int rc = open_all(&options, &sessions);

	if (rc == 0 && options.handshakes) {
		return measure_handshakes(&options);
	}
	rc = rc < 0 ? rc : prepare(&options);
	if (rc < 0) {
		fprintf(stderr, "generator: cannot start: %s\n", strerror(-rc));
		return 1;
	}
	return load_sessions(&options, &sessions);
}

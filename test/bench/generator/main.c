/*
 * A closed-loop load generator for CoAP over UDP (RFC 7252) on loopback: one thread, many endpoints, every
 * answer checked. Prints one JSON object (report.c). Left out: DTLS, block-wise transfer, observing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "report.h"

/* How long answers that are under way at the end may take to come in, so that the next run starts clean. */
#define DRAIN_NS 200000000ull

static struct load load;
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void run_until(uint64_t end)
{
	while (clock_nanoseconds() < end && !interrupted) {
		load_turn(&load);
	}
}

int main(int argc, char **argv)
{
	static struct options options;
	struct sigaction action = {.sa_handler = interrupt};

	if (options_parse(&options, argc, argv) < 0) {
		return 2;
	}
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);

	int rc = load_open(&load, &options);

	if (rc < 0) {
		fprintf(stderr, "generator: cannot start: %s\n", strerror(-rc));
		return 1;
	}
	load_start(&load);
	run_until(clock_nanoseconds() + (uint64_t)(options.warm_up_seconds * 1e9));

	load_reset(&load);
	struct cpu_time before = cpu_time_now(options.pid);
	uint64_t start = clock_nanoseconds();

	run_until(start + (uint64_t)(options.seconds * 1e9));
	struct cpu_time after = cpu_time_now(options.pid);
	double elapsed_seconds = (double)(clock_nanoseconds() - start) / 1e9;

	report_print(&load, elapsed_seconds, &before, &after);
	load.stopping = true;
	run_until(clock_nanoseconds() + DRAIN_NS);
	return interrupted ? 130 : 0;
}

/*
 * A load generator for CoAP over UDP (RFC 7252) on loopback: one thread, many endpoints, closed or open loop,
 * Block2 followed to its end, every answer checked. Prints one JSON object (report.c).
 * Left out: DTLS, Block1, observing.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
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
	while (clock_nanoseconds() < end && !load_is_over(&load) && !interrupted) {
		load_turn(&load);
	}
}

static void run_for(double seconds)
{
	run_until(clock_nanoseconds() + (uint64_t)(seconds * 1e9));
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
	/* Runs that end with their last answer have no warm-up: every request counts. */
	bool ends_itself = options.once || options.fill;

	struct report_frame frame = {.before = cpu_time_now(options.pid)};
	uint64_t start = clock_nanoseconds();

	load_start(&load);
	if (!ends_itself) {
		run_for(options.warm_up_seconds);
		load_reset(&load);
		frame.before = cpu_time_now(options.pid);
		start = clock_nanoseconds();
	}

	run_for(options.seconds);
	frame.after = cpu_time_now(options.pid);
	frame.elapsed_seconds = (double)(clock_nanoseconds() - start) / 1e9;
	frame.unanswered = ends_itself ? load_unanswered(&load) : 0;
	frame.backlog = load_backlog(&load);
	report_print(&load, &frame);
	load.stopping = true;
	run_until(clock_nanoseconds() + DRAIN_NS);
	return interrupted ? 130 : 0;
}

#include "run.h"

#include <signal.h>
#include <stdbool.h>

#include "report.h"

/* How long answers that are under way at the end may take to come in, so that the next run starts clean. */
#define DRAIN_NS 200000000ull

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void run_until(struct load *load, uint64_t end)
{
	while (clock_nanoseconds() < end && !load_is_over(load) && !interrupted) {
		load_turn(load);
	}
}

static void run_for(struct load *load, double seconds)
{
	run_until(load, clock_nanoseconds() + (uint64_t)(seconds * 1e9));
}

int run_load(struct load *load, const struct options *options)
{
	struct sigaction action = {.sa_handler = interrupt};

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);

	/* Runs that end with their last answer have no warm-up: every request counts. */
	bool ends_itself = options->once || options->fill;

	struct report_frame frame = {.before = cpu_time_now(options->pid)};
	uint64_t start = clock_nanoseconds();

	load_start(load);
	if (!ends_itself) {
		run_for(load, options->warm_up_seconds);
		load_reset(load);
		frame.before = cpu_time_now(options->pid);
		start = clock_nanoseconds();
	}

	run_for(load, options->seconds);
	frame.after = cpu_time_now(options->pid);
	frame.elapsed_seconds = (double)(clock_nanoseconds() - start) / 1e9;
	frame.unanswered = ends_itself ? load_unanswered(load) : 0;
	frame.backlog = load_backlog(load);
	report_print(load, &frame);
	load->stopping = true;
	run_until(load, clock_nanoseconds() + DRAIN_NS);
	return interrupted ? 130 : 0;
}

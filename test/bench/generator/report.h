/* report.h - what was measured, as one line of JSON. */
#ifndef REPORT_H
#define REPORT_H

#include "cpu-time.h"
#include "load.h"

struct report_frame {
	double elapsed_seconds;
	struct cpu_time before;
	struct cpu_time after;
	/* Requests that the end of a run that waits for all of them left without an answer. */
	uint64_t unanswered;
	/* Requests of the open loop that were due at the end and had no answer yet. */
	uint64_t backlog;
};

void report_print(const struct load *load, const struct report_frame *frame);

#endif

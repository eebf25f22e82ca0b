/* report.h - what was measured, as one line of JSON. */
#ifndef REPORT_H
#define REPORT_H

#include "load.h"

struct cpu_time {
	double generator_seconds;
	double server_seconds;
};

/* CPU time used so far, by this process and by the server's (0 where `pid` is 0 or gone). */
struct cpu_time cpu_time_now(int32_t pid);

void report_print(const struct load *load, double elapsed_seconds, const struct cpu_time *before,
		  const struct cpu_time *after);

#endif

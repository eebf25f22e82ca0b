#include "cpu-time.h"

#include <stdio.h>
#include <time.h>

static double clock_seconds(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time) < 0) {
		return 0;
	}
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct cpu_time cpu_time_now(int32_t pid)
{
	clockid_t server;

	return (struct cpu_time){
		.generator_seconds = clock_seconds(CLOCK_PROCESS_CPUTIME_ID),
		.server_seconds = pid > 0 && clock_getcpuclockid(pid, &server) == 0 ? clock_seconds(server) : 0,
	};
}

void cpu_time_print(const struct cpu_time *before, const struct cpu_time *after, double elapsed_seconds)
{
	printf("\"generatorCpu\":%.4f,", (after->generator_seconds - before->generator_seconds) / elapsed_seconds);
	printf("\"serverCpu\":%.4f", (after->server_seconds - before->server_seconds) / elapsed_seconds);
}

#include "cpu-time.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields 14 and 15 of /proc/PID/stat: clock ticks in user and in kernel mode. */
static double process_seconds(int32_t pid)
{
	char path[32];
	char line[1024];
	unsigned long user = 0;
	unsigned long kernel = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = pid > 0 ? fopen(path, "r") : NULL;

	if (file == NULL) {
		return 0;
	}
	/* The name in the second field may hold anything, so the count begins behind its last parenthesis. */
	char *rest = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;

	if (rest != NULL) {
		(void)sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
	}
	(void)fclose(file);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

struct cpu_time cpu_time_now(int32_t pid)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (struct cpu_time){
		.generator_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		.server_seconds = process_seconds(pid),
	};
}

void cpu_time_print(const struct cpu_time *before, const struct cpu_time *after, double elapsed_seconds)
{
	printf("\"generatorCpu\":%.3f,", (after->generator_seconds - before->generator_seconds) / elapsed_seconds);
	printf("\"serverCpu\":%.3f", (after->server_seconds - before->server_seconds) / elapsed_seconds);
}

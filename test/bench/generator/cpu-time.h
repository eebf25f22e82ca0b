/* cpu-time.h - the processor time that processes have used so far. */
#ifndef CPU_TIME_H
#define CPU_TIME_H

#include <stdint.h>

struct cpu_time {
	double generator_seconds;
	double server_seconds;
};

/* Of this process and of the server's with all its threads (0 where `pid` is 0 or gone). */
struct cpu_time cpu_time_now(int32_t pid);

/* As members of a JSON object: processors that were busy with either, 1 is one. */
void cpu_time_print(const struct cpu_time *before, const struct cpu_time *after, double elapsed_seconds);

#endif

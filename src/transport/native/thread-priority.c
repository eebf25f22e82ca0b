/*
 * thread-priority.c - puts the calling thread behind the others of its process, for threads that compute.
 *
 * Linux gives each thread a nice value of its own, contrary to POSIX: setpriority(2), "C library/kernel differences".
 * Left out: raising it again, which needs a privilege, and realtime classes. Part of udp-batch.c's addon.
 */
#define _GNU_SOURCE 1
#define NAPI_VERSION 8
#include <node_api.h>

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread-priority.h"

/*
 * The last of all: at 10 a loop in a library moved the 90th percentile of the gateway's answers from 0.05 to 1.9 ms, at 19 to 0.1 ms
 * (npm run bench -- --only disturbed). The price: a nice value counts against every program of the machine, so that beside programs
 * that keep all processors busy a function gets little.
 */
#define LEAST 19

/*
 * Who wakes with a shorter slice runs at once instead of when this one's is over (Linux 6.12, sched(7) EEVDF; before, a normal
 * thread's is ignored). Without it the gateway's own thread waited for 3.9 ms behind a loop at 10, with it for 1.4 ms, as behind
 * one at 19 (99.9th percentile, both on one processor, Linux 6.18). The longest that there is.
 */
#define SLICE_NS 100000000

/* sched_setattr(2), first version; glibc declares it since 2.41. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

napi_value lower_priority(napi_env env, napi_callback_info info)
{
	napi_value result = NULL;
	const id_t thread = (id_t)syscall(SYS_gettid);
	const struct attributes attributes = { .size = sizeof(attributes), .nice = LEAST, .runtime = SLICE_NS };

	(void)info;
	errno = 0;
	/* Policy 0, the normal one: where the gateway was given a realtime one, it has that for its own threads. */
	if (syscall(SYS_sched_setattr, thread, &attributes, 0) != 0) {
		errno = 0;
		(void)setpriority(PRIO_PROCESS, thread, LEAST);
	}
	(void)napi_create_int32(env, -errno, &result);
	return result;
}

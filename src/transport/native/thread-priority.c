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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread-priority.h"

/* A tenth of the processor where it is wanted by a thread of usual priority: what computes goes on, slowly. */
#define NICER 10
#define NICEST 19

napi_value lower_priority(napi_env env, napi_callback_info info)
{
	napi_value result = NULL;
	const id_t thread = (id_t)syscall(SYS_gettid);

	(void)info;
	errno = 0;
	int nice = getpriority(PRIO_PROCESS, thread);

	/* -1 is a nice value too. */
	if (nice != -1 || errno == 0) {
		nice = nice + NICER > NICEST ? NICEST : nice + NICER;
		errno = 0;
		(void)setpriority(PRIO_PROCESS, thread, nice);
	}
	(void)napi_create_int32(env, -errno, &result);
	return result;
}

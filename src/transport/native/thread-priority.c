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

/*
 * The least there is: where the gateway's own thread wakes on the same processor, it runs at once. With 10, a tenth of the
 * processor, it waited for up to 3 ms behind a loop (measured on Linux 6.18). Calls in workers were as many with either: the
 * gateway's thread has nothing to do when all requests wait for them.
 */
#define LEAST 19

napi_value lower_priority(napi_env env, napi_callback_info info)
{
	napi_value result = NULL;
	const id_t thread = (id_t)syscall(SYS_gettid);

	(void)info;
	errno = 0;
	(void)setpriority(PRIO_PROCESS, thread, LEAST);
	(void)napi_create_int32(env, -errno, &result);
	return result;
}

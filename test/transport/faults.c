/*
 * faults.c - a kernel that is never quite ready, for tests of udp-batch.c: linked with --wrap, it makes sendmmsg
 * and recvmmsg take a part, be interrupted, or have no room, again and again and the same way in every run.
 * What it lets through really is sent and received.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout);

static _Thread_local uint32_t state = 1;

static uint32_t dice(uint32_t sides)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % sides;
}

/* How many to let through; 0 with errno for none. */
static unsigned int allowed(unsigned int count)
{
	switch (dice(4)) {
	case 0:
		errno = EAGAIN;
		return 0;
	case 1:
		errno = EINTR;
		return 0;
	case 2:
		return 1 + dice(count);
	default:
		return count;
	}
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	unsigned int taken = allowed(count);

	return taken == 0 ? -1 : __real_sendmmsg(fd, messages, taken, flags);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout)
{
	unsigned int taken = allowed(count);

	return taken == 0 ? -1 : __real_recvmmsg(fd, messages, taken, flags, timeout);
}

/*
 * sessions.h - sessions that outlive a run: a file with the UDP port of their endpoints, and their keys and numbers.
 * So a server that is asked again and again, or for a part of what it knows, shakes hands with each once.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "session.h"

struct sessions {
	uint16_t port; /* 0: there is no file yet */
	uint32_t count;
	struct session *all;
};

/* Room for `wanted` or for those in the file, whichever are more. 0 or a negative errno. `path` NULL: none are kept. */
int sessions_read(struct sessions *sessions, const char *path, uint32_t wanted);

/* 0 or a negative errno. */
int sessions_write(const struct sessions *sessions, const char *path);

#endif

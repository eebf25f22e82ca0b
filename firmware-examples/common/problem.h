/*
 * problem.h - reads why a call has no result: Concise Problem Details (RFC 9290, Content-Format 257).
 *
 * A device acts on numbers, so the words (-1 title, -2 detail) are passed over. The gateway's own entry is
 * a map under an absolute URI: 0 is the problem's number (docs/errors.md), 1 the id of the parameter.
 */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#define PROBLEM_CONTENT_FORMAT 257

struct problem {
	int64_t number;    /* -1 where the gateway gave none */
	int64_t parameter; /* -1 where it is not about one */
};

/* 0; -EBADMSG where the bytes are not a map; the errors of cbor_skip(). */
int problem_read(const uint8_t *bytes, size_t length, struct problem *problem);

#endif

/* check.h - whether an answer is the one that was expected. */
#ifndef CHECK_H
#define CHECK_H

#include "load.h"

/* A block that is not the last (RFC 7959 §2.2). */
bool answer_has_more(const struct answer *answer);

/* Counts the code, and the fault where there is one. */
bool answer_is_right(struct load *load, const struct slot *slot, const struct answer *answer);

#endif

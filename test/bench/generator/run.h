/* run.h - a whole run: warm-up, measurement, report, and the answers that are still under way. */
#ifndef RUN_H
#define RUN_H

#include "load.h"

/* The process's exit code. `load` has been opened. */
int run_load(struct load *load, const struct options *options);

#endif

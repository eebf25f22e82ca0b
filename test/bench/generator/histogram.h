/* histogram.h - latencies in logarithmic buckets: any range, an error below 0.8 %, no allocation. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7 /* 128 buckets an octave */

struct histogram {
	uint64_t count;
	uint64_t maximum;
	uint64_t buckets[64 << HISTOGRAM_SUB_BITS];
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);

/* The latency that `percent` of the samples do not exceed, in microseconds; 0 where there are none. */
double histogram_percentile(const struct histogram *histogram, double percent);

/* As a member of a JSON object, with a comma behind it. */
void histogram_print(const struct histogram *histogram);

#endif

#include "histogram.h"

#include <stdio.h>

static uint32_t bucket_of(uint64_t value)
{
	if (value < 1u << HISTOGRAM_SUB_BITS) {
		return (uint32_t)value;
	}
	uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;

	return (shift << HISTOGRAM_SUB_BITS) + (uint32_t)(value >> shift);
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_top(uint32_t bucket)
{
	if (bucket < 1u << HISTOGRAM_SUB_BITS) {
		return bucket;
	}
	uint32_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	uint64_t mantissa = (bucket & ((1u << HISTOGRAM_SUB_BITS) - 1)) + (1u << HISTOGRAM_SUB_BITS);

	return ((mantissa + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds)
{
	histogram->buckets[bucket_of(nanoseconds)]++;
	histogram->count++;
	if (nanoseconds > histogram->maximum) {
		histogram->maximum = nanoseconds;
	}
}

double histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t wanted = (uint64_t)(percent / 100 * (double)histogram->count + 0.5);
	uint64_t seen = 0;

	for (uint32_t i = 0; i < sizeof(histogram->buckets) / sizeof(histogram->buckets[0]); i++) {
		seen += histogram->buckets[i];
		if (seen > 0 && seen >= wanted) {
			uint64_t top = bucket_top(i);

			return (double)(top < histogram->maximum ? top : histogram->maximum) / 1000;
		}
	}
	return 0;
}

void histogram_print(const struct histogram *histogram)
{
	printf("\"latencyMicroseconds\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
	       histogram_percentile(histogram, 50), histogram_percentile(histogram, 90),
	       histogram_percentile(histogram, 99), histogram_percentile(histogram, 99.9),
	       (double)histogram->maximum / 1000);
}

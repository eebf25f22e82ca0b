#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields 14 and 15 of /proc/PID/stat: clock ticks in user and in kernel mode. */
static double process_seconds(int32_t pid)
{
	char path[32];
	char line[1024];
	unsigned long user = 0;
	unsigned long kernel = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = pid > 0 ? fopen(path, "r") : NULL;

	if (file == NULL) {
		return 0;
	}
	/* The name in the second field may hold anything, so the count begins behind its last parenthesis. */
	char *rest = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;

	if (rest != NULL) {
		(void)sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
	}
	(void)fclose(file);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

struct cpu_time cpu_time_now(int32_t pid)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (struct cpu_time){
		.generator_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		.server_seconds = process_seconds(pid),
	};
}

static void print_count(const char *name, uint64_t count)
{
	printf("\"%s\":%" PRIu64 ",", name, count);
}

static void print_codes(const uint64_t *codes)
{
	const char *separator = "";

	printf("\"codes\":{");
	for (int code = 0; code < 256; code++) {
		if (codes[code] > 0) {
			printf("%s\"%d.%02d\":%" PRIu64, separator, code >> 5, code & 31, codes[code]);
			separator = ",";
		}
	}
	printf("},");
}

void report_print(const struct load *load, double elapsed_seconds, const struct cpu_time *before,
		  const struct cpu_time *after)
{
	const struct tally *tally = &load->tally;

	printf("{\"elapsedSeconds\":%.3f,", elapsed_seconds);
	printf("\"requestsPerSecond\":%.1f,", (double)tally->correct / elapsed_seconds);
	print_count("answered", tally->answered);
	print_count("correct", tally->correct);
	print_codes(tally->codes);
	print_count("wrongCode", tally->wrong_code);
	print_count("wrongPayload", tally->wrong_payload);
	print_count("wrongMessageId", tally->wrong_message_id);
	print_count("malformed", tally->malformed);
	print_count("resets", tally->resets);
	print_count("late", tally->late);
	print_count("foreign", load->batch.foreign);
	print_count("sendErrors", load->batch.send_errors);
	print_count("retransmissions", tally->retransmissions);
	print_count("timeouts", tally->timeouts);
	print_count("emptyAcks", tally->empty_acks);
	print_count("separate", tally->separate);
	print_count("bytesOut", tally->bytes_out);
	print_count("bytesIn", tally->bytes_in);
	printf("\"latencyMicroseconds\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
	       histogram_percentile(&load->latency, 50), histogram_percentile(&load->latency, 90),
	       histogram_percentile(&load->latency, 99), histogram_percentile(&load->latency, 99.9),
	       (double)load->latency.maximum / 1000);
	printf("\"generatorCpu\":%.3f,", (after->generator_seconds - before->generator_seconds) / elapsed_seconds);
	printf("\"serverCpu\":%.3f}\n", (after->server_seconds - before->server_seconds) / elapsed_seconds);
}

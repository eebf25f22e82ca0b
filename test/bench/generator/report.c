#include "report.h"

#include <inttypes.h>
#include <stdio.h>

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

static void print_faults(const struct load *load, uint64_t unanswered)
{
	const struct tally *tally = &load->tally;
	const struct {
		const char *name;
		uint64_t count;
	} faults[] = {
		{"wrongCode", tally->wrong_code},
		{"wrongPayload", tally->wrong_payload},
		{"wrongMessageId", tally->wrong_message_id},
		{"wrongBlock", tally->wrong_block},
		{"malformed", tally->malformed},
		{"resets", tally->resets},
		{"foreign", load->batch.foreign},
		{"forged", load->batch.forged},
		{"sendErrors", load->batch.send_errors},
		{"unanswered", tally->timeouts + unanswered},
	};
	const char *separator = "";

	printf("\"faults\":{");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (faults[i].count > 0) {
			printf("%s\"%s\":%" PRIu64, separator, faults[i].name, faults[i].count);
			separator = ",";
		}
	}
	printf("},");
}

void report_print(const struct load *load, const struct report_frame *frame)
{
	const struct tally *tally = &load->tally;
	double elapsed = frame->elapsed_seconds;

	printf("{\"elapsedSeconds\":%.4f,", elapsed);
	printf("\"requestsPerSecond\":%.1f,", (double)tally->correct / elapsed);
	print_count("answered", tally->answered);
	print_count("answeredFirst", tally->answered_first);
	print_count("correct", tally->correct);
	print_count("blocks", tally->blocks);
	print_codes(tally->codes);
	print_faults(load, frame->unanswered);
	print_count("late", tally->late);
	print_count("retransmissions", tally->retransmissions);
	print_count("backlog", frame->backlog);
	print_count("emptyAcks", tally->empty_acks);
	print_count("separate", tally->separate);
	print_count("bytesOut", tally->bytes_out);
	print_count("bytesIn", tally->bytes_in);
	histogram_print(&load->latency);
	cpu_time_print(&frame->before, &frame->after, elapsed);
	printf("}\n");
}

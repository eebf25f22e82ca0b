#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* RFC 7252 §4.8, without the random factor: the slots do not start together anyway. */
#define ACK_TIMEOUT_NS 2000000000ull
#define MAX_RETRANSMIT 4
/* How long an acknowledged request, or a NON one, may stay unanswered; no RFC's number. */
#define ANSWER_TIMEOUT_NS 5000000000ull
#define WAIT_MS 5
#define SCAN_INTERVAL_NS 50000000ull

uint64_t clock_nanoseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint32_t slot_index(const struct load *load, const struct slot *slot)
{
	return (uint32_t)(slot - load->slots);
}

static uint32_t token_of(const struct load *load, const struct slot *slot)
{
	return slot_index(load, slot) << 16 | slot->generation;
}

static void send_slot(struct load *load, struct slot *slot)
{
	uint8_t *buffer = batch_reserve(&load->batch, slot->endpoint);
	size_t length = template_write(&load->template, buffer, slot->message_id, token_of(load, slot), slot->counter);

	batch_commit(&load->batch, length);
	load->tally.bytes_out += length;
	slot->last_sent = load->now;
}

static void issue(struct load *load, struct slot *slot)
{
	if (load->stopping) {
		slot->state = SLOT_IDLE;
		return;
	}
	slot->endpoint += load->options->in_flight;
	if (slot->endpoint >= load->options->endpoints) {
		slot->endpoint = slot_index(load, slot);
	}
	slot->generation++;
	slot->message_id = load->next_message_id[slot->endpoint]++;
	slot->counter = load->next_counter++;
	slot->retransmissions = 0;
	slot->state = SLOT_SENT;
	slot->first_sent = load->now;
	send_slot(load, slot);
}

static void acknowledge(struct load *load, uint32_t endpoint, const struct answer *answer)
{
	uint8_t *buffer = batch_reserve(&load->batch, endpoint);

	buffer[0] = 0x40 | TYPE_ACK << 4;
	buffer[1] = 0;
	buffer[2] = (uint8_t)(answer->message_id >> 8);
	buffer[3] = (uint8_t)answer->message_id;
	batch_commit(&load->batch, 4);
	load->tally.bytes_out += 4;
}

/* An empty message says by its Message ID which request it is about (RFC 7252 §4.2). */
static void take_empty(struct load *load, uint32_t endpoint, const struct answer *answer)
{
	struct slot *slot = &load->slots[endpoint % load->options->in_flight];

	if (slot->state != SLOT_SENT || slot->endpoint != endpoint || slot->message_id != answer->message_id) {
		load->tally.late++;
	} else if (answer->type == TYPE_ACK) {
		slot->state = SLOT_ACKNOWLEDGED;
		slot->last_sent = load->now;
		load->tally.empty_acks++;
	} else if (answer->type == TYPE_RST) {
		load->tally.resets++;
		issue(load, slot);
	}
}

static bool payload_matches(const struct load *load, const struct slot *slot, const struct answer *answer)
{
	const struct pattern *expected = &load->options->expected_payload;

	if (answer->payload_length != expected->length) {
		return false;
	}
	if (expected->counter_at == NO_COUNTER) {
		return expected->length == 0 || memcmp(answer->payload, expected->bytes, expected->length) == 0;
	}
	uint8_t wanted[OPTIONS_PAYLOAD_BYTES];
	uint32_t counter = slot->counter + load->options->expected_addition;

	memcpy(wanted, expected->bytes, expected->length);
	for (int i = 0; i < 4; i++) {
		wanted[expected->counter_at + i] = (uint8_t)(counter >> (24 - 8 * i));
	}
	return memcmp(answer->payload, wanted, expected->length) == 0;
}

static bool check(struct load *load, const struct slot *slot, const struct answer *answer)
{
	load->tally.codes[answer->code]++;
	/* RFC 7252 §5.2.1: an answer in an acknowledgement echoes the Message ID. */
	if (answer->type == TYPE_ACK && answer->message_id != slot->message_id) {
		load->tally.wrong_message_id++;
		return false;
	}
	if (answer->code != load->options->expected_code) {
		load->tally.wrong_code++;
		return false;
	}
	if (load->options->payload_expected && !payload_matches(load, slot, answer)) {
		load->tally.wrong_payload++;
		return false;
	}
	return true;
}

static void take(void *context, uint32_t endpoint, const uint8_t *bytes, size_t length)
{
	struct load *load = context;
	struct answer answer;

	load->tally.bytes_in += length;
	if (answer_parse(&answer, bytes, length) < 0) {
		load->tally.malformed++;
		return;
	}
	if (answer.code == 0) {
		take_empty(load, endpoint, &answer);
		return;
	}
	if (answer.type == TYPE_CON) {
		acknowledge(load, endpoint, &answer);
	}
	struct slot *slot = &load->slots[endpoint % load->options->in_flight];

	if (slot->state == SLOT_IDLE || slot->endpoint != endpoint || !answer.has_token ||
	    answer.token != token_of(load, slot)) {
		load->tally.late++;
		return;
	}
	load->tally.separate += answer.type != TYPE_ACK;
	load->tally.answered++;
	load->tally.correct += check(load, slot, &answer);
	histogram_add(&load->latency, load->now - slot->first_sent);
	issue(load, slot);
}

/* Retransmits what is due and gives up what is overdue. */
static void scan(struct load *load)
{
	for (uint32_t i = 0; i < load->options->in_flight; i++) {
		struct slot *slot = &load->slots[i];
		uint64_t waited = load->now - slot->last_sent;
		bool retransmits = slot->state == SLOT_SENT && load->options->confirmable;

		if (slot->state == SLOT_IDLE) {
			continue;
		}
		if (retransmits && slot->retransmissions < MAX_RETRANSMIT) {
			if (waited > ACK_TIMEOUT_NS << slot->retransmissions) {
				slot->retransmissions++;
				load->tally.retransmissions++;
				send_slot(load, slot);
			}
		} else if (waited > (retransmits ? ACK_TIMEOUT_NS << MAX_RETRANSMIT : ANSWER_TIMEOUT_NS)) {
			load->tally.timeouts++;
			issue(load, slot);
		}
	}
}

int load_open(struct load *load, const struct options *options)
{
	int rc;

	memset(load, 0, sizeof(*load));
	load->options = options;
	load->next_counter = options->counter_start;
	rc = template_build(&load->template, options);
	if (rc < 0) {
		return rc;
	}
	/* Message IDs and tokens begin anywhere, so that one run does not repeat the one before. */
	if (getrandom(load->next_message_id, sizeof(load->next_message_id), 0) < 0) {
		return -errno;
	}
	for (uint32_t i = 0; i < options->in_flight; i++) {
		load->slots[i].endpoint = i;
		load->slots[i].generation = load->next_message_id[i];
	}
	return batch_open(&load->batch, &options->server, options->endpoints);
}

void load_start(struct load *load)
{
	load->now = clock_nanoseconds();
	for (uint32_t i = 0; i < load->options->in_flight; i++) {
		issue(load, &load->slots[i]);
	}
	batch_flush(&load->batch);
}

void load_turn(struct load *load)
{
	int count = batch_receive(&load->batch, WAIT_MS);

	load->now = clock_nanoseconds();
	batch_deliver(&load->batch, count, take, load);
	if (load->now - load->last_scan > SCAN_INTERVAL_NS) {
		load->last_scan = load->now;
		scan(load);
	}
	batch_flush(&load->batch);
}

void load_reset(struct load *load)
{
	memset(&load->tally, 0, sizeof(load->tally));
	memset(&load->latency, 0, sizeof(load->latency));
	load->batch.send_errors = 0;
	load->batch.foreign = 0;
}

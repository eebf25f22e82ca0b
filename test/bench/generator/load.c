#include "load.h"

#include "check.h"

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
/* Of the set of distinct requests: the first number that takes five bytes of CBOR. */
#define SET_START 65536u
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
	const struct variation variation = {
		.message_id = slot->message_id,
		.token = token_of(load, slot),
		.counter = slot->counter,
		.digits = slot->counter - SET_START,
		.block = slot->block,
	};
	size_t length = template_write(&load->template, buffer, &variation);

	batch_commit(&load->batch, length);
	load->tally.bytes_out += length;
	slot->last_sent = load->now;
}

/* xorshift64: quick, and the same in every run. */
static uint32_t next_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return (uint32_t)(load->random >> 32);
}

static uint32_t choose_counter(struct load *load)
{
	const struct options *options = load->options;

	if (options->distinct == 0 || options->fill ||
	    (options->fresh_percent > 0 && next_random(load) % 10000 < options->fresh_percent * 100)) {
		return load->next_counter++;
	}
	return SET_START + next_random(load) % options->distinct;
}

/* A message of its own: the first of a request, or the one that asks for the next block. */
static void send_new(struct load *load, struct slot *slot, int32_t block)
{
	slot->generation++;
	slot->message_id = load->next_message_id[slot->endpoint]++;
	slot->retransmissions = 0;
	slot->state = SLOT_SENT;
	slot->block = block;
	send_slot(load, slot);
}

static void begin(struct load *load, struct slot *slot, uint64_t intended_at)
{
	slot->endpoint += load->options->in_flight;
	if (slot->endpoint >= load->options->endpoints) {
		slot->endpoint = slot_index(load, slot) % load->options->endpoints;
	}
	slot->counter = choose_counter(load);
	slot->intended_at = intended_at;
	send_new(load, slot, load->options->block_exponent); /* NUM 0, M 0: the exponent alone */
}

static void rest(struct load *load, struct slot *slot)
{
	slot->state = SLOT_IDLE;
	load->idle[(load->idle_head + load->idle_count) % LOAD_MAX_IN_FLIGHT] = slot_index(load, slot);
	load->idle_count++;
}

static bool is_filled(const struct load *load)
{
	return load->options->fill && load->next_counter - SET_START >= load->options->distinct;
}

/* The slot's request is over: answered, refused or given up. */
static void finish(struct load *load, struct slot *slot)
{
	if (load->stopping || is_filled(load) || load->options->once || load->options->rate > 0) {
		rest(load, slot);
	} else {
		begin(load, slot, load->now);
	}
}

static uint64_t arrival_time(const struct load *load)
{
	return load->first_arrival + (uint64_t)((double)load->arrived * 1e9 / load->options->rate);
}

/* Starts what has arrived; what finds no free slot waits, and its latency with it. */
static void begin_arrived(struct load *load)
{
	while (load->idle_count > 0 && !load->stopping && arrival_time(load) <= load->now) {
		struct slot *slot = &load->slots[load->idle[load->idle_head]];

		load->idle_head = (load->idle_head + 1) % LOAD_MAX_IN_FLIGHT;
		load->idle_count--;
		begin(load, slot, arrival_time(load));
		load->arrived++;
	}
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
static struct slot *slot_of_message(struct load *load, uint32_t endpoint, uint16_t message_id)
{
	const struct options *options = load->options;

	for (uint32_t i = endpoint % options->in_flight; i < options->in_flight; i += options->endpoints) {
		struct slot *slot = &load->slots[i];

		if (slot->state == SLOT_SENT && slot->endpoint == endpoint && slot->message_id == message_id) {
			return slot;
		}
	}
	return NULL;
}

static void take_empty(struct load *load, uint32_t endpoint, const struct answer *answer)
{
	struct slot *slot = slot_of_message(load, endpoint, answer->message_id);

	if (slot == NULL) {
		load->tally.late++;
	} else if (answer->type == TYPE_ACK) {
		slot->state = SLOT_ACKNOWLEDGED;
		slot->last_sent = load->now;
		load->tally.empty_acks++;
	} else if (answer->type == TYPE_RST) {
		load->tally.resets++;
		finish(load, slot);
	}
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
	struct slot *slot = &load->slots[answer.token >> 16];

	if (!answer.has_token || answer.token >> 16 >= load->options->in_flight || slot->state == SLOT_IDLE ||
	    slot->endpoint != endpoint || answer.token != token_of(load, slot)) {
		load->tally.late++;
		return;
	}
	load->tally.separate += answer.type != TYPE_ACK;
	load->tally.answered_first += slot->retransmissions == 0 && !answer_has_more(&answer);
	bool correct = answer_is_right(load, slot, &answer);

	if (correct && answer_has_more(&answer)) {
		load->tally.blocks++;
		send_new(load, slot, ((answer.block >> 4) + 1) << 4 | (answer.block & 7));
		return;
	}
	load->tally.answered++;
	load->tally.correct += correct;
	histogram_add(&load->latency, load->now - slot->intended_at);
	finish(load, slot);
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
			finish(load, slot);
		}
	}
}

int load_open(struct load *load, const struct options *options)
{
	int rc;

	memset(load, 0, sizeof(*load));
	load->options = options;
	load->next_counter = options->fill ? SET_START : options->counter_start;
	load->random = 0x9e3779b97f4a7c15ull;
	rc = template_build(&load->template, options);
	if (rc < 0) {
		return rc;
	}
	/* Message IDs and tokens begin anywhere, so that one run does not repeat the one before. */
	if (getrandom(load->next_message_id, sizeof(load->next_message_id), 0) < 0) {
		return -errno;
	}
	for (uint32_t i = 0; i < options->in_flight; i++) {
		load->slots[i].endpoint = i % options->endpoints;
		load->slots[i].generation = load->next_message_id[i];
	}
	return batch_open(&load->batch, &options->server, options->source_port, options->endpoints);
}

void load_start(struct load *load)
{
	load->now = clock_nanoseconds();
	load->first_arrival = load->now;
	for (uint32_t i = 0; i < load->options->in_flight; i++) {
		if (load->options->rate > 0 || is_filled(load)) {
			rest(load, &load->slots[i]);
		} else {
			begin(load, &load->slots[i], load->now);
		}
	}
	batch_flush(&load->batch);
}

void load_turn(struct load *load)
{
	/* The open loop looks at the clock all the time: a sleep would come back late. */
	int count = batch_receive(&load->batch, load->options->rate > 0 ? 0 : WAIT_MS);

	load->now = clock_nanoseconds();
	batch_deliver(&load->batch, count, take, load);
	if (load->options->rate > 0) {
		begin_arrived(load);
	}
	if (load->now - load->last_scan > SCAN_INTERVAL_NS) {
		load->last_scan = load->now;
		scan(load);
	}
	batch_flush(&load->batch);
}

bool load_is_over(const struct load *load)
{
	return load->idle_count == load->options->in_flight && (load->options->rate <= 0 || load->stopping);
}

uint64_t load_unanswered(const struct load *load)
{
	return load->options->in_flight - load->idle_count;
}

uint64_t load_backlog(const struct load *load)
{
	const double rate = load->options->rate;

	if (rate <= 0) {
		return 0;
	}
	uint64_t due = (uint64_t)((double)(load->now - load->first_arrival) * rate / 1e9);
	uint64_t waiting = due > load->arrived ? due - load->arrived : 0;

	return waiting + load_unanswered(load);
}

void load_reset(struct load *load)
{
	memset(&load->tally, 0, sizeof(load->tally));
	memset(&load->latency, 0, sizeof(load->latency));
	load->batch.send_errors = 0;
	load->batch.foreign = 0;
	load->batch.forged = 0;
}

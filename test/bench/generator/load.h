/*
 * load.h - requests under way, and what becomes of them.
 *
 * A slot is one request under way, or one block-wise transfer (RFC 7959). Slot s owns the endpoints s,
 * s + in_flight, s + 2 * in_flight, … and takes them in turn, so an endpoint never has two requests under way
 * (NSTART, RFC 7252 §4.7) and its Message IDs do not come round within EXCHANGE_LIFETIME. With fewer endpoints
 * than slots neither holds: that is for servers that remember no Message IDs.
 *
 * Closed loop: the next request leaves when one is answered. Open loop (--rate): requests arrive at a fixed rate,
 * take a free slot or wait for one, and their latency counts from the arrival, so that a server that stalls
 * cannot keep the load from showing it. Once (--once): every slot sends one request.
 */
#ifndef LOAD_H
#define LOAD_H

#include "batch.h"
#include "histogram.h"
#include "options.h"

#define LOAD_MAX_IN_FLIGHT 65536
#define LOAD_MAX_ENDPOINTS 131072

enum slot_state { SLOT_IDLE, SLOT_SENT, SLOT_ACKNOWLEDGED };

struct slot {
	enum slot_state state;
	uint32_t endpoint;
	uint32_t counter;
	uint16_t message_id;
	uint16_t generation; /* in the token: tells an answer from one to an earlier request */
	uint8_t retransmissions;
	int32_t block;        /* the Block2 that is asked for; -1: none */
	uint64_t intended_at; /* when it should have left */
	uint64_t last_sent;
};

struct tally {
	uint64_t answered;        /* requests, or whole transfers */
	uint64_t answered_first;  /* without a retransmission */
	uint64_t correct;
	uint64_t blocks;          /* answers with more to come */
	uint64_t wrong_code;
	uint64_t wrong_payload;
	uint64_t wrong_message_id;
	uint64_t wrong_block;
	uint64_t malformed;
	uint64_t resets;
	uint64_t late;            /* answers to nothing that is under way */
	uint64_t retransmissions;
	uint64_t timeouts;
	uint64_t empty_acks;
	uint64_t separate;        /* answers in a message of their own */
	uint64_t bytes_out;
	uint64_t bytes_in;
	uint64_t codes[256];
};

struct load {
	const struct options *options;
	struct template template;
	struct batch batch;
	struct slot slots[LOAD_MAX_IN_FLIGHT];
	uint16_t next_message_id[LOAD_MAX_ENDPOINTS];
	/* Slots without a request, a ring: the one that waits longest is next, so that all endpoints take turns. */
	uint32_t idle[LOAD_MAX_IN_FLIGHT];
	uint32_t idle_head;
	uint32_t idle_count;
	/* Of the open loop: the next one arrives `arrived` intervals after `first_arrival`. */
	uint64_t first_arrival;
	uint64_t arrived;
	uint32_t next_counter;
	uint64_t random;
	uint64_t now; /* when the batch under way arrived, in nanoseconds */
	uint64_t last_scan;
	bool stopping;
	struct tally tally;
	struct histogram latency;
};

uint64_t clock_nanoseconds(void);

/* 0 or a negative errno. */
int load_open(struct load *load, const struct options *options);
void load_start(struct load *load);

/* One turn: takes what came, sends what is due. */
void load_turn(struct load *load);

/* Nothing is under way, and nothing will be. */
bool load_is_over(const struct load *load);

/* Requests under way. */
uint64_t load_unanswered(const struct load *load);

/* Requests of the open loop that have arrived and have no answer yet; 0 in a closed loop. */
uint64_t load_backlog(const struct load *load);

/* Forgets what was counted so far: the warm-up. */
void load_reset(struct load *load);

#endif

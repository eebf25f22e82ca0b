#include "check.h"

#include <string.h>

/* Where the payload of a block stands in the whole (RFC 7959 §2.2: NUM times the size). */
static size_t offset_of(int32_t block)
{
	return block < 0 ? 0 : (size_t)(block >> 4) << ((block & 7) + 4);
}

bool answer_has_more(const struct answer *answer)
{
	return answer->block >= 0 && (answer->block & 8) != 0;
}

static bool payload_matches(const struct load *load, const struct slot *slot, const struct answer *answer)
{
	const struct pattern *expected = &load->options->expected_payload;
	size_t offset = offset_of(answer->block);
	size_t end = offset + answer->payload_length;

	if (end > expected->length || (answer_has_more(answer) ? answer->payload_length == 0 : end != expected->length)) {
		return false;
	}
	if (expected->counter_at == NO_COUNTER) {
		return end == offset || memcmp(answer->payload, expected->bytes + offset, answer->payload_length) == 0;
	}
	uint8_t wanted[OPTIONS_PAYLOAD_BYTES];
	uint32_t counter = slot->counter + load->options->expected_addition;

	memcpy(wanted, expected->bytes, expected->length);
	for (int i = 0; i < 4; i++) {
		wanted[expected->counter_at + i] = (uint8_t)(counter >> (24 - 8 * i));
	}
	return memcmp(answer->payload, wanted + offset, answer->payload_length) == 0;
}

bool answer_is_right(struct load *load, const struct slot *slot, const struct answer *answer)
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
	/* The block that was asked for (RFC 7959 §2.4), in the size that was asked for or a smaller one. */
	if (slot->block >= 0 && answer->block >= 0 && offset_of(answer->block) != offset_of(slot->block)) {
		load->tally.wrong_block++;
		return false;
	}
	if (load->options->payload_expected && !payload_matches(load, slot, answer)) {
		load->tally.wrong_payload++;
		return false;
	}
	return true;
}

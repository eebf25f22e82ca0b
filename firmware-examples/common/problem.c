#include "problem.h"

#include <errno.h>

#include "cbor_reader.h"

enum {
	KEY_NUMBER = 0,
	KEY_PARAMETER = 1,
};

/* One key and its value inside the gateway's own entry. */
static int read_member(struct cbor_reader *reader, struct problem *problem)
{
	struct cbor_item key;
	struct cbor_reader value;
	struct cbor_item item;
	int64_t name;
	int64_t integer;
	int rc = cbor_next(reader, &key);

	if (rc < 0) {
		return rc;
	}
	value = *reader;
	rc = cbor_skip(reader);
	if (rc < 0) {
		return rc;
	}
	if (cbor_integer(&key, &name) < 0 || cbor_next(&value, &item) < 0 || cbor_integer(&item, &integer) < 0) {
		return 0; /* a member that this device does not know */
	}
	if (name == KEY_NUMBER) {
		problem->number = integer;
	} else if (name == KEY_PARAMETER) {
		problem->parameter = integer;
	}
	return 0;
}

int problem_read(const uint8_t *bytes, size_t length, struct problem *problem)
{
	struct cbor_reader reader;
	struct cbor_item map;

	*problem = (struct problem){.number = -1, .parameter = -1};
	cbor_reader_init(&reader, bytes, length);
	int rc = cbor_next(&reader, &map);

	if (rc < 0) {
		return rc;
	}
	if (map.type != CBOR_MAP) {
		return -EBADMSG;
	}
	for (uint64_t i = 0; i < map.argument; i++) {
		struct cbor_item key;
		struct cbor_reader inside;
		struct cbor_item value;

		rc = cbor_next(&reader, &key);
		if (rc < 0) {
			return rc;
		}
		inside = reader;
		rc = cbor_skip(&reader);
		if (rc < 0) {
			return rc;
		}
		/* RFC 9290 §3.2: custom entries stand under a URI, everything registered under an integer. */
		if (key.type != CBOR_TEXT || cbor_next(&inside, &value) < 0 || value.type != CBOR_MAP) {
			continue;
		}
		for (uint64_t member = 0; member < value.argument; member++) {
			rc = read_member(&inside, problem);
			if (rc < 0) {
				return rc;
			}
		}
	}
	return 0;
}

/* Reads CBOR in hexadecimal, an item a line, and prints each in diagnostic notation or as "error -N". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cbor_print.h"

#define LINE_CHARACTERS 4096

static int read_hex(const char *line, uint8_t *bytes, size_t *length)
{
	unsigned int byte;

	for (*length = 0; sscanf(line, "%2x", &byte) == 1; line += 2) {
		bytes[(*length)++] = (uint8_t)byte;
	}
	return *line == '\n' ? 0 : -EINVAL;
}

int main(void)
{
	char line[LINE_CHARACTERS];
	uint8_t bytes[LINE_CHARACTERS / 2];
	size_t length;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		int rc = read_hex(line, bytes, &length);

		if (rc == 0) {
			rc = cbor_print(stdout, bytes, length);
		}
		if (rc < 0) {
			printf("error %d", rc);
		}
		printf("\n");
	}
	return 0;
}

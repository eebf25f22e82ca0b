/*
 * limit.c - the machine's ceiling: a UDP server that does next to nothing, in batches.
 *
 * It answers every request with the bytes it was given at the start, behind the request's own Message ID and
 * token: no dispatch, no deduplication, no state. Nothing that speaks CoAP can be faster here, so the other
 * servers are measured in parts of it.
 *
 * usage: limit PORT CODE HEX       CODE as a number (69 is 2.05), HEX: options and payload of the answer
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH_SIZE 64
#define MESSAGE_BYTES 2048
#define ANSWER_BYTES 256
#define SOCKET_BUFFER_BYTES (4 << 20)

struct datagrams {
	struct mmsghdr headers[BATCH_SIZE];
	struct iovec vectors[BATCH_SIZE];
	struct sockaddr_in addresses[BATCH_SIZE];
	uint8_t bytes[BATCH_SIZE][MESSAGE_BYTES];
};

static struct datagrams datagrams;
static uint8_t answer[ANSWER_BYTES];
static size_t answer_length;

static int parse_hex(const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		unsigned int byte;

		if (answer_length == sizeof(answer) || sscanf(hex, "%2x", &byte) != 1) {
			return -EINVAL;
		}
		answer[answer_length++] = (uint8_t)byte;
	}
	return 0;
}

static int open_socket(uint16_t port)
{
	const int buffer = SOCKET_BUFFER_BYTES;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int server = socket(AF_INET, SOCK_DGRAM, 0);

	if (server < 0) {
		return -errno;
	}
	(void)setsockopt(server, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	/* As funcoap's native transport does: without an identification (RFC 6864 §4.1) a datagram is cheaper. */
	(void)setsockopt(server, IPPROTO_IP, IP_MTU_DISCOVER, &(int){ IP_PMTUDISC_DO }, sizeof(int));
	if (bind(server, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		return -errno;
	}
	return server;
}

/* Turns a request into its answer in place; its length, or 0 where there is none. */
static size_t answer_in_place(uint8_t *bytes, size_t length, uint8_t code)
{
	uint8_t type = length >= 4 ? bytes[0] >> 4 & 3 : 3;
	size_t head = length >= 4 ? 4u + (bytes[0] & 0x0f) : 0;

	if (type > 1 || head > length || head > 12) {
		return 0;
	}
	if (bytes[1] == 0) {
		bytes[0] = 0x70; /* ping: RFC 7252 §4.3 */
		return 4;
	}
	bytes[0] = (uint8_t)((bytes[0] & 0xcf) | (type == 0 ? 2 : 1) << 4);
	bytes[1] = code;
	memcpy(bytes + head, answer, answer_length);
	return head + answer_length;
}

static void serve(int server, uint8_t code)
{
	for (;;) {
		for (int i = 0; i < BATCH_SIZE; i++) {
			datagrams.vectors[i] = (struct iovec){.iov_base = datagrams.bytes[i], .iov_len = MESSAGE_BYTES};
			datagrams.headers[i].msg_hdr = (struct msghdr){
				.msg_name = &datagrams.addresses[i],
				.msg_namelen = sizeof(datagrams.addresses[i]),
				.msg_iov = &datagrams.vectors[i],
				.msg_iovlen = 1,
			};
		}
		int count = recvmmsg(server, datagrams.headers, BATCH_SIZE, MSG_WAITFORONE, NULL);
		int answers = 0;

		for (int i = 0; i < count; i++) {
			size_t length = answer_in_place(datagrams.bytes[i], datagrams.headers[i].msg_len, code);

			if (length > 0) {
				struct mmsghdr header = datagrams.headers[i];

				datagrams.vectors[i].iov_len = length;
				datagrams.headers[answers++] = header;
			}
		}
		for (int sent = 0; sent < answers;) {
			int n = sendmmsg(server, datagrams.headers + sent, (unsigned int)(answers - sent), 0);

			sent += n > 0 ? n : 1;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 4 || parse_hex(argv[3]) < 0) {
		fprintf(stderr, "usage: limit PORT CODE HEX\n");
		return 2;
	}
	int server = open_socket((uint16_t)strtoul(argv[1], NULL, 10));

	if (server < 0) {
		fprintf(stderr, "limit: %s\n", strerror(-server));
		return 1;
	}
	serve(server, (uint8_t)strtoul(argv[2], NULL, 10));
	return 0;
}

/*
 * batch.h - one UDP socket that plays many endpoints: each datagram leaves from a source address of its own
 * (127.1.0.1 and on, by IP_PKTINFO), and what comes back says by its destination whom it is for. So a
 * thousand endpoints share one sendmmsg and one recvmmsg, and the server sees a thousand peers. A protection,
 * where there is one, wraps every datagram that leaves and unwraps every one that comes.
 */
#ifndef BATCH_H
#define BATCH_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "message.h"

#define BATCH_SIZE 64

union packet_info {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct datagrams {
	struct mmsghdr headers[BATCH_SIZE];
	struct iovec vectors[BATCH_SIZE];
	struct sockaddr_in addresses[BATCH_SIZE];
	union packet_info controls[BATCH_SIZE];
	uint8_t bytes[BATCH_SIZE][MESSAGE_BYTES];
};

struct protection {
	/* In front of a message, for what is put there. */
	size_t headroom;
	/* Protects the message of `length` bytes that stands behind the headroom; the length of the datagram. */
	size_t (*seal)(void *context, uint32_t endpoint, uint8_t *datagram, size_t length);
	/* The message in a datagram, in place, and its length; NULL where it is not authentic. */
	const uint8_t *(*open)(void *context, uint32_t endpoint, uint8_t *datagram, size_t *length);
	void *context;
};

struct batch {
	int socket;
	struct sockaddr_in server;
	uint32_t endpoints;
	unsigned int queued;
	uint32_t reserved_for; /* the endpoint of batch_reserve() */
	const struct protection *protection; /* NULL: none */
	struct datagrams out;
	struct datagrams in;
	/* Counted until reset by whoever reads them. */
	uint64_t send_errors;
	uint64_t foreign;
	uint64_t forged;
};

typedef void (*batch_receiver)(void *context, uint32_t endpoint, const uint8_t *bytes, size_t length);

/* 0 or a negative errno. */
int batch_open(struct batch *batch, const struct sockaddr_in *server, uint16_t source_port, uint32_t endpoints);

/* The UDP port of all endpoints, or a negative errno. */
int32_t batch_port(const struct batch *batch);

/* Room for a message from `endpoint`; sent no later than batch_flush(), once its length is told. */
uint8_t *batch_reserve(struct batch *batch, uint32_t endpoint);
void batch_commit(struct batch *batch, size_t length);
void batch_flush(struct batch *batch);

/* Takes in what has arrived; waits up to `wait_ms` where there is nothing. The number of datagrams. */
int batch_receive(struct batch *batch, int wait_ms);

/* Hands over the `count` datagrams that batch_receive() took in. */
void batch_deliver(struct batch *batch, int count, batch_receiver receiver, void *context);

#endif

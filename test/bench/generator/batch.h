/*
 * batch.h - one UDP socket that plays many endpoints: each datagram leaves from a source address of its own
 * (127.1.0.1 and on, by IP_PKTINFO), and what comes back says by its destination whom it is for. So a
 * thousand endpoints share one sendmmsg and one recvmmsg, and the server sees a thousand peers.
 */
#ifndef BATCH_H
#define BATCH_H

#include <netinet/in.h>
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

struct batch {
	int socket;
	struct sockaddr_in server;
	uint32_t endpoints;
	unsigned int queued;
	struct datagrams out;
	struct datagrams in;
	/* Counted until reset by whoever reads them. */
	uint64_t send_errors;
	uint64_t foreign;
};

typedef void (*batch_receiver)(void *context, uint32_t endpoint, const uint8_t *bytes, size_t length);

/* 0 or a negative errno. */
int batch_open(struct batch *batch, const struct sockaddr_in *server, uint32_t endpoints);

/* Room for a message from `endpoint`; sent no later than batch_flush(), once its length is told. */
uint8_t *batch_reserve(struct batch *batch, uint32_t endpoint);
void batch_commit(struct batch *batch, size_t length);
void batch_flush(struct batch *batch);

/* Takes in what has arrived; waits up to `wait_ms` where there is nothing. The number of datagrams. */
int batch_receive(struct batch *batch, int wait_ms);

/* Hands over the `count` datagrams that batch_receive() took in. */
void batch_deliver(struct batch *batch, int count, batch_receiver receiver, void *context);

#endif

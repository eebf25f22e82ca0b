#include "batch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define FIRST_SOURCE 0x7f010001u /* 127.1.0.1 */
#define SOCKET_BUFFER_BYTES (16 << 20)

static void prepare(struct datagrams *datagrams)
{
	for (int i = 0; i < BATCH_SIZE; i++) {
		struct msghdr *header = &datagrams->headers[i].msg_hdr;

		datagrams->vectors[i] = (struct iovec){.iov_base = datagrams->bytes[i], .iov_len = MESSAGE_BYTES};
		header->msg_name = &datagrams->addresses[i];
		header->msg_namelen = sizeof(datagrams->addresses[i]);
		header->msg_iov = &datagrams->vectors[i];
		header->msg_iovlen = 1;
		header->msg_control = datagrams->controls[i].bytes;
		header->msg_controllen = sizeof(datagrams->controls[i].bytes);
	}
}

int32_t batch_port(const struct batch *batch)
{
	struct sockaddr_in own;
	socklen_t length = sizeof(own);

	return getsockname(batch->socket, (struct sockaddr *)&own, &length) < 0 ? -errno : ntohs(own.sin_port);
}

int batch_open(struct batch *batch, const struct sockaddr_in *server, uint16_t source_port, uint32_t endpoints)
{
	const int on = 1;
	const int buffer = SOCKET_BUFFER_BYTES;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(source_port)};

	memset(batch, 0, sizeof(*batch));
	batch->server = *server;
	batch->endpoints = endpoints;
	batch->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (batch->socket < 0) {
		return -errno;
	}
	/* Smaller buffers lose datagrams, which the report shows. Beyond the system's limit only root may go. */
	if (setsockopt(batch->socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0) {
		(void)setsockopt(batch->socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	}
	(void)setsockopt(batch->socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (setsockopt(batch->socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
	    bind(batch->socket, (const struct sockaddr *)&any, sizeof(any)) < 0) {
		return -errno;
	}
	prepare(&batch->out);
	prepare(&batch->in);
	for (int i = 0; i < BATCH_SIZE; i++) {
		struct cmsghdr *control = &batch->out.controls[i].header;

		batch->out.addresses[i] = *server;
		control->cmsg_level = IPPROTO_IP;
		control->cmsg_type = IP_PKTINFO;
		control->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
	}
	return 0;
}

uint8_t *batch_reserve(struct batch *batch, uint32_t endpoint)
{
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(FIRST_SOURCE + endpoint)};

	if (batch->queued == BATCH_SIZE) {
		batch_flush(batch);
	}
	memcpy(CMSG_DATA(&batch->out.controls[batch->queued].header), &info, sizeof(info));
	batch->reserved_for = endpoint;
	return batch->out.bytes[batch->queued] + (batch->protection == NULL ? 0 : batch->protection->headroom);
}

void batch_commit(struct batch *batch, size_t length)
{
	const struct protection *protection = batch->protection;

	if (protection != NULL) {
		length = protection->seal(protection->context, batch->reserved_for, batch->out.bytes[batch->queued], length);
	}
	batch->out.vectors[batch->queued].iov_len = length;
	batch->queued++;
}

void batch_flush(struct batch *batch)
{
	unsigned int sent = 0;

	while (sent < batch->queued) {
		int n = sendmmsg(batch->socket, batch->out.headers + sent, batch->queued - sent, 0);

		if (n > 0) {
			sent += (unsigned int)n;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			struct pollfd writable = {.fd = batch->socket, .events = POLLOUT};

			(void)poll(&writable, 1, 10);
		} else if (errno != EINTR) {
			batch->send_errors++;
			sent++; /* given up: its retransmission or timeout is counted */
		}
	}
	batch->queued = 0;
}

/* The endpoint that a datagram was sent to, or -ENOENT. */
static int64_t endpoint_of(const struct batch *batch, struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			uint32_t endpoint = ntohl(info.ipi_addr.s_addr) - FIRST_SOURCE;

			return endpoint < batch->endpoints ? (int64_t)endpoint : -ENOENT;
		}
	}
	return -ENOENT;
}

int batch_receive(struct batch *batch, int wait_ms)
{
	int n = recvmmsg(batch->socket, batch->in.headers, BATCH_SIZE, MSG_DONTWAIT, NULL);

	if (n <= 0 && wait_ms > 0) {
		struct pollfd readable = {.fd = batch->socket, .events = POLLIN};

		(void)poll(&readable, 1, wait_ms);
		n = recvmmsg(batch->socket, batch->in.headers, BATCH_SIZE, MSG_DONTWAIT, NULL);
	}
	return n > 0 ? n : 0;
}

static void deliver(struct batch *batch, int i, uint32_t endpoint, batch_receiver receiver, void *context)
{
	const struct protection *protection = batch->protection;
	const uint8_t *message = batch->in.bytes[i];
	size_t length = batch->in.headers[i].msg_len;

	if (protection != NULL) {
		message = protection->open(protection->context, endpoint, batch->in.bytes[i], &length);
	}
	if (message == NULL) {
		batch->forged++;
	} else {
		receiver(context, endpoint, message, length);
	}
}

void batch_deliver(struct batch *batch, int count, batch_receiver receiver, void *context)
{
	for (int i = 0; i < count; i++) {
		const struct sockaddr_in *from = &batch->in.addresses[i];
		int64_t endpoint = endpoint_of(batch, &batch->in.headers[i].msg_hdr);

		/* RFC 7252 §5.3.2: an answer comes from where the request went. */
		if (endpoint < 0 || from->sin_port != batch->server.sin_port ||
		    from->sin_addr.s_addr != batch->server.sin_addr.s_addr) {
			batch->foreign++;
		} else {
			deliver(batch, i, (uint32_t)endpoint, receiver, context);
		}
		batch->in.headers[i].msg_hdr.msg_namelen = sizeof(batch->in.addresses[i]);
		batch->in.headers[i].msg_hdr.msg_controllen = sizeof(batch->in.controls[i].bytes);
	}
}

/*
 * udp-batch.c - UDP sockets of Linux in batches, for src/transport/udp-batch-socket.ts.
 *
 * One recvmmsg(2) and one call into JavaScript for all datagrams that have come, one call out of JavaScript and
 * one sendmmsg(2) for all replies. It knows addresses and lengths; what a datagram means, which peer it is and
 * what is to happen when one fails is decided in TypeScript. Plain Node-API, so one binary serves every Node.
 *
 * Datagrams cross in two ArrayBuffers that all sockets of a thread share: descriptors of DESCRIPTOR_WORDS
 * 32-bit words each, in the machine's byte order, then the bytes.
 *
 *   word   received                               to be sent
 *   0      where its bytes begin in the buffer    the same
 *   1      how many                               the same
 *   2      FLAG_TRUNCATED or 0                    result: 0, or the errno with which it failed
 *   3      remote port                            the same
 *   4-7    remote address, IPv4 in word 7         the same
 *   8      remote scope (IPv6)                    the same
 *   9      interface it came through              interface of the local address, 0 for any
 *   10-13  address it was sent to                 local address; zeros: the socket's own
 *   14     local address it came to (IPv4)        -
 *
 * Nothing of what JavaScript hands over is trusted: objects are type-tagged, offsets and lengths are checked
 * against the buffer as it is at that moment (it might have been detached).
 *
 * The file is longer than others because everything that moves datagrams stands in it; thread-priority.c, connection-id.c,
 * client-hello-filter.c and aes-ccm.c are compiled with it.
 * Left out: names, other families, errors that arrive by ICMP (IP_RECVERR), and generic segmentation
 * (docs/decisions/0004-native-batch-transport.md).
 */
#define _GNU_SOURCE 1
#define NAPI_VERSION 8
#include <node_api.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aes-ccm.h"
#include "client-hello-filter.h"
#include "connection-id.h"
#include "thread-priority.h"

/*
 * The part of libuv that watches a descriptor. Node-API hands out Node's event loop, but node-api-headers has no
 * uv.h. What stands here is safe to declare: Node exports libuv's functions, libuv keeps its ABI through all of
 * version 1, the structures stay opaque (their size is asked for), and the one number that depends on an
 * enumeration, UV_POLL, is checked by name before it is used.
 */
struct uv_handle_s;
extern size_t uv_handle_size(int type);
extern const char *uv_handle_type_name(int type);
extern void uv_handle_set_data(struct uv_handle_s *handle, void *data);
extern void *uv_handle_get_data(const struct uv_handle_s *handle);
extern int uv_poll_init(struct uv_loop_s *loop, struct uv_handle_s *handle, int fd);
extern int uv_poll_start(struct uv_handle_s *handle, int events,
			 void (*callback)(struct uv_handle_s *handle, int status, int events));
extern void uv_close(struct uv_handle_s *handle, void (*callback)(struct uv_handle_s *handle));
#define UV_POLL 8
#define UV_READABLE 1
#define UV_WRITABLE 2

#define BATCH 64
/* Batches of one socket before the event loop goes on: other sockets and timers wait no longer than that. */
#define ROUNDS 8
#define DESCRIPTOR_WORDS 16
#define MAX_DATAGRAM 65535
/* Not a power of two: slots at multiples of 64 KiB would share the same few lines of the processor's cache. */
#define SLOT_BYTES (65536 + 128)
#define IN_HEAD (BATCH * DESCRIPTOR_WORDS * 4)
#define IN_BYTES (IN_HEAD + BATCH * SLOT_BYTES)
#define OUT_DESCRIPTORS 256
#define OUT_HEAD (OUT_DESCRIPTORS * DESCRIPTOR_WORDS * 4)
#define OUT_BYTES (OUT_HEAD + 256 * 1024)

#define FLAG_TRUNCATED 1
#define OPEN_SHARED 1
#define OPEN_PACKET_INFO 2
#define OPEN_REUSE_PORT 4
#define OPEN_ADOPT 8
#define OPEN_WORDS 10

/* What the JavaScript function of a socket is told. */
enum event { EVENT_RECEIVED, EVENT_WRITABLE, EVENT_ERROR };

#ifndef IP_MULTICAST_ALL
#define IP_MULTICAST_ALL 49
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

static const napi_type_tag udp_tag = { 0x6675f1c09a314d0bULL, 0xa2d5c7e1b6f84903ULL };

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* Scratch of one system call. */
struct messages {
	struct mmsghdr headers[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_in6 addresses[BATCH];
	union control controls[BATCH];
	uint32_t index[BATCH];
};

/* What the sockets of one thread share. */
struct thread {
	struct uv_loop_s *loop;
	napi_ref in;
	napi_ref out;
	struct messages receiving;
	struct messages sending;
};

struct udp {
	napi_env env;
	struct thread *thread;
	struct uv_handle_s *poll;
	napi_ref self;
	napi_ref event;
	napi_async_context context;
	napi_async_cleanup_hook_handle hook;
	int fd;
	/* The object's, the event loop's, and that of a call under way. */
	int owners;
	bool ipv6;
	bool closed;
	bool waiting; /* until it is writable */
};

static void release(struct udp *udp)
{
	if (--udp->owners == 0) {
		free(udp);
	}
}

static napi_value number(napi_env env, int32_t value)
{
	napi_value result = NULL;

	(void)napi_create_int32(env, value, &result);
	return result;
}

/* The buffer's memory; NULL where it is not what it was when it was made. */
static uint8_t *buffer_of(napi_env env, napi_ref reference, size_t expected)
{
	napi_value buffer = NULL;
	void *data = NULL;
	size_t length = 0;

	if (napi_get_reference_value(env, reference, &buffer) != napi_ok || buffer == NULL ||
	    napi_get_arraybuffer_info(env, buffer, &data, &length) != napi_ok || length < expected) {
		return NULL;
	}
	return data;
}

/* The words of an Int32Array with at least `expected` of them; NULL with an exception otherwise. */
static int32_t *words_of(napi_env env, napi_value value, size_t expected)
{
	napi_typedarray_type type;
	bool is_array = false;
	size_t length = 0;
	void *data = NULL;

	if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array ||
	    napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok ||
	    type != napi_int32_array || length < expected || data == NULL) {
		(void)napi_throw_type_error(env, NULL, "an Int32Array that is long enough is needed");
		return NULL;
	}
	return data;
}

/* The socket behind an object of ours; NULL with an exception otherwise. */
static struct udp *udp_of(napi_env env, napi_value object)
{
	void *udp = NULL;
	bool is_ours = false;

	if (napi_check_object_type_tag(env, object, &udp_tag, &is_ours) != napi_ok || !is_ours ||
	    napi_unwrap(env, object, &udp) != napi_ok) {
		bool pending = false;

		if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
			(void)napi_throw_type_error(env, NULL, "not a socket of this module");
		}
		return NULL;
	}
	return udp;
}

static void put_ipv4(int32_t words[4], struct in_addr address)
{
	words[0] = words[1] = words[2] = 0;
	words[3] = (int32_t)ntohl(address.s_addr);
}

static void put_ipv6(int32_t words[4], const struct in6_addr *address)
{
	for (int i = 0; i < 4; i++) {
		uint32_t word;

		memcpy(&word, &address->s6_addr[i * 4], sizeof(word));
		words[i] = (int32_t)ntohl(word);
	}
}

static struct in_addr take_ipv4(const int32_t words[4])
{
	return (struct in_addr){ .s_addr = htonl((uint32_t)words[3]) };
}

static struct in6_addr take_ipv6(const int32_t words[4])
{
	struct in6_addr address;

	for (int i = 0; i < 4; i++) {
		uint32_t word = htonl((uint32_t)words[i]);

		memcpy(&address.s6_addr[i * 4], &word, sizeof(word));
	}
	return address;
}

/* The socket address of a family; its length. */
static socklen_t take_address(bool ipv6, struct sockaddr_in6 *to, const int32_t words[4], uint32_t scope, uint16_t port)
{
	if (ipv6) {
		*to = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(port),
			.sin6_addr = take_ipv6(words),
			.sin6_scope_id = scope,
		};
		return sizeof(struct sockaddr_in6);
	}

	struct sockaddr_in ipv4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = take_ipv4(words),
	};
	memcpy(to, &ipv4, sizeof(ipv4));
	return sizeof(ipv4);
}

/* Calls the JavaScript function of a socket. What it throws is thrown where no one can catch it. */
static void tell(struct udp *udp, enum event event, int32_t value)
{
	napi_env env = udp->env;
	napi_value self = NULL;
	napi_value function = NULL;
	napi_value arguments[2] = { number(env, event), number(env, value) };
	napi_value thrown = NULL;

	if (arguments[0] == NULL || arguments[1] == NULL ||
	    napi_get_reference_value(env, udp->self, &self) != napi_ok ||
	    napi_get_reference_value(env, udp->event, &function) != napi_ok) {
		return;
	}
	if (napi_make_callback(env, udp->context, self, function, 2, arguments, NULL) == napi_pending_exception &&
	    napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
		(void)napi_fatal_exception(env, thrown);
	}
}

static void put_control(int32_t *words, struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(part), sizeof(info));
			words[9] = info.ipi_ifindex;
			put_ipv4(words + 10, info.ipi_addr);
			words[14] = (int32_t)ntohl(info.ipi_spec_dst.s_addr);
		} else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(part), sizeof(info));
			words[9] = (int32_t)info.ipi6_ifindex;
			put_ipv6(words + 10, &info.ipi6_addr);
		}
	}
}

/* Describes what recvmmsg has put into the buffer. */
static void describe(uint8_t *buffer, struct messages *messages, int count)
{
	for (int i = 0; i < count; i++) {
		struct msghdr *message = &messages->headers[i].msg_hdr;
		int32_t words[DESCRIPTOR_WORDS] = { 0 };

		words[0] = IN_HEAD + i * SLOT_BYTES;
		words[1] = (int32_t)messages->headers[i].msg_len;
		words[2] = (message->msg_flags & MSG_TRUNC) != 0 ? FLAG_TRUNCATED : 0;
		if (message->msg_namelen >= sizeof(struct sockaddr_in6)) {
			const struct sockaddr_in6 *from = &messages->addresses[i];

			words[3] = ntohs(from->sin6_port);
			put_ipv6(words + 4, &from->sin6_addr);
			words[8] = (int32_t)from->sin6_scope_id;
		} else {
			struct sockaddr_in from;

			memcpy(&from, &messages->addresses[i], sizeof(from));
			words[3] = ntohs(from.sin_port);
			put_ipv4(words + 4, from.sin_addr);
		}
		put_control(words, message);
		memcpy(buffer + i * (int)sizeof(words), words, sizeof(words));
	}
}

static void receive(struct udp *udp)
{
	struct messages *messages = &udp->thread->receiving;
	int count = BATCH;

	for (int round = 0; round < ROUNDS && count == BATCH && !udp->closed; round++) {
		napi_handle_scope scope = NULL;

		if (napi_open_handle_scope(udp->env, &scope) != napi_ok) {
			return;
		}
		uint8_t *buffer = buffer_of(udp->env, udp->thread->in, IN_BYTES);

		for (int i = 0; i < BATCH && buffer != NULL; i++) {
			messages->vectors[i] = (struct iovec){
				.iov_base = buffer + IN_HEAD + (size_t)i * SLOT_BYTES,
				.iov_len = MAX_DATAGRAM,
			};
			messages->headers[i].msg_hdr = (struct msghdr){
				.msg_name = &messages->addresses[i],
				.msg_namelen = sizeof(messages->addresses[i]),
				.msg_iov = &messages->vectors[i],
				.msg_iovlen = 1,
				.msg_control = &messages->controls[i],
				.msg_controllen = sizeof(messages->controls[i]),
			};
		}
		count = buffer == NULL ? -1 : recvmmsg(udp->fd, messages->headers, BATCH, MSG_DONTWAIT, NULL);
		if (count > 0) {
			describe(buffer, messages, count);
			tell(udp, EVENT_RECEIVED, count);
		} else if (buffer == NULL) {
			tell(udp, EVENT_ERROR, EFAULT);
		} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			tell(udp, EVENT_ERROR, errno);
		}
		(void)napi_close_handle_scope(udp->env, scope);
	}
}

static void on_poll(struct uv_handle_s *handle, int status, int events);

/* 0, or a negative errno. */
static int watch(struct udp *udp, bool writable)
{
	udp->waiting = writable;
	return uv_poll_start(udp->poll, UV_READABLE | (writable ? UV_WRITABLE : 0), on_poll);
}

static void on_poll(struct uv_handle_s *handle, int status, int events)
{
	struct udp *udp = uv_handle_get_data(handle);
	napi_handle_scope scope = NULL;

	udp->owners++;
	if (napi_open_handle_scope(udp->env, &scope) == napi_ok) {
		if (status < 0) {
			tell(udp, EVENT_ERROR, -status);
		} else {
			if ((events & UV_WRITABLE) != 0 && udp->waiting) {
				(void)watch(udp, false);
				tell(udp, EVENT_WRITABLE, 0);
			}
			receive(udp);
		}
		(void)napi_close_handle_scope(udp->env, scope);
	}
	release(udp);
}

static void on_closed(struct uv_handle_s *handle)
{
	struct udp *udp = uv_handle_get_data(handle);

	free(handle);
	(void)napi_remove_async_cleanup_hook(udp->hook);
	release(udp);
}

static void shut(struct udp *udp)
{
	if (udp->closed) {
		return;
	}
	udp->closed = true;
	uv_close(udp->poll, on_closed); /* stops watching at once */
	(void)close(udp->fd);
	(void)napi_async_destroy(udp->env, udp->context);
	(void)napi_delete_reference(udp->env, udp->event);
	(void)napi_delete_reference(udp->env, udp->self);
}

/* The thread ends, or the process. */
static void on_cleanup(napi_async_cleanup_hook_handle handle, void *data)
{
	(void)handle;
	shut(data);
}

static void on_collected(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	release(data);
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/*
 * Takes a socket that this process was started with, bound and set up by whoever held it: hold(). The process that had it before
 * may have ended in the middle of a flood.
 */
static int adopt_socket(bool ipv6, int fd)
{
	int domain = 0;
	int type = 0;
	socklen_t length = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		return -errno;
	}
	if (domain != (ipv6 ? AF_INET6 : AF_INET) || type != SOCK_DGRAM) {
		return -EINVAL;
	}
	(void)admit_hellos(fd, ALL_HELLOS, ALL_HELLOS);
	return fd;
}

/* Binds a socket as the words say. */
static int bind_socket(bool ipv6, const int32_t words[OPEN_WORDS])
{
	struct sockaddr_in6 address;
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return -errno;
	}
	int error = ipv6 ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;

	/* Only groups that this socket has joined, on the interfaces where it has; older kernels lack the IPv6 one. */
	(void)(ipv6 ? set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0) : set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0));
	/* RFC 6864 §4.1: what is never cut into fragments needs no identification, which costs a twentieth of a request. */
	if (!ipv6) {
		(void)set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	}
	if (error == 0 && (words[2] & OPEN_SHARED) != 0) {
		error = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	}
	if (error == 0 && (words[2] & OPEN_REUSE_PORT) != 0) {
		error = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	}
	if (error == 0 && (words[2] & OPEN_PACKET_INFO) != 0) {
		error = ipv6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, words[3]) < 0) {
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, words[3]);
	}
	if (error == 0) {
		socklen_t length = take_address(ipv6, &address, words + 4, (uint32_t)words[8], (uint16_t)words[1]);

		error = bind(fd, (const struct sockaddr *)&address, length) < 0 ? -errno : 0;
	}
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	return fd;
}

/* A socket as the words say; writes its port and the receive buffer granted back into them. */
static int open_socket(bool ipv6, int32_t words[OPEN_WORDS])
{
	int granted = 0;
	struct sockaddr_in6 address;
	socklen_t length = sizeof(address);
	int fd = (words[2] & OPEN_ADOPT) != 0 ? adopt_socket(ipv6, words[9]) : bind_socket(ipv6, words);

	if (fd < 0) {
		return fd;
	}
	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		int error = -errno;

		(void)close(fd);
		return error;
	}
	words[1] = ntohs(address.sin6_port); /* at the same place in both families */
	length = sizeof(granted);
	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length);
	words[3] = granted / 2; /* Linux reports the double of what can be used: socket(7) */
	return fd;
}

/* The socket's half of libuv and Node-API. 0, or an errno with everything undone but the object. */
static int attach(struct udp *udp, napi_value object, napi_value function)
{
	napi_env env = udp->env;
	napi_value name = NULL;

	udp->poll = calloc(1, uv_handle_size(UV_POLL));
	if (udp->poll == NULL) {
		return ENOMEM;
	}
	int error = uv_poll_init(udp->thread->loop, udp->poll, udp->fd);

	if (error != 0) {
		free(udp->poll);
		return -error;
	}
	/* From here on there is a handle, which only the event loop can give back: on_closed. */
	uv_handle_set_data(udp->poll, udp);
	udp->owners++;
	if (napi_add_async_cleanup_hook(env, on_cleanup, udp, &udp->hook) == napi_ok &&
	    napi_create_reference(env, object, 1, &udp->self) == napi_ok &&
	    napi_create_reference(env, function, 1, &udp->event) == napi_ok &&
	    napi_create_string_utf8(env, "funcoap:udp", NAPI_AUTO_LENGTH, &name) == napi_ok &&
	    napi_async_init(env, object, name, &udp->context) == napi_ok) {
		error = watch(udp, false);
		if (error == 0) {
			return 0;
		}
	}
	shut(udp);
	return error == 0 ? ENOMEM : -error;
}

/* Whether the words say something that can be tried. */
static bool are_options(const int32_t words[OPEN_WORDS])
{
	return (words[0] == 4 || words[0] == 6) && words[1] >= 0 && words[1] <= 65535 && words[3] >= 0;
}

/* hold(options: Int32Array): the descriptor of a socket that nobody reads here, or a negative errno */
static napi_value hold(napi_env env, napi_callback_info info)
{
	napi_value argument = NULL;
	size_t count = 1;

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) {
		return NULL;
	}
	int32_t *words = words_of(env, argument, OPEN_WORDS);

	if (words == NULL) {
		return NULL;
	}
	return number(env, are_options(words) ? open_socket(words[0] == 6, words) : -EINVAL);
}

/* open(options: Int32Array, event: (event, value) => void): a socket, or a negative errno */
static napi_value open_udp(napi_env env, napi_callback_info info)
{
	napi_value arguments[2] = { NULL, NULL };
	size_t count = 2;
	void *thread = NULL;
	napi_valuetype type = napi_undefined;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, &thread) != napi_ok) {
		return NULL;
	}
	int32_t *words = words_of(env, arguments[0], OPEN_WORDS);

	if (words == NULL) {
		return NULL;
	}
	if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
		(void)napi_throw_type_error(env, NULL, "a function is needed");
		return NULL;
	}
	if (!are_options(words)) {
		return number(env, -EINVAL);
	}
	struct udp *udp = calloc(1, sizeof(*udp));
	napi_value object = NULL;

	if (udp == NULL) {
		return number(env, -ENOMEM);
	}
	*udp = (struct udp){ .env = env, .thread = thread, .owners = 1, .ipv6 = words[0] == 6 };
	udp->fd = open_socket(udp->ipv6, words);
	if (udp->fd < 0) {
		int error = udp->fd;

		free(udp);
		return number(env, error);
	}
	if (napi_create_object(env, &object) != napi_ok ||
	    napi_wrap(env, object, udp, on_collected, NULL, NULL) != napi_ok) {
		(void)close(udp->fd);
		free(udp);
		return NULL;
	}
	/* From here on the object owns it. */
	int error = napi_type_tag_object(env, object, &udp_tag) == napi_ok ? attach(udp, object, arguments[1]) : ENOMEM;

	if (error != 0) {
		if (!udp->closed) {
			udp->closed = true;
			(void)close(udp->fd);
		}
		return number(env, -error);
	}
	return object;
}

/* The local address that a datagram is to leave from. */
static void take_control(bool ipv6, const int32_t *words, union control *control, struct msghdr *message)
{
	if ((words[10] | words[11] | words[12] | words[13]) == 0) {
		return;
	}
	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	message->msg_controllen = ipv6 ? CMSG_SPACE(sizeof(struct in6_pktinfo)) : CMSG_SPACE(sizeof(struct in_pktinfo));
	struct cmsghdr *part = CMSG_FIRSTHDR(message);

	if (ipv6) {
		struct in6_pktinfo info = { .ipi6_addr = take_ipv6(words + 10), .ipi6_ifindex = (uint32_t)words[9] };

		part->cmsg_level = IPPROTO_IPV6;
		part->cmsg_type = IPV6_PKTINFO;
		part->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(part), &info, sizeof(info));
	} else {
		struct in_pktinfo info = { .ipi_spec_dst = take_ipv4(words + 10), .ipi_ifindex = words[9] };

		part->cmsg_level = IPPROTO_IP;
		part->cmsg_type = IP_PKTINFO;
		part->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(part), &info, sizeof(info));
	}
}

static void put_result(uint8_t *buffer, uint32_t at, int32_t error)
{
	memcpy(buffer + (size_t)at * DESCRIPTOR_WORDS * 4 + 2 * 4, &error, sizeof(error));
}

/* Makes messages of descriptors, up to BATCH; refuses in place what does not lie in the buffer. */
static unsigned int compose(struct udp *udp, uint8_t *buffer, uint32_t *at, uint32_t end)
{
	struct messages *messages = &udp->thread->sending;
	unsigned int made = 0;

	for (; *at < end && made < BATCH; ++*at) {
		int32_t words[DESCRIPTOR_WORDS];
		struct msghdr *message = &messages->headers[made].msg_hdr;

		memcpy(words, buffer + (size_t)*at * sizeof(words), sizeof(words));
		bool fits = words[0] >= OUT_HEAD && words[0] <= OUT_BYTES && words[1] >= 0 &&
			    words[1] <= OUT_BYTES - words[0];

		put_result(buffer, *at, 0);
		if (!fits || words[3] < 1 || words[3] > 65535) {
			put_result(buffer, *at, EINVAL);
			continue;
		}
		messages->vectors[made] = (struct iovec){ .iov_base = buffer + words[0], .iov_len = (size_t)words[1] };
		*message = (struct msghdr){
			.msg_name = &messages->addresses[made],
			.msg_iov = &messages->vectors[made],
			.msg_iovlen = 1,
		};
		message->msg_namelen = take_address(udp->ipv6, &messages->addresses[made], words + 4,
						    (uint32_t)words[8], (uint16_t)words[3]);
		take_control(udp->ipv6, words, &messages->controls[made], message);
		messages->index[made++] = *at;
	}
	return made;
}

/* One datagram that is longer than its path takes: in fragments. 1, or -1 with errno. */
static int send_in_fragments(int fd, const struct msghdr *message)
{
	if (set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT) < 0) {
		return -1;
	}
	ssize_t sent = sendmsg(fd, message, MSG_DONTWAIT);
	int error = errno;

	(void)set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	errno = error;
	return sent < 0 ? -1 : 1;
}

/* Sends what the descriptors from `at` to `end` say; the first that has to wait, or `end`. */
static uint32_t send_all(struct udp *udp, uint8_t *buffer, uint32_t at, uint32_t end)
{
	struct messages *messages = &udp->thread->sending;

	while (at < end) {
		unsigned int made = compose(udp, buffer, &at, end);

		for (unsigned int done = 0; done < made;) {
			int sent = sendmmsg(udp->fd, messages->headers + done, made - done, MSG_DONTWAIT);

			if (sent < 0 && errno == EMSGSIZE && !udp->ipv6) {
				sent = send_in_fragments(udp->fd, &messages->headers[done].msg_hdr);
			}
			if (sent > 0) {
				done += (unsigned int)sent;
			} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
				return messages->index[done];
			} else if (errno != EINTR) {
				put_result(buffer, messages->index[done++], errno);
			}
		}
	}
	return end;
}

/*
 * send(socket, first, end): hands the descriptors from `first` up to `end` to the kernel. Returns the first that
 * has to wait until the socket is writable (an event says when), or `end`.
 */
static napi_value send_udp(napi_env env, napi_callback_info info)
{
	napi_value arguments[3] = { NULL, NULL, NULL };
	size_t count = 3;
	uint32_t first = 0;
	uint32_t end = 0;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
		return NULL;
	}
	struct udp *udp = udp_of(env, arguments[0]);

	if (udp == NULL) {
		return NULL;
	}
	if (napi_get_value_uint32(env, arguments[1], &first) != napi_ok ||
	    napi_get_value_uint32(env, arguments[2], &end) != napi_ok || first > end || end > OUT_DESCRIPTORS) {
		(void)napi_throw_range_error(env, NULL, "no such descriptors");
		return NULL;
	}
	uint8_t *buffer = buffer_of(env, udp->thread->out, OUT_BYTES);

	if (udp->closed || buffer == NULL) {
		(void)napi_throw_error(env, "EBADF", "the socket is closed");
		return NULL;
	}
	uint32_t next = send_all(udp, buffer, first, end);

	if (next < end && !udp->waiting) {
		(void)watch(udp, true);
	}
	return number(env, (int32_t)next);
}

/* membership(socket, joins, words: Int32Array): group address and interface; 0, or a negative errno */
static napi_value membership(napi_env env, napi_callback_info info)
{
	napi_value arguments[3] = { NULL, NULL, NULL };
	size_t count = 3;
	bool joins = false;
	int result;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
		return NULL;
	}
	struct udp *udp = udp_of(env, arguments[0]);
	int32_t *words = udp == NULL ? NULL : words_of(env, arguments[2], 5);

	if (words == NULL) {
		return NULL;
	}
	if (napi_get_value_bool(env, arguments[1], &joins) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "true or false is needed");
		return NULL;
	}
	if (udp->closed) {
		return number(env, -EBADF);
	}
	if (udp->ipv6) {
		struct ipv6_mreq request = { .ipv6mr_multiaddr = take_ipv6(words), .ipv6mr_interface = (uint32_t)words[4] };

		result = setsockopt(udp->fd, IPPROTO_IPV6, joins ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &request,
				    sizeof(request));
	} else {
		struct ip_mreqn request = { .imr_multiaddr = take_ipv4(words), .imr_ifindex = words[4] };

		result = setsockopt(udp->fd, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
				    sizeof(request));
	}
	return number(env, result < 0 ? -errno : 0);
}

/* admitHellos(socket, fresh, returning): client-hello-filter.c; 0, or a negative errno */
static napi_value admit(napi_env env, napi_callback_info info)
{
	napi_value arguments[3] = { NULL, NULL, NULL };
	size_t count = 3;
	uint32_t shares[2] = { ALL_HELLOS, ALL_HELLOS };

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) {
		return NULL;
	}
	struct udp *udp = udp_of(env, arguments[0]);

	if (udp == NULL) {
		return NULL;
	}
	for (int i = 0; i < 2; i++) {
		if (napi_get_value_uint32(env, arguments[i + 1], &shares[i]) != napi_ok) {
			(void)napi_throw_type_error(env, NULL, "a number is needed");
			return NULL;
		}
	}
	return number(env, udp->closed ? -EBADF : admit_hellos(udp->fd, shares[0], shares[1]));
}

/* close(socket): at once, and as often as one likes */
static napi_value close_udp(napi_env env, napi_callback_info info)
{
	napi_value argument = NULL;
	size_t count = 1;

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok) {
		struct udp *udp = udp_of(env, argument);

		if (udp != NULL) {
			shut(udp);
		}
	}
	return NULL;
}

/* interfaceIndex(name): 0 where there is none */
static napi_value interface_index(napi_env env, napi_callback_info info)
{
	napi_value argument = NULL;
	size_t count = 1;
	size_t length = 0;
	char name[IF_NAMESIZE * 4] = "";

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) {
		return NULL;
	}
	if (napi_get_value_string_utf8(env, argument, name, sizeof(name), &length) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "a name is needed");
		return NULL;
	}
	return number(env, (int32_t)if_nametoindex(name));
}

/* interfaceName(index): undefined where there is none */
static napi_value interface_name(napi_env env, napi_callback_info info)
{
	napi_value argument = NULL;
	napi_value result = NULL;
	size_t count = 1;
	uint32_t index = 0;
	char name[IF_NAMESIZE] = "";

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) {
		return NULL;
	}
	if (napi_get_value_uint32(env, argument, &index) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "a number is needed");
		return NULL;
	}
	if (if_indextoname(index, name) != NULL) {
		(void)napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &result);
	}
	return result;
}

static void on_thread_end(napi_env env, void *data, void *hint)
{
	struct thread *thread = data;

	(void)hint;
	if (thread->in != NULL) {
		(void)napi_delete_reference(env, thread->in);
	}
	if (thread->out != NULL) {
		(void)napi_delete_reference(env, thread->out);
	}
	free(thread);
}

/* One of the buffers that are shared with JavaScript; made when first asked for: a thread may want other things only. */
static napi_value shared_buffer(napi_env env, napi_ref *reference, size_t length)
{
	napi_value buffer = NULL;
	void *data = NULL;

	if (*reference != NULL) {
		(void)napi_get_reference_value(env, *reference, &buffer);
	} else if (napi_create_arraybuffer(env, length, &data, &buffer) == napi_ok) {
		(void)napi_create_reference(env, buffer, 1, reference);
	}
	return buffer;
}

static napi_value get_incoming(napi_env env, napi_callback_info info)
{
	void *thread = NULL;

	if (napi_get_cb_info(env, info, NULL, NULL, NULL, &thread) != napi_ok) {
		return NULL;
	}
	return shared_buffer(env, &((struct thread *)thread)->in, IN_BYTES);
}

static napi_value get_outgoing(napi_env env, napi_callback_info info)
{
	void *thread = NULL;

	if (napi_get_cb_info(env, info, NULL, NULL, NULL, &thread) != napi_ok) {
		return NULL;
	}
	return shared_buffer(env, &((struct thread *)thread)->out, OUT_BYTES);
}

NAPI_MODULE_INIT()
{
	const char *type = uv_handle_type_name(UV_POLL);
	struct thread *thread = calloc(1, sizeof(*thread));
	if (thread == NULL || type == NULL || strcmp(type, "poll") != 0) {
		free(thread);
		(void)napi_throw_error(env, NULL, "this Node's event loop is not the one that udp-batch.c knows");
		return NULL;
	}
	const napi_property_descriptor functions[] = {
		{ "incoming", NULL, NULL, get_incoming, NULL, NULL, napi_enumerable, thread },
		{ "outgoing", NULL, NULL, get_outgoing, NULL, NULL, napi_enumerable, thread },
		{ "open", NULL, open_udp, NULL, NULL, NULL, napi_default, thread },
		{ "hold", NULL, hold, NULL, NULL, NULL, napi_default, thread },
		{ "divideByConnectionId", NULL, divide_by_connection_id, NULL, NULL, NULL, napi_default, NULL },
		{ "send", NULL, send_udp, NULL, NULL, NULL, napi_default, thread },
		{ "membership", NULL, membership, NULL, NULL, NULL, napi_default, thread },
		{ "admitHellos", NULL, admit, NULL, NULL, NULL, napi_default, thread },
		{ "close", NULL, close_udp, NULL, NULL, NULL, napi_default, thread },
		{ "interfaceIndex", NULL, interface_index, NULL, NULL, NULL, napi_default, thread },
		{ "interfaceName", NULL, interface_name, NULL, NULL, NULL, napi_default, thread },
		{ "lowerPriority", NULL, lower_priority, NULL, NULL, NULL, napi_default, NULL },
	};

	if (napi_set_instance_data(env, thread, on_thread_end, NULL) != napi_ok) {
		free(thread);
		return NULL;
	}
	if (napi_get_uv_event_loop(env, &thread->loop) != napi_ok ||
	    napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions) != napi_ok ||
	    aes_ccm_init(env, exports) != napi_ok) {
		(void)napi_throw_error(env, NULL, "udp-batch.c cannot be set up");
		return NULL;
	}
	return exports;
}

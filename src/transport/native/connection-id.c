/*
 * connection-id.c - has Linux give DTLS records with a Connection ID to the process that made it, wherever they come from.
 *
 * Of the sockets that share an address and a port (SO_REUSEPORT) Linux chooses one by a hash of both addresses; a device that
 * has moved would reach another process, which does not know it. A classic BPF program, attached to any socket of them and in
 * force for all, is asked first: socket(7), SO_ATTACH_REUSEPORT_CBPF. It sees the datagram from its first byte on:
 *
 *     | content type = 25 (tls12_cid) 1 | version 2 | epoch 2 | sequence number 6 | Connection ID ... |     RFC 9146 section 4
 *
 * The first byte of a Connection ID is the number of its process, from 1, and the sockets count from 0 in the order in which they
 * were bound. A number that no socket has makes Linux go by the hash, which is what all other datagrams get: handshakes, records
 * without a Connection ID, and bytes that are too short. Whoever forges the byte chooses a process, as with the choice of a port,
 * and that process drops what is not authentic.
 *
 * Left out: taking the program away again. Part of udp-batch.c's addon.
 */
#define _GNU_SOURCE 1
#define NAPI_VERSION 8
#include <node_api.h>

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "connection-id.h"

#define TLS12_CID 25
#define CONNECTION_ID_AT 11
#define NO_SOCKET 0xffffffff

napi_value divide_by_connection_id(napi_env env, napi_callback_info info)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* Whatever reads beyond the end returns 0, which is a socket. */
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, CONNECTION_ID_AT, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TLS12_CID, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, CONNECTION_ID_AT),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, NO_SOCKET),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	napi_value argument = NULL;
	napi_value result = NULL;
	size_t count = 1;
	int32_t fd = -1;

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) {
		return NULL;
	}
	if (napi_get_value_int32(env, argument, &fd) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "a descriptor is needed");
		return NULL;
	}
	int error = setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0 ? -errno : 0;

	(void)napi_create_int32(env, error, &result);
	return result;
}

/*
 * client-hello-filter.c - has Linux drop a share of the ClientHellos that come to a socket, before they cost its process anything.
 *
 * To be handed a datagram costs half of what answering it does, so a flood is to be dropped before. A classic BPF program that is
 * attached to the socket, for which nobody needs a privilege, is asked about each datagram: socket(7), SO_ATTACH_FILTER. It sees it
 * from the UDP header on, RFC 6347 sections 4.1, 4.2.1 and 4.2.2:
 *
 *     | UDP header 8 | content type = 22 (handshake) 1 | version 2 | epoch = 0 2 | sequence number 6 | length 2 |
 *     | msg_type = 1 (client_hello) 1 | length 3 | message_seq 2 | fragment_offset 3 | fragment_length 3 |
 *     | client_version 2 | random 32 | session_id <0..32> 1+ | cookie <0..255> 1+ | ...
 *
 * A ClientHello whose cookie is as long as ours is `returning`, every other one `fresh`, also where it is cut off. Of either kind a
 * share passes, by a die that Linux casts for each: nobody can tell when to send. Everything else passes. hello-listener.ts in dtls/
 * divides them alike, and says what the shares are.
 *
 * Left out: records behind the first of a datagram, and counting what is dropped (Linux does, with what finds a full buffer: the
 * column `drops` of /proc/net/udp). Part of udp-batch.c's addon.
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "client-hello-filter.h"

#define RECORD_AT 8
#define EPOCH_AT (RECORD_AT + 3)
#define MESSAGE_AT (RECORD_AT + 13)
#define SESSION_ID_AT (MESSAGE_AT + 12 + 2 + 32)
#define HANDSHAKE 22
#define CLIENT_HELLO 1
#define COOKIE_LENGTH 16
#define WHOLE 0xffffffff

/* Where parts of the program begin. */
enum { AT_FRESH = 17, AT_RETURNING = 19, AT_DROP = 21, AT_PASS = 22 };

/* From where it stands to `yes` or to `no`. */
#define BRANCH(at, test, value, yes, no) BPF_JUMP(BPF_JMP | (test), value, (yes) - (at) - 1, (no) - (at) - 1)

int admit_hellos(int fd, uint32_t fresh, uint32_t returning)
{
	/* Whatever reads beyond the end drops the datagram: the length is looked at first. */
	struct sock_filter code[] = {
		/* 0 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 1 */ BRANCH(1, BPF_JGT | BPF_K, MESSAGE_AT, 2, AT_PASS),
		/* 2 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, RECORD_AT),
		/* 3 */ BRANCH(3, BPF_JEQ | BPF_K, HANDSHAKE, 4, AT_PASS),
		/* 4 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, EPOCH_AT),
		/* 5 */ BRANCH(5, BPF_JEQ | BPF_K, 0, 6, AT_PASS),
		/* 6 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, MESSAGE_AT),
		/* 7 */ BRANCH(7, BPF_JEQ | BPF_K, CLIENT_HELLO, 8, AT_PASS),
		/* Where the length of the cookie stands: behind the session ID. */
		/* 8 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 9 */ BRANCH(9, BPF_JGT | BPF_K, SESSION_ID_AT, 10, AT_FRESH),
		/* 10 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SESSION_ID_AT),
		/* 11 */ BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, SESSION_ID_AT + 1),
		/* 12 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
		/* 13 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 14 */ BRANCH(14, BPF_JGT | BPF_X, 0, 15, AT_FRESH),
		/* 15 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		/* 16 */ BRANCH(16, BPF_JEQ | BPF_K, COOKIE_LENGTH, AT_RETURNING, AT_FRESH),
		/* 17 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		/* 18 */ BRANCH(18, BPF_JGT | BPF_K, fresh, AT_DROP, AT_PASS),
		/* 19 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		/* 20 */ BRANCH(20, BPF_JGT | BPF_K, returning, AT_DROP, AT_PASS),
		/* 21 */ BPF_STMT(BPF_RET | BPF_K, 0),
		/* 22 */ BPF_STMT(BPF_RET | BPF_K, WHOLE),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	const int none = 0;

	if (fresh < ALL_HELLOS || returning < ALL_HELLOS) {
		return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
	}
	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) < 0 && errno != ENOENT ? -errno : 0;
}

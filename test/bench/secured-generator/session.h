/*
 * session.h - records of an established session under AES-128-CCM_8 (RFC 6347 §4.1, RFC 6655 §3).
 *
 *     | type 1 | version 2 | epoch 2 | sequence 6 | length 2 | explicit nonce 8 | ciphertext | tag 8 |
 *
 * A session is its keys and its next number, so that a hundred thousand fit beside the server that is measured;
 * OpenSSL's own take 50 kB each. Left out: the receive window, as nobody attacks a load generator.
 */
#ifndef SESSION_H
#define SESSION_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_HEADROOM 21 /* record header and explicit nonce */
#define SESSION_KEY_BYTES 16
#define SESSION_SALT_BYTES 4

enum record_type { RECORD_ALERT = 21, RECORD_APPLICATION_DATA = 23 };

struct direction {
	uint8_t key[SESSION_KEY_BYTES];
	uint8_t salt[SESSION_SALT_BYTES];
};

struct session {
	struct direction write;
	struct direction read;
	uint64_t sequence;
	bool established;
};

/* One of each for all sessions: to set a key takes less time than memory that is not at hand. */
struct ciphers {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

/* 0; -ENOMEM. */
int ciphers_open(struct ciphers *ciphers);

/* Seals the `length` bytes behind the headroom, in place; the length of the record, 0 where it fails. */
size_t session_seal(struct session *session, const struct ciphers *ciphers, enum record_type type, uint8_t *record,
		    size_t length);

/* The application data in a datagram of one record, in place, and its length; NULL where there is none. */
const uint8_t *session_open(const struct session *session, const struct ciphers *ciphers, uint8_t *record,
			    size_t *length);

#endif

#include "session.h"

#include <errno.h>
#include <string.h>

#define HEADER_BYTES 13
#define EXPLICIT_BYTES 8
#define TAG_BYTES 8
#define NONCE_BYTES (SESSION_SALT_BYTES + EXPLICIT_BYTES)

static EVP_CIPHER_CTX *context_open(int encrypts)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	if (context != NULL && EVP_CipherInit_ex(context, EVP_aes_128_ccm(), NULL, NULL, NULL, encrypts) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, NONCE_BYTES, NULL) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, NULL) == 1) {
		return context;
	}
	EVP_CIPHER_CTX_free(context);
	return NULL;
}

int ciphers_open(struct ciphers *ciphers)
{
	ciphers->seal = context_open(1);
	ciphers->open = context_open(0);
	return ciphers->seal == NULL || ciphers->open == NULL ? -ENOMEM : 0;
}

static void write_uint(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	}
}

/* RFC 5246 §6.2.3.3: epoch and number, which lead the header here, then type, version, length of the content. */
static void write_additional(uint8_t *additional, const uint8_t *record, size_t length)
{
	memcpy(additional, record + 3, 8);
	memcpy(additional + 8, record, 3);
	write_uint(additional + 11, length, 2);
}

static void write_nonce(uint8_t *nonce, const struct direction *direction, const uint8_t *explicit_part)
{
	memcpy(nonce, direction->salt, SESSION_SALT_BYTES);
	memcpy(nonce + SESSION_SALT_BYTES, explicit_part, EXPLICIT_BYTES);
}

size_t session_seal(struct session *session, const struct ciphers *ciphers, enum record_type type, uint8_t *record,
		    size_t length)
{
	uint8_t *text = record + SESSION_HEADROOM;
	uint8_t additional[HEADER_BYTES];
	uint8_t nonce[NONCE_BYTES];
	int written;

	record[0] = (uint8_t)type;
	write_uint(record + 1, 0xfefd, 2);
	write_uint(record + 3, 1, 2);
	write_uint(record + 5, session->sequence++, 6);
	write_uint(record + 11, EXPLICIT_BYTES + length + TAG_BYTES, 2);
	memcpy(record + HEADER_BYTES, record + 3, EXPLICIT_BYTES);
	write_additional(additional, record, length);
	write_nonce(nonce, &session->write, record + HEADER_BYTES);
	if (EVP_EncryptInit_ex(ciphers->seal, NULL, NULL, session->write.key, nonce) != 1 ||
	    EVP_EncryptUpdate(ciphers->seal, NULL, &written, NULL, (int)length) != 1 ||
	    EVP_EncryptUpdate(ciphers->seal, NULL, &written, additional, sizeof(additional)) != 1 ||
	    EVP_EncryptUpdate(ciphers->seal, text, &written, text, (int)length) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ciphers->seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + length) != 1) {
		return 0;
	}
	return SESSION_HEADROOM + length + TAG_BYTES;
}

const uint8_t *session_open(const struct session *session, const struct ciphers *ciphers, uint8_t *record,
			    size_t *length)
{
	uint8_t *text = record + SESSION_HEADROOM;
	uint8_t additional[HEADER_BYTES];
	uint8_t nonce[NONCE_BYTES];
	int written;

	if (!session->established || *length < SESSION_HEADROOM + TAG_BYTES ||
	    *length != HEADER_BYTES + ((size_t)record[11] << 8 | record[12]) || record[0] != RECORD_APPLICATION_DATA) {
		return NULL;
	}
	*length -= SESSION_HEADROOM + TAG_BYTES;
	write_additional(additional, record, *length);
	write_nonce(nonce, &session->read, record + HEADER_BYTES);
	if (EVP_CIPHER_CTX_ctrl(ciphers->open, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, text + *length) != 1 ||
	    EVP_DecryptInit_ex(ciphers->open, NULL, NULL, session->read.key, nonce) != 1 ||
	    EVP_DecryptUpdate(ciphers->open, NULL, &written, NULL, (int)*length) != 1 ||
	    EVP_DecryptUpdate(ciphers->open, NULL, &written, additional, sizeof(additional)) != 1 ||
	    EVP_DecryptUpdate(ciphers->open, text, &written, text, (int)*length) != 1) {
		return NULL;
	}
	return text;
}

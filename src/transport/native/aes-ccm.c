/*
 * aes-ccm.c - AES-128-CCM with 12-byte nonces (RFC 3610; RFC 6655 for tags of 8 bytes), by the OpenSSL that is in Node.
 *
 * node:crypto makes a context for each record, which takes longer than the encryption; here two per length of tag serve
 * all keys, so a DTLS session is no more than its keys. Part of udp-batch.c's addon.
 *
 * All that a call needs lies in one Uint8Array, at most MAX_BYTES of text:
 *
 *     | key 16 | nonce 12 | - 4 | additional data ... | text ..., tag 8 or 16 |
 *     0        16         28    AAD_AT                TEXT_AT
 *
 * Left out: other keys and nonces, and GCM, of which node:crypto's own context takes no longer.
 */
#define NAPI_VERSION 8
#include "aes-ccm.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The part of OpenSSL's EVP that it needs. node-api-headers has no OpenSSL, and what stands here has kept its form
 * since 1.0.1. Node exports it; where one does not (weak), or where it computes something else than the example of
 * test_example(), there is no ccmSeal() and the gateway composes CCM itself.
 */
struct evp_cipher_ctx_st;
struct evp_cipher_st;
#define WEAK __attribute__((weak))
extern struct evp_cipher_ctx_st *EVP_CIPHER_CTX_new(void) WEAK;
extern void EVP_CIPHER_CTX_free(struct evp_cipher_ctx_st *context) WEAK;
extern int EVP_CIPHER_CTX_ctrl(struct evp_cipher_ctx_st *context, int type, int argument, void *pointer) WEAK;
extern const struct evp_cipher_st *EVP_aes_128_ccm(void) WEAK;
extern int EVP_CipherInit_ex(struct evp_cipher_ctx_st *context, const struct evp_cipher_st *type, void *engine,
			     const uint8_t *key, const uint8_t *iv, int encrypts) WEAK;
extern int EVP_CipherUpdate(struct evp_cipher_ctx_st *context, uint8_t *out, int *written, const uint8_t *in,
			    int length) WEAK;
extern int CRYPTO_memcmp(const void *a, const void *b, size_t length) WEAK;
extern void ERR_clear_error(void) WEAK;
#define EVP_CTRL_AEAD_SET_IVLEN 0x9
#define EVP_CTRL_AEAD_GET_TAG 0x10
#define EVP_CTRL_AEAD_SET_TAG 0x11

#define NONCE_AT 16
#define NONCE_BYTES 12
#define AAD_AT 32
#define TEXT_AT 320
#define MAX_BYTES 18432
#define SHORT_TAG 8
#define LONG_TAG 16

/* Of one thread, as an addon has one environment for each. */
struct ccm {
	struct evp_cipher_ctx_st *seal[2]; /* by length of tag: short, long */
	struct evp_cipher_ctx_st *open[2];
};

static struct evp_cipher_ctx_st *new_context(int tag_length, bool encrypts)
{
	struct evp_cipher_ctx_st *context = EVP_CIPHER_CTX_new();

	if (context != NULL && EVP_CipherInit_ex(context, EVP_aes_128_ccm(), NULL, NULL, NULL, encrypts) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, NONCE_BYTES, NULL) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_length, NULL) == 1) {
		return context;
	}
	EVP_CIPHER_CTX_free(context);
	return NULL;
}

/* Key, nonce, length of the text, additional data: in the order in which CCM wants them. */
static bool begin(struct evp_cipher_ctx_st *context, const uint8_t *bytes, int aad_length, int length)
{
	int written;

	return EVP_CipherInit_ex(context, NULL, NULL, bytes, bytes + NONCE_AT, -1) == 1 &&
	       EVP_CipherUpdate(context, NULL, &written, NULL, length) == 1 &&
	       EVP_CipherUpdate(context, NULL, &written, bytes + AAD_AT, aad_length) == 1;
}

/* Encrypts the text in place and puts `tag`, which may lie behind it. */
static bool seal(struct evp_cipher_ctx_st *context, uint8_t *bytes, int aad_length, int length, uint8_t *tag,
		 int tag_length)
{
	int written;

	return begin(context, bytes, aad_length, length) &&
	       EVP_CipherUpdate(context, bytes + TEXT_AT, &written, bytes + TEXT_AT, length) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_length, tag) == 1;
}

/* Decrypts the text in place; OpenSSL compares tags in constant time and wipes what is not authentic. */
static bool open_sealed(struct evp_cipher_ctx_st *context, uint8_t *bytes, int aad_length, int length, int tag_length)
{
	int written;
	uint8_t *text = bytes + TEXT_AT;

	return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_length, text + length) == 1 &&
	       begin(context, bytes, aad_length, length) &&
	       EVP_CipherUpdate(context, text, &written, text, length) == 1;
}

static bool open_any(const struct ccm *ccm, uint8_t *bytes, int aad_length, int length, int tag_length)
{
	uint8_t tag[LONG_TAG];

	if (length > 0) {
		return open_sealed(ccm->open[tag_length == LONG_TAG], bytes, aad_length, length, tag_length);
	}
	/* Of nothing, OpenSSL need not look at the tag: it is made anew. */
	return seal(ccm->seal[tag_length == LONG_TAG], bytes, aad_length, 0, tag, tag_length) &&
	       CRYPTO_memcmp(tag, bytes + TEXT_AT, (size_t)tag_length) == 0;
}

struct request {
	uint8_t *bytes;
	int32_t aad_length;
	int32_t length;
	int32_t tag_length;
	struct ccm *ccm;
};

/* False where the arguments are not (Uint8Array, length of additional data, of text, of tag), all within bounds. */
static bool read_request(napi_env env, napi_callback_info info, struct request *request)
{
	napi_value arguments[4];
	size_t count = 4;
	napi_typedarray_type type;
	size_t room;
	void *bytes = NULL;
	void *data = NULL;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok || count != 4 ||
	    napi_get_typedarray_info(env, arguments[0], &type, &room, &bytes, NULL, NULL) != napi_ok ||
	    napi_get_value_int32(env, arguments[1], &request->aad_length) != napi_ok ||
	    napi_get_value_int32(env, arguments[2], &request->length) != napi_ok ||
	    napi_get_value_int32(env, arguments[3], &request->tag_length) != napi_ok) {
		return false;
	}
	request->bytes = bytes;
	request->ccm = data;
	return type == napi_uint8_array && bytes != NULL && room >= TEXT_AT + MAX_BYTES + LONG_TAG &&
	       request->aad_length > 0 && request->aad_length <= TEXT_AT - AAD_AT && request->length >= 0 &&
	       request->length <= MAX_BYTES && (request->tag_length == SHORT_TAG || request->tag_length == LONG_TAG);
}

static napi_value answer(napi_env env, bool done)
{
	napi_value result = NULL;

	if (!done) {
		ERR_clear_error(); /* or node:crypto takes it for its own */
	}
	(void)napi_get_boolean(env, done, &result);
	return result;
}

static napi_value ccm_seal(napi_env env, napi_callback_info info)
{
	struct request request;

	return answer(env, read_request(env, info, &request) &&
				   seal(request.ccm->seal[request.tag_length == LONG_TAG], request.bytes,
					request.aad_length, request.length,
					request.bytes + TEXT_AT + request.length, request.tag_length));
}

static napi_value ccm_open(napi_env env, napi_callback_info info)
{
	struct request request;

	return answer(env, read_request(env, info, &request) && open_any(request.ccm, request.bytes, request.aad_length,
									 request.length, request.tag_length));
}

/*
 * Seals and opens an example for both lengths of tag, opens no forgery of it, and compares with what was computed
 * elsewhere: key 00..0f, nonce 10..1b, additional data 20..2c, text 30..47.
 */
static bool test_example(const struct ccm *ccm)
{
	static const uint8_t tags[2][LONG_TAG] = {
		{ 0xd7, 0x9f, 0xf6, 0x33, 0xbe, 0xc6, 0x9f, 0xab },
		{ 0xdc, 0x43, 0xc3, 0x16, 0x74, 0xf1, 0xc9, 0xf4, 0xcb, 0xab, 0x8b, 0xdc, 0xda, 0xb3, 0x9a, 0x0d }
	};
	static const uint8_t ciphertext[] = {
		0x13, 0x84, 0x8b, 0x93, 0x76, 0xc1, 0x1b, 0x85, 0x32, 0x95, 0x45, 0xfb,
		0x48, 0x59, 0xe5, 0xb9, 0x3b, 0xf6, 0x90, 0xf4, 0x71, 0x02, 0x4c, 0x6c
	};
	const int aad_length = 13;
	const int length = sizeof(ciphertext);
	uint8_t bytes[TEXT_AT + sizeof(ciphertext) + LONG_TAG];
	bool right = true;

	for (int i = 0; i < 2; i++) {
		const int tag_length = i == 0 ? SHORT_TAG : LONG_TAG;

		for (int at = 0; at < NONCE_AT; at++) {
			bytes[at] = (uint8_t)at;
			bytes[NONCE_AT + at] = (uint8_t)(0x10 + at);
			bytes[AAD_AT + at] = (uint8_t)(0x20 + at);
		}
		for (int at = 0; at < length; at++) {
			bytes[TEXT_AT + at] = (uint8_t)(0x30 + at);
		}
		right = right && seal(ccm->seal[i], bytes, aad_length, length, bytes + TEXT_AT + length, tag_length) &&
			memcmp(bytes + TEXT_AT, ciphertext, sizeof(ciphertext)) == 0 &&
			memcmp(bytes + TEXT_AT + length, tags[i], (size_t)tag_length) == 0 &&
			open_any(ccm, bytes, aad_length, length, tag_length) && bytes[TEXT_AT] == 0x30;
		memcpy(bytes + TEXT_AT, ciphertext, sizeof(ciphertext));
		bytes[TEXT_AT + length] ^= 1;
		right = right && !open_any(ccm, bytes, aad_length, length, tag_length) &&
			!open_any(ccm, bytes, aad_length, 0, tag_length);
	}
	ERR_clear_error();
	return right;
}

static void free_ccm(void *data)
{
	struct ccm *ccm = data;

	for (int i = 0; i < 2; i++) {
		EVP_CIPHER_CTX_free(ccm->seal[i]);
		EVP_CIPHER_CTX_free(ccm->open[i]);
	}
	free(ccm);
}

static bool is_exported(void)
{
	return EVP_CIPHER_CTX_new != NULL && EVP_CIPHER_CTX_free != NULL && EVP_CIPHER_CTX_ctrl != NULL &&
	       EVP_aes_128_ccm != NULL && EVP_CipherInit_ex != NULL && EVP_CipherUpdate != NULL &&
	       CRYPTO_memcmp != NULL && ERR_clear_error != NULL;
}

napi_status aes_ccm_init(napi_env env, napi_value exports)
{
	struct ccm *ccm = is_exported() ? calloc(1, sizeof(*ccm)) : NULL;

	if (ccm == NULL) {
		return napi_ok;
	}
	bool usable = true;

	for (int i = 0; i < 2; i++) {
		ccm->seal[i] = new_context(i == 0 ? SHORT_TAG : LONG_TAG, true);
		ccm->open[i] = new_context(i == 0 ? SHORT_TAG : LONG_TAG, false);
		usable = usable && ccm->seal[i] != NULL && ccm->open[i] != NULL;
	}
	if (!usable || !test_example(ccm) || napi_add_env_cleanup_hook(env, free_ccm, ccm) != napi_ok) {
		free_ccm(ccm);
		return napi_ok;
	}
	const napi_property_descriptor functions[] = {
		{ "ccmSeal", NULL, ccm_seal, NULL, NULL, NULL, napi_default, ccm },
		{ "ccmOpen", NULL, ccm_open, NULL, NULL, NULL, napi_default, ccm },
	};

	return napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions);
}

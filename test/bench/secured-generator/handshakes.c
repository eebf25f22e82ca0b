#include "handshakes.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <string.h>

#include "../generator/load.h"

#define RANDOM_BYTES 32
#define MASTER_BYTES 48
#define KEY_BLOCK_BYTES (2 * (SESSION_KEY_BYTES + SESSION_SALT_BYTES))
#define PSK_BYTES 64
#define MTU_BYTES 1400
#define WAIT_MS 5
#define SCAN_INTERVAL_NS 50000000ull
/* Beyond what OpenSSL may have used for repeated flights. */
#define FIRST_SEQUENCE 64

/* Of the one endpoint that all sessions authenticate as. */
static struct {
	char identity[128];
	uint8_t key[PSK_BYTES];
	unsigned int length;
} psk;

static unsigned int give_psk(SSL *ssl, const char *hint, char *identity, unsigned int most_identity, unsigned char *key,
			     unsigned int most_key)
{
	(void)ssl;
	(void)hint;
	if (strlen(psk.identity) >= most_identity || psk.length > most_key) {
		return 0;
	}
	strcpy(identity, psk.identity);
	memcpy(key, psk.key, psk.length);
	return psk.length;
}

/* "IDENTITY:HEX" */
static int parse_psk(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon == NULL ? 0 : (size_t)(colon - text);

	if (length == 0 || length >= sizeof(psk.identity)) {
		return -EINVAL;
	}
	memcpy(psk.identity, text, length);
	for (const char *hex = colon + 1; *hex != '\0'; hex += 2) {
		unsigned int byte;

		if (psk.length == sizeof(psk.key) || sscanf(hex, "%2x", &byte) != 1) {
			return -EINVAL;
		}
		psk.key[psk.length++] = (uint8_t)byte;
	}
	return 0;
}

/* NULL where the credentials cannot be read. */
static SSL_CTX *open_context(const struct options *options)
{
	SSL_CTX *context = SSL_CTX_new(DTLS_client_method());
	const char *suites = options->psk != NULL ? "PSK-AES128-CCM8" : "ECDHE-ECDSA-AES128-CCM8";
	bool usable = context != NULL && SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1;

	if (!usable) {
		return NULL;
	}
	/* Tags of 8 bytes are below OpenSSL's default level. */
	SSL_CTX_set_security_level(context, 0);
	(void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	usable = SSL_CTX_set_cipher_list(context, suites) == 1;
	if (options->psk != NULL) {
		SSL_CTX_set_psk_client_callback(context, give_psk);
		usable = usable && parse_psk(options->psk) == 0;
	} else {
		usable = usable && SSL_CTX_use_certificate_chain_file(context, options->certificate) == 1 &&
			 SSL_CTX_use_PrivateKey_file(context, options->private_key, SSL_FILETYPE_PEM) == 1;
	}
	if (usable) {
		return context;
	}
	SSL_CTX_free(context);
	return NULL;
}

int handshakes_open(struct handshakes *handshakes, const struct options *options, struct batch *batch,
		    struct session *sessions)
{
	bool given = options->psk != NULL || (options->certificate != NULL && options->private_key != NULL);

	handshakes->batch = batch;
	handshakes->endpoints = options->endpoints;
	handshakes->in_flight = options->in_flight < HANDSHAKES_MAX_IN_FLIGHT ? options->in_flight : HANDSHAKES_MAX_IN_FLIGHT;
	handshakes->endless = options->handshakes;
	handshakes->sessions = sessions;
	handshakes->context = given ? open_context(options) : NULL;
	if (handshakes->context == NULL) {
		fprintf(stderr, "generator: needs --psk IDENTITY:HEX, or --certificate and --private-key that can be read\n");
		return -EINVAL;
	}
	return ciphers_open(&handshakes->ciphers);
}

/* The key block of TLS 1.2 (RFC 5246 §6.3): for AEAD keys and salts, the client's first. */
static int derive_keys(SSL *ssl, uint8_t *block)
{
	uint8_t master[MASTER_BYTES];
	uint8_t client[RANDOM_BYTES];
	uint8_t server[RANDOM_BYTES];
	size_t length = KEY_BLOCK_BYTES;
	size_t have = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof(master)) +
		      SSL_get_client_random(ssl, client, sizeof(client)) + SSL_get_server_random(ssl, server, sizeof(server));
	EVP_PKEY_CTX *prf = EVP_PKEY_CTX_new_id(EVP_PKEY_TLS1_PRF, NULL);
	bool derived = have == MASTER_BYTES + 2 * RANDOM_BYTES && prf != NULL && EVP_PKEY_derive_init(prf) == 1 &&
		       EVP_PKEY_CTX_set_tls1_prf_md(prf, EVP_sha256()) == 1 &&
		       EVP_PKEY_CTX_set1_tls1_prf_secret(prf, master, sizeof(master)) == 1 &&
		       EVP_PKEY_CTX_add1_tls1_prf_seed(prf, (const uint8_t *)"key expansion", 13) == 1 &&
		       EVP_PKEY_CTX_add1_tls1_prf_seed(prf, server, sizeof(server)) == 1 &&
		       EVP_PKEY_CTX_add1_tls1_prf_seed(prf, client, sizeof(client)) == 1 &&
		       EVP_PKEY_derive(prf, block, &length) == 1;

	EVP_PKEY_CTX_free(prf);
	return derived ? 0 : -EIO;
}

static int take_keys(struct session *session, SSL *ssl)
{
	uint8_t block[KEY_BLOCK_BYTES];

	if (derive_keys(ssl, block) < 0) {
		return -EIO;
	}
	memcpy(session->write.key, block, SESSION_KEY_BYTES);
	memcpy(session->read.key, block + SESSION_KEY_BYTES, SESSION_KEY_BYTES);
	memcpy(session->write.salt, block + 2 * SESSION_KEY_BYTES, SESSION_SALT_BYTES);
	memcpy(session->read.salt, block + 2 * SESSION_KEY_BYTES + SESSION_SALT_BYTES, SESSION_SALT_BYTES);
	session->sequence = FIRST_SEQUENCE;
	session->established = true;
	return 0;
}

/* All that OpenSSL has to say, as one datagram: its flights are small. */
static void flush_attempt(struct handshakes *handshakes, struct attempt *attempt)
{
	char *bytes;
	long length = BIO_get_mem_data(attempt->out, &bytes);

	if (length > 0 && length <= MESSAGE_BYTES) {
		memcpy(batch_reserve(handshakes->batch, attempt->endpoint), bytes, (size_t)length);
		batch_commit(handshakes->batch, (size_t)length);
	}
	(void)BIO_reset(attempt->out);
}

static void begin(struct handshakes *handshakes, struct attempt *attempt)
{
	attempt->ssl = SSL_new(handshakes->context);
	attempt->in = BIO_new(BIO_s_mem());
	attempt->out = BIO_new(BIO_s_mem());
	/* Nothing to read is not the end. */
	BIO_set_mem_eof_return(attempt->in, -1);
	SSL_set_bio(attempt->ssl, attempt->in, attempt->out);
	(void)SSL_set_mtu(attempt->ssl, MTU_BYTES);
	SSL_set_connect_state(attempt->ssl);
	attempt->began_at = clock_nanoseconds();
	handshakes->sessions[attempt->endpoint].established = false;
	handshakes->under_way++;
	(void)SSL_do_handshake(attempt->ssl);
	flush_attempt(handshakes, attempt);
}

/* RFC 5246 §7.2.1, so that the server has the session no longer than the measurement needs it. */
static void say_goodbye(struct handshakes *handshakes, uint32_t endpoint)
{
	uint8_t *record = batch_reserve(handshakes->batch, endpoint);

	record[SESSION_HEADROOM] = 1;
	record[SESSION_HEADROOM + 1] = 0;
	batch_commit(handshakes->batch,
		     session_seal(&handshakes->sessions[endpoint], &handshakes->ciphers, RECORD_ALERT, record, 2));
	handshakes->sessions[endpoint].established = false;
}

/* The attempt's next endpoint, from `endpoint` on, that is to have a session. */
static void begin_next(struct handshakes *handshakes, struct attempt *attempt, uint32_t endpoint)
{
	while (endpoint < handshakes->endpoints && !handshakes->endless && handshakes->sessions[endpoint].established) {
		endpoint += handshakes->in_flight;
	}
	if (endpoint >= handshakes->endpoints && handshakes->endless) {
		endpoint %= handshakes->in_flight;
	}
	if (endpoint < handshakes->endpoints) {
		attempt->endpoint = endpoint;
		begin(handshakes, attempt);
	}
}

static void finish(struct handshakes *handshakes, struct attempt *attempt, bool established)
{
	uint32_t next = attempt->endpoint + handshakes->in_flight;
	bool done = established && take_keys(&handshakes->sessions[attempt->endpoint], attempt->ssl) == 0;

	handshakes->done += done;
	handshakes->failed += !done;
	SSL_free(attempt->ssl);
	attempt->ssl = NULL;
	handshakes->under_way--;
	if (done) {
		histogram_add(&handshakes->latency, clock_nanoseconds() - attempt->began_at);
	}
	if (done && handshakes->endless) {
		say_goodbye(handshakes, attempt->endpoint);
	}
	begin_next(handshakes, attempt, next);
}

static void go_on(struct handshakes *handshakes, struct attempt *attempt)
{
	int rc = SSL_do_handshake(attempt->ssl);
	bool waits = rc != 1 && SSL_get_error(attempt->ssl, rc) == SSL_ERROR_WANT_READ;

	flush_attempt(handshakes, attempt);
	if (!waits) {
		ERR_clear_error();
		finish(handshakes, attempt, rc == 1);
	}
}

static void take(void *context, uint32_t endpoint, const uint8_t *bytes, size_t length)
{
	struct handshakes *handshakes = context;
	struct attempt *attempt = &handshakes->attempts[endpoint % handshakes->in_flight];

	/* What else there is answers a farewell, or repeats what has come. */
	if (attempt->ssl != NULL && attempt->endpoint == endpoint) {
		(void)BIO_write(attempt->in, bytes, (int)length);
		go_on(handshakes, attempt);
	}
}

static void scan(struct handshakes *handshakes)
{
	for (uint32_t i = 0; i < handshakes->in_flight; i++) {
		struct attempt *attempt = &handshakes->attempts[i];

		if (attempt->ssl != NULL && DTLSv1_handle_timeout(attempt->ssl) > 0) {
			handshakes->repeated++;
			flush_attempt(handshakes, attempt);
		}
	}
}

void handshakes_start(struct handshakes *handshakes)
{
	for (uint32_t i = 0; i < handshakes->in_flight; i++) {
		begin_next(handshakes, &handshakes->attempts[i], i);
	}
	batch_flush(handshakes->batch);
}

bool handshakes_turn(struct handshakes *handshakes)
{
	int count = batch_receive(handshakes->batch, WAIT_MS);
	uint64_t now = clock_nanoseconds();

	batch_deliver(handshakes->batch, count, take, handshakes);
	if (now - handshakes->last_scan > SCAN_INTERVAL_NS) {
		handshakes->last_scan = now;
		scan(handshakes);
	}
	batch_flush(handshakes->batch);
	return handshakes->under_way > 0;
}

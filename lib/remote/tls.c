#include "tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls {
	SSL_CTX *context;
	SSL *ssl;
};

/* The reason that OpenSSL noted first, or what the certificate lacks. */
static int fail(dpc_error *err, const SSL *ssl, const char *what)
{
	long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	unsigned long code = ERR_get_error();
	const char *reason = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
	                     : code               ? ERR_reason_error_string(code)
	                                          : NULL;
	ERR_clear_error();
	return dpc__fail(err, DPC_E_IO, "TLS: %s: %s", what, reason ? reason : "the connection broke off");
}

/* SSL_write has no MSG_NOSIGNAL: a BIO of our own does what the plain channel does. */
static int bio_write(BIO *b, const char *data, int size)
{
	ssize_t n = send((int)(intptr_t)BIO_get_data(b), data, (size_t)size, MSG_NOSIGNAL);
	BIO_clear_retry_flags(b);
	if (n < 0 && BIO_sock_should_retry((int)n))
		BIO_set_retry_write(b);
	return (int)n;
}

static int bio_read(BIO *b, char *data, int size)
{
	ssize_t n = recv((int)(intptr_t)BIO_get_data(b), data, (size_t)size, 0);
	BIO_clear_retry_flags(b);
	if (n < 0 && BIO_sock_should_retry((int)n))
		BIO_set_retry_read(b);
	return (int)n;
}

static long bio_control(BIO *b, int command, long number, void *pointer)
{
	(void)b;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
	if (!method)
		return;
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_control);
}

static BIO *carry(int fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_method);
	BIO *b = method ? BIO_new(method) : NULL;
	if (b) {
		BIO_set_data(b, (void *)(intptr_t)fd); // NOLINT(performance-no-int-to-ptr)
		BIO_set_init(b, 1);
	}
	return b;
}

static int prepare(struct tls *t, const char *ca, dpc_error *err)
{
	t->context = SSL_CTX_new(TLS_client_method());
	if (!t->context)
		return fail(err, NULL, "cannot begin");
	SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION);
	SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (ca ? SSL_CTX_load_verify_file(t->context, ca) : SSL_CTX_set_default_verify_paths(t->context))
		return DPC_OK;
	return fail(err, NULL, ca ? ca : "the system's certificates");
}

static bool is_address(const char *host)
{
	unsigned char any[16];
	return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

static int attach(struct tls *t, int fd, const char *host, dpc_error *err)
{
	t->ssl = SSL_new(t->context);
	BIO *b = t->ssl ? carry(fd) : NULL;
	if (!b)
		return fail(err, NULL, "cannot begin");
	SSL_set_bio(t->ssl, b, b);
	SSL_set_connect_state(t->ssl);
	bool named = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host)
	                              : SSL_set1_host(t->ssl, host) && SSL_set_tlsext_host_name(t->ssl, host);
	return named ? DPC_OK : fail(err, NULL, "cannot name the host");
}

int tls_begin(struct tls **out, int fd, const char *host, const char *ca, dpc_error *err)
{
	struct tls *t = calloc(1, sizeof *t);
	*out = t;
	if (!t)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	int rc = prepare(t, ca, err);
	return rc == DPC_OK ? attach(t, fd, host, err) : rc;
}

void tls_end(struct tls *t)
{
	SSL_free(t->ssl);
	SSL_CTX_free(t->context);
	free(t);
}

static ssize_t outcome(struct tls *t, int n, short *events, dpc_error *err)
{
	*events = 0;
	if (n > 0)
		return n;
	switch (SSL_get_error(t->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		*events = POLLIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*events = POLLOUT;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		fail(err, t->ssl, "the server's certificate or answer is not good");
		return -1;
	}
}

static int at_once(size_t size)
{
	return size < 1 << 30 ? (int)size : 1 << 30;
}

ssize_t tls_read(struct tls *t, void *data, size_t size, short *events, dpc_error *err)
{
	ERR_clear_error();
	return outcome(t, SSL_read(t->ssl, data, at_once(size)), events, err);
}

ssize_t tls_write(struct tls *t, const void *data, size_t size, short *events, dpc_error *err)
{
	ERR_clear_error();
	return outcome(t, SSL_write(t->ssl, data, at_once(size)), events, err);
}

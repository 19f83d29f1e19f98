#include "memcached_link.h"

#include "breaker.h"
#include "clock.h"
#include "idle.h"
#include "os.h"
#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t SECOND = 1000000000;

enum { PORT = 11211, MOST_SERVERS = 64, MOST_PINGS = 100 * MOST_SERVERS };

/* --- names --- */

void mc_name(char out[MC_NAME], const struct mc_link *l, const char *word)
{
	const struct slice *ns = &l->home->net.ns;
	snprintf(out, MC_NAME, "dpc:%.*s:%s", (int)ns->size, (const char *)ns->data, word);
}

void mc_key(char out[MC_NAME], const struct mc_link *l, const struct digest *key, const char *kind)
{
	char hex[DIGEST_HEX], word[MC_NAME / 2];
	digest_hex(hex, key);
	snprintf(word, sizeof word, "%s:%s", hex, kind);
	mc_name(out, l, word);
}

/* --- numbers and times --- */

uint64_t mc_number(const struct mc_item *item)
{
	char text[24] = "";
	if (item->data.size < sizeof text)
		memcpy(text, item->data.size ? (const char *)item->data.data : "", item->data.size);
	return strtoull(text, NULL, 10);
}

/* A second is over with the server's next tick, which may come at once: hence one more. */
time_t mc_expiry(int64_t ns)
{
	if (ns == DPC_FOREVER)
		return MC_FOREVER;
	int64_t seconds = ns / SECOND + (ns % SECOND != 0) + 1;
	return seconds <= MC_MONTH ? seconds : clock_wall_ns() / SECOND + seconds;
}

/* --- connecting --- */

static uint64_t milliseconds(int64_t ns)
{
	int64_t ms = (ns + 999999) / 1000000;
	return ms > INT32_MAX / 1000 ? INT32_MAX / 1000 : (uint64_t)ms;
}

static void configure(memcached_st *mc, const struct net *n)
{
	uint64_t ms = milliseconds(n->io_timeout);
	const struct {
		memcached_behavior_t what;
		uint64_t value;
	} wanted[] = {
	    {MEMCACHED_BEHAVIOR_KETAMA, 1},
	    {MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1},
	    {MEMCACHED_BEHAVIOR_NO_BLOCK, 0},
	    {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
	    {MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms},
	    {MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms},
	    {MEMCACHED_BEHAVIOR_SND_TIMEOUT, ms * 1000},
	    {MEMCACHED_BEHAVIOR_RCV_TIMEOUT, ms * 1000},
	    {MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0},
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		memcached_behavior_set(mc, wanted[i].what, wanted[i].value);
}

static memcached_st *make(const struct net *n)
{
	char host[NET_TEXT];
	struct slice hosts = n->hosts;
	int port;
	memcached_st *mc = memcached_create(NULL);
	if (!mc)
		return NULL;
	configure(mc, n);
	while (net_next_host(host, &port, &hosts, PORT))
		if (memcached_server_add(mc, host, (in_port_t)port) != MEMCACHED_SUCCESS) {
			memcached_free(mc);
			return NULL;
		}
	return mc;
}

/* Those that are a parent's are the parent's still: freeing them would say good-bye for it. */
static void drop(struct mc_link *l)
{
	if (l->mc && l->process == process_number())
		memcached_free(l->mc);
	l->mc = NULL;
	l->connected = l->proven = 0;
	l->epoch++;
}

static int mend(struct mc_link *l, dpc_error *err)
{
	if (l->mc)
		return DPC_OK;
	l->process = process_number();
	l->mc = make(&l->home->net);
	return l->mc ? DPC_OK : dpc__fail(err, DPC_E_MEMORY, "out of memory");
}

int mc_link_open(struct mc_link **out, const struct home *h, dpc_error *err)
{
	struct mc_link *l = idle_take(h->place);
	if (!l && !(l = calloc(1, sizeof *l)))
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	l->home = h;
	l->proven = 0;
	int rc = mend(l, err);
	if (rc == DPC_OK && memcached_server_count(l->mc) > MOST_SERVERS)
		rc = dpc__fail(err, DPC_E_USAGE, "the store's URL memcached:… names more than %d servers",
		               MOST_SERVERS);
	if (rc == DPC_OK) {
		*out = l;
	} else {
		drop(l);
		free(l);
	}
	return rc;
}

void mc_link_close(struct mc_link *l)
{
	uint64_t place = l->home->place;
	l->home = NULL;
	if (l->mc && l->process == process_number() && idle_give(l, place))
		return;
	drop(l);
	free(l);
}

/* --- asking --- */

/* A question, and what came of it. */
struct exchange {
	const struct mc_new *item;
	uint64_t cas;
	uint32_t by;
	struct mc_item *got;
	uint64_t number;
};

typedef memcached_return_t ask_fn(memcached_st *mc, struct exchange *q);

/* libmemcached takes the lowest descriptors there are, which are not for us (os.h). */
static int occupy_low(int held[OS_FD_FLOOR])
{
	int n = 0, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd < OS_FD_FLOOR) {
		held[n++] = fd;
		fd = fcntl(held[0], F_DUPFD_CLOEXEC, 0);
	}
	if (fd >= 0)
		close(fd);
	return n;
}

static memcached_return_t ask_server(struct mc_link *l, uint64_t server, ask_fn *ask, struct exchange *q)
{
	int held[OS_FD_FLOOR], n = l->connected & server ? 0 : occupy_low(held);
	memcached_return_t said = ask(l->mc, q);
	while (n)
		close(held[--n]);
	return said;
}

enum answer_kind { DONE, OTHERWISE, REFUSED, FAILED };

static enum answer_kind kind_of(memcached_return_t said)
{
	switch (said) {
	case MEMCACHED_SUCCESS:
	case MEMCACHED_STORED:
	case MEMCACHED_DELETED:
	case MEMCACHED_END:
		return DONE;
	case MEMCACHED_NOTFOUND:
	case MEMCACHED_NOTSTORED:
	case MEMCACHED_DATA_EXISTS:
	case MEMCACHED_DATA_DOES_NOT_EXIST:
		return OTHERWISE;
	case MEMCACHED_E2BIG:
	case MEMCACHED_SERVER_ERROR:
	case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
		return REFUSED;
	default:
		return FAILED;
	}
}

static const char *words_for(memcached_return_t said)
{
	switch (said) {
	case MEMCACHED_E2BIG:
		return "the server takes no item of that size";
	case MEMCACHED_SERVER_ERROR:
		return "the server says that it failed";
	case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
		return "the server is full";
	case MEMCACHED_HOST_LOOKUP_FAILURE:
		return "the host is not known";
	case MEMCACHED_CONNECTION_FAILURE:
		return "cannot connect";
	case MEMCACHED_TIMEOUT:
		return "does not answer in time";
	case MEMCACHED_MEMORY_ALLOCATION_FAILURE:
		return "out of memory";
	case MEMCACHED_PROTOCOL_ERROR:
	case MEMCACHED_CLIENT_ERROR:
	case MEMCACHED_ERROR:
	case MEMCACHED_UNKNOWN_READ_FAILURE:
		return "does not speak memcached's protocol";
	default:
		return "the connection is lost";
	}
}

static int name_server(const struct mc_link *l, unsigned n, const char *why, dpc_error *err)
{
	const memcached_instance_st *at = memcached_server_instance_by_position(l->mc, n);
	return dpc__fail(err, DPC_E_IO, "memcached://%s:%u: %s", memcached_server_name(at),
	                 memcached_server_port(at), why);
}

static int fail(struct mc_link *l, unsigned n, memcached_return_t said, dpc_error *err)
{
	dpc_error why = {.code = DPC_E_IO};
	snprintf(why.message, sizeof why.message, "%s", words_for(said));
	int rc = name_server(l, n, why.message, err);
	if (kind_of(said) == FAILED) {
		breaker_note(l->home, n, &why);
		drop(l);
	}
	return rc;
}

/* Over a connection that has lain idle, whose server may have been restarted or have hung up,
 * once more. Nothing that came over it before is relied upon: see mc_item.epoch. */
static bool is_worth_repeating(const struct mc_link *l, uint64_t server, memcached_return_t said)
{
	return kind_of(said) == FAILED && said != MEMCACHED_TIMEOUT && (l->connected & server) &&
	       !(l->proven & server);
}

static int ask(struct mc_link *l, const char *name, ask_fn *how, struct exchange *q, dpc_error *err)
{
	dpc_error resting = {0};
	int rc = mend(l, err);
	if (rc != DPC_OK)
		return rc;
	unsigned n = memcached_generate_hash(l->mc, name, strlen(name));
	uint64_t server = UINT64_C(1) << n;
	if (!(l->connected & server) && breaker_check(l->home, n, &resting) != DPC_OK)
		return name_server(l, n, resting.message, err);
	memcached_return_t said = ask_server(l, server, how, q);
	if (is_worth_repeating(l, server, said)) {
		drop(l);
		rc = mend(l, err);
		if (rc != DPC_OK)
			return rc;
		said = ask_server(l, server, how, q);
	}
	if (kind_of(said) > OTHERWISE)
		return fail(l, n, said, err);
	if (!(l->connected & server))
		breaker_clear(l->home, n);
	l->connected |= server;
	l->proven |= server;
	return kind_of(said) == DONE ? DPC_OK : DPC_MISS;
}

/* --- questions --- */

static memcached_return_t ask_get(memcached_st *mc, struct exchange *q)
{
	const char *name = q->item->name;
	size_t size = strlen(name);
	bool found = false;
	memcached_result_st r;
	memcached_return_t said = memcached_mget(mc, &name, &size, 1);
	if (said != MEMCACHED_SUCCESS || !memcached_result_create(mc, &r))
		return said != MEMCACHED_SUCCESS ? said : MEMCACHED_MEMORY_ALLOCATION_FAILURE;
	while (memcached_fetch_result(mc, &r, &said)) {
		found = true;
		q->got->data.size = 0;
		buf_put(&q->got->data, memcached_result_value(&r), memcached_result_length(&r));
		q->got->cas = memcached_result_cas(&r);
	}
	memcached_result_free(&r);
	return found || said != MEMCACHED_END ? said : MEMCACHED_NOTFOUND;
}

int mc_get(struct mc_item *out, struct mc_link *l, const char *name, dpc_error *err)
{
	const struct mc_new item = {.name = name};
	struct exchange q = {.item = &item, .got = out};
	int rc = ask(l, name, ask_get, &q, err);
	out->epoch = l->epoch;
	if (rc != DPC_OK)
		out->data.size = 0;
	return rc == DPC_OK && out->data.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : rc;
}

/* What all of libmemcached's functions that store want. */
#define STORED(n) (n)->name, strlen((n)->name), (const char *)(n)->value.data, (n)->value.size, (n)->expiry, 0

static memcached_return_t ask_set(memcached_st *mc, struct exchange *q)
{
	return memcached_set(mc, STORED(q->item));
}

static memcached_return_t ask_add(memcached_st *mc, struct exchange *q)
{
	return memcached_add(mc, STORED(q->item));
}

static memcached_return_t ask_replace(memcached_st *mc, struct exchange *q)
{
	return memcached_cas(mc, STORED(q->item), q->cas);
}

int mc_set(struct mc_link *l, const struct mc_new *n, dpc_error *err)
{
	struct exchange q = {.item = n};
	return ask(l, n->name, ask_set, &q, err);
}

int mc_add(struct mc_link *l, const struct mc_new *n, dpc_error *err)
{
	struct exchange q = {.item = n};
	return ask(l, n->name, ask_add, &q, err);
}

int mc_replace(struct mc_link *l, const struct mc_new *n, const struct mc_item *old, dpc_error *err)
{
	struct exchange q = {.item = n, .cas = old->cas};
	return old->epoch == l->epoch ? ask(l, n->name, ask_replace, &q, err) : DPC_MISS;
}

int mc_put_number(struct mc_link *l, const char *name, uint64_t value, time_t expiry,
                  const struct mc_item *old, dpc_error *err)
{
	char text[24];
	int size = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	const struct mc_new item = {name, {(const uint8_t *)text, (size_t)size}, expiry};
	return old ? mc_replace(l, &item, old, err) : mc_add(l, &item, err);
}

static memcached_return_t ask_delete(memcached_st *mc, struct exchange *q)
{
	return memcached_delete(mc, q->item->name, strlen(q->item->name), 0);
}

int mc_delete(struct mc_link *l, const char *name, dpc_error *err)
{
	const struct mc_new item = {.name = name};
	struct exchange q = {.item = &item};
	return ask(l, name, ask_delete, &q, err);
}

static memcached_return_t ask_increment(memcached_st *mc, struct exchange *q)
{
	return memcached_increment(mc, q->item->name, strlen(q->item->name), q->by, &q->number);
}

int mc_increment(uint64_t *out, struct mc_link *l, const char *name, uint32_t by, dpc_error *err)
{
	const struct mc_new item = {.name = name};
	struct exchange q = {.item = &item, .by = by};
	int rc = ask(l, name, ask_increment, &q, err);
	*out = q.number;
	return rc;
}

int mc_ping(struct mc_link *l, dpc_error *err)
{
	uint64_t all, asked = 0;
	char name[MC_NAME], word[24];
	int rc = mend(l, err);
	if (rc != DPC_OK)
		return rc;
	all = UINT64_MAX >> (MOST_SERVERS - memcached_server_count(l->mc));
	for (unsigned i = 0; rc >= 0 && asked != all && i < MOST_PINGS; i++) {
		snprintf(word, sizeof word, "ping-%u", i);
		mc_name(name, l, word);
		uint64_t server = UINT64_C(1) << memcached_generate_hash(l->mc, name, strlen(name));
		struct mc_item none = {.cas = 0};
		if (!(asked & server))
			rc = mc_get(&none, l, name, err);
		buf_release(&none.data);
		asked |= server;
	}
	return rc < 0 ? rc : DPC_OK;
}

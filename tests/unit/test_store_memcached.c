/* What is only memcached's among the engines: pieces, several servers, and a lease and its put
 * that rest on CAS. Against real servers, two of its own, which it may end and stop. */
#include "stored.h"

#include "clock.h"

#include <arpa/inet.h>
#include <libmemcached/memcached.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- servers --- */

static struct server {
	pid_t pid;
	int port;
} servers[2];

static struct sockaddr_in at_port(int port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* On a port that was free; *port is which. */
static int listen_somewhere(int *port)
{
	struct sockaddr_in at = at_port(0);
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int connect_to(int port)
{
	struct sockaddr_in at = at_port(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	close(fd);
	return -1;
}

static int be_server(void *context)
{
	char port[8];
	snprintf(port, sizeof port, "%d", *(int *)context);
	execlp("memcached", "memcached", "-u", getuid() ? "nobody" : "root", "-l", "127.0.0.1", "-p", port, NULL);
	return 1;
}

/* Answers at its port, or is gone: then another has that. */
static bool comes_up(const struct server *s)
{
	for (;;) {
		char answer[64] = "", expected[64];
		int fd = connect_to(s->port);
		if (fd >= 0) {
			assert_int_equal(write(fd, "stats\r\n", 7), 7);
			ssize_t n = read(fd, answer, sizeof answer - 1);
			close(fd);
			snprintf(expected, sizeof expected, "STAT pid %d\r\n", (int)s->pid);
			if (n > 0 && strncmp(answer, expected, strlen(expected)) == 0)
				return true;
		}
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			return false;
	}
}

static void start_server(struct server *s, int port)
{
	do {
		s->port = port;
		if (!port)
			close(listen_somewhere(&s->port));
		s->pid = child_start(be_server, &s->port);
	} while (!comes_up(s));
}

static char hosts[64];

static int start_servers(void **state)
{
	(void)state;
	start_server(&servers[0], 0);
	start_server(&servers[1], 0);
	snprintf(hosts, sizeof hosts, "127.0.0.1:%d,127.0.0.1:%d", servers[0].port, servers[1].port);
	return 0;
}

static int end_servers(void **state)
{
	(void)state;
	child_kill(servers[0].pid);
	child_kill(servers[1].pid);
	return 0;
}

static int in_memcached(void **state)
{
	home_engine = ENGINE_MEMCACHED;
	setenv("DPC_TEST_MEMCACHED", hosts, 1);
	return fixture_setup(state);
}

/* --- looking behind it --- */

static memcached_st *beside(void)
{
	memcached_st *m = memcached_create(NULL);
	memcached_behavior_set(m, MEMCACHED_BEHAVIOR_KETAMA, 1);
	for (int i = 0; i < 2; i++)
		memcached_server_add(m, "127.0.0.1", (in_port_t)servers[i].port);
	return m;
}

static const char *name_of(const struct fixture *f, const char *key, const char *kind)
{
	static char name[256];
	char hex[DIGEST_HEX];
	struct digest d = digest_named(key);
	digest_hex(hex, &d);
	snprintf(name, sizeof name, "dpc:%.*s:%s:%s", (int)f->home.net.ns.size, (const char *)f->home.net.ns.data,
	         hex, kind);
	return name;
}

static struct buf raw(memcached_st *m, const char *name)
{
	struct buf b = {0};
	size_t size;
	uint32_t flags;
	memcached_return_t rc;
	char *value = memcached_get(m, name, strlen(name), &size, &flags, &rc);
	buf_put(&b, value, value ? size : 0);
	free(value);
	return b;
}

static void set_raw(memcached_st *m, const char *name, struct slice value)
{
	assert_int_equal(memcached_set(m, name, strlen(name), (const char *)value.data, value.size, 0, 0),
	                 MEMCACHED_SUCCESS);
}

static void drop_raw(memcached_st *m, const char *name)
{
	assert_int_equal(memcached_delete(m, name, strlen(name), 0), MEMCACHED_SUCCESS);
}

/* Of a key's entry, the name of its nth piece: by the id in its front. */
static const char *piece_of(memcached_st *m, const struct fixture *f, const char *key, int n)
{
	char kind[64], hex[DIGEST_HEX];
	struct digest id;
	struct buf front = raw(m, name_of(f, key, "v"));
	assert_true(front.size >= 28);
	memcpy(id.bytes, front.data + 12, sizeof id.bytes);
	buf_release(&front);
	digest_hex(hex, &id);
	snprintf(kind, sizeof kind, "%s:%d", hex, n);
	return name_of(f, key, kind);
}

static bool is_there(memcached_st *m, const char *name)
{
	return memcached_exist(m, name, strlen(name)) == MEMCACHED_SUCCESS;
}

/* --- values in pieces --- */

static uint8_t large[3 << 20];

static void put_large(struct store *s, const char *key, int64_t created)
{
	struct entry_info e = entry(key, created);
	struct buf old = {0};
	fill_noise(large, sizeof large, (uint64_t)created);
	assert_int_equal(store_put(s, &e, (struct slice){large, sizeof large}, &old, NULL), DPC_OK);
}

static int get_large(struct store *s, const char *key, dpc_error *err)
{
	struct digest d = digest_named(key);
	struct buf got = {0}, file = {0};
	int rc = store_get(s, &d, &got, &file, err);
	assert_true(rc != DPC_OK || slice_equal(slice_of_buf(&got), (struct slice){large, sizeof large}));
	assert_true(rc == DPC_OK || got.size == 0);
	buf_release(&got);
	return rc;
}

static void what_is_larger_than_an_item_comes_whole(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest d = digest_named("a");
	struct entry_info there;
	memcached_st *m = beside();
	put_large(&s, "a", 1);
	assert_int_equal(get_large(&s, "a", NULL), DPC_OK);
	assert_true(is_there(m, piece_of(m, f, "a", 1)) && is_there(m, piece_of(m, f, "a", 3)));
	assert_int_equal(store_look(&s, &d, &there, NULL), DPC_OK);
	assert_true(there.cost == 3);
	memcached_free(m);
	store_close(&s);
}

static void a_piece_that_was_dropped_makes_it_a_miss(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	memcached_st *m = beside();
	for (int n = 1; n <= 3; n++) {
		put_large(&s, "a", n);
		drop_raw(m, piece_of(m, f, "a", n));
		assert_int_equal(get_large(&s, "a", NULL), DPC_MISS);
	}
	memcached_free(m);
	store_close(&s);
}

static void a_piece_that_is_another_is_never_a_wrong_answer(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	memcached_st *m = beside();
	dpc_error err = {0};
	put_large(&s, "a", 1);
	struct buf piece = raw(m, piece_of(m, f, "a", 2));
	piece.data[77] ^= 1;
	set_raw(m, piece_of(m, f, "a", 2), slice_of_buf(&piece));
	assert_int_equal(get_large(&s, "a", &err), DPC_E_CORRUPT);
	set_raw(m, piece_of(m, f, "a", 2), (struct slice){piece.data, piece.size - 1});
	assert_int_equal(get_large(&s, "a", NULL), DPC_MISS);
	buf_release(&piece);
	memcached_free(m);
	store_close(&s);
}

static void pieces_go_with_their_entry(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest d = digest_named("a");
	struct buf old = {0};
	char first[256];
	memcached_st *m = beside();
	put_large(&s, "a", 1);
	snprintf(first, sizeof first, "%s", piece_of(m, f, "a", 1));
	put_large(&s, "a", 2);
	assert_false(is_there(m, first));
	snprintf(first, sizeof first, "%s", piece_of(m, f, "a", 1));
	assert_true(is_there(m, first));
	assert_int_equal(store_remove(&s, &d, &old, NULL), DPC_OK);
	assert_false(is_there(m, first));
	memcached_free(m);
	store_close(&s);
}

static void what_is_no_value_of_ours_is_corrupt(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	memcached_st *m = beside();
	static const struct {
		const char *bytes;
		size_t size;
		int rc;
	} wrong[] = {{"hello", 5, DPC_E_CORRUPT},
	             {"", 0, DPC_E_CORRUPT},
	             {"DPM1", 4, DPC_E_CORRUPT},
	             {"DPM9\1\0\0\0\0\0\0\0id is 16 bytes.x", 29, DPC_E_VERSION},
	             {"DPM1\0\0\1\0\0\0\0\0id is 16 bytes.x", 29, DPC_E_CORRUPT},
	             {"DPM1\1\0\0\0\0\0\0\0id is 16 bytes.x", 29, DPC_E_CORRUPT},
	             {"DPM1\0\0\0\0\0\0\0\0id is 16 bytes.", 28, DPC_MISS}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		set_raw(m, name_of(f, "a", "v"), (struct slice){(const uint8_t *)wrong[i].bytes, wrong[i].size});
		assert_int_equal(get_large(&s, "a", NULL), wrong[i].rc);
	}
	memcached_free(m);
	store_close(&s);
}

/* --- servers that fail --- */

/* Some key whose entry is on this server. */
static void key_on(char out[16], const struct fixture *f, const memcached_st *m, uint32_t server)
{
	for (int i = 0;; i++) {
		snprintf(out, 16, "key%d", i);
		const char *name = name_of(f, out, "v");
		if (memcached_generate_hash(m, name, strlen(name)) == server)
			return;
	}
}

static void one_server_that_is_down_leaves_the_other_of_use(void **state)
{
	struct fixture *f = *state;
	char up[16], down[16];
	memcached_st *m = beside();
	struct store s = open_store(f);
	dpc_error err = {0};
	key_on(up, f, m, 0);
	key_on(down, f, m, 1);
	put_inline(&s, up, 1, "up");
	put_inline(&s, down, 1, "down");
	assert_holds(&s, down, "down", NULL);
	child_kill(servers[1].pid);
	for (int i = 0; i < 2; i++) {
		char who[64];
		assert_int_equal(get_large(&s, down, &err), DPC_E_IO);
		snprintf(who, sizeof who, "memcached://127.0.0.1:%d: ", servers[1].port);
		assert_non_null(strstr(err.message, who));
		assert_holds(&s, up, "up", NULL);
		store_close(&s);
		s = open_store(f);
	}
	/* And is left alone for a while. */
	assert_non_null(strstr(err.message, "is asked again in"));
	start_server(&servers[1], servers[1].port);
	unlink(path_at_home(f, "down.1"));
	assert_lacks(&s, down);
	assert_int_equal(store_check(&s, NULL), DPC_OK);
	memcached_free(m);
	store_close(&s);
}

static void one_that_was_restarted_is_asked_over_a_new_connection(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct counters add = {{1, 1, 1, 1, 1, 1, 1, 1}};
	put_inline(&s, "a", 1, "a");
	assert_int_equal(store_count(&s, &add, NULL, 0, NULL), DPC_OK);
	store_close(&s);
	for (int i = 0; i < 2; i++) {
		child_kill(servers[i].pid);
		start_server(&servers[i], servers[i].port);
	}
	s = open_store(f);
	assert_int_equal(store_count(&s, &add, NULL, 0, NULL), DPC_OK);
	assert_lacks(&s, "a");
	put_inline(&s, "a", 2, "b");
	assert_holds(&s, "a", "b", NULL);
	store_close(&s);
}

static void one_that_does_not_answer_is_not_taken_for_a_miss(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	dpc_error err = {0};
	put_inline(&s, "a", 1, "a");
	f->home.net.io_timeout = 50000000;
	store_close(&s);
	kill(servers[0].pid, SIGSTOP);
	kill(servers[1].pid, SIGSTOP);
	s = open_store(f);
	assert_int_equal(get_large(&s, "a", &err), DPC_E_IO);
	assert_non_null(strstr(err.message, "does not answer in time"));
	kill(servers[0].pid, SIGCONT);
	kill(servers[1].pid, SIGCONT);
	store_close(&s);
}

/* --- floor --- */

static const struct remote_ops *remote(void)
{
	return store_engine(ENGINE_MEMCACHED)->remote;
}

static uint64_t floor_of(struct store *s, bool raise)
{
	uint64_t floor = 0;
	assert_int_equal(remote()->floor(&floor, s->self, raise, NULL), DPC_OK);
	return floor;
}

static void the_floor_only_rises(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	memcached_st *m = beside();
	char name[128];
	uint64_t first = floor_of(&s, false);
	assert_true(first <= (uint64_t)clock_wall_ns() / 1000);
	assert_true(floor_of(&s, false) == first);
	uint64_t second = floor_of(&s, true);
	assert_true(second > first && floor_of(&s, false) == second);
	/* Raised by a machine whose clock is ahead. */
	snprintf(name, sizeof name, "dpc:%.*s:floor", (int)f->home.net.ns.size,
	         (const char *)f->home.net.ns.data);
	set_raw(m, name, slice_of("9000000000000000000"));
	assert_true(floor_of(&s, true) == UINT64_C(9000000000000000001));
	/* Lost, it begins at the present. */
	drop_raw(m, name);
	assert_true(floor_of(&s, false) > second && floor_of(&s, false) <= (uint64_t)clock_wall_ns() / 1000);
	memcached_free(m);
	store_close(&s);
}

/* --- leases --- */

static struct grant grant_for(const char *key, char who)
{
	struct grant g = {.key = digest_named(key), .length = INT64_C(10) * 1000000000};
	memset(g.token, who, sizeof g.token - 1);
	return g;
}

static int acquire(struct grant *g, struct store *s)
{
	int64_t left = 0;
	int rc = remote()->acquire(g, &left, s->self, NULL);
	assert_true(rc == DPC_OK || left > 0);
	return rc;
}

static int put_under(struct store *s, const struct grant *g, const char *key, const char *capsule)
{
	struct entry_info e = entry(key, 1);
	struct buf old = {0};
	e.grant = g;
	return store_put(s, &e, slice_of(capsule), &old, NULL);
}

static void a_lease_is_one_holders_until_he_gives_it_back(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct grant a = grant_for("key", 'a'), b = grant_for("key", 'b');
	assert_int_equal(acquire(&a, &s), DPC_OK);
	assert_int_equal(acquire(&b, &s), DPC_MISS);
	assert_int_equal(remote()->renew(&b, s.self, NULL), DPC_MISS);
	assert_int_equal(remote()->release(&b, s.self, NULL), DPC_MISS);
	assert_int_equal(remote()->renew(&a, s.self, NULL), DPC_OK);
	assert_int_equal(remote()->release(&a, s.self, NULL), DPC_OK);
	assert_int_equal(acquire(&b, &s), DPC_OK);
	assert_true(b.fence > a.fence);
	assert_int_equal(remote()->renew(&a, s.self, NULL), DPC_MISS);
	assert_int_equal(remote()->release(&a, s.self, NULL), DPC_MISS);
	assert_int_equal(remote()->renew(&b, s.self, NULL), DPC_OK);
	store_close(&s);
}

static void a_lease_lasts_for_its_length(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct grant a = grant_for("key", 'a'), b = grant_for("key", 'b');
	a.length = 1000000000;
	int64_t start = clock_mono_ns();
	assert_int_equal(acquire(&a, &s), DPC_OK);
	while (acquire(&b, &s) != DPC_OK)
		;
	/* A second, to the server, is over with its next tick. */
	assert_true(clock_mono_ns() - start >= a.length);
	store_close(&s);
}

static void ones_own_lease_is_taken_over_under_a_new_number(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct grant dead = grant_for("key", 'a'), next = grant_for("key", 'a');
	assert_int_equal(acquire(&dead, &s), DPC_OK);
	assert_int_equal(acquire(&next, &s), DPC_OK);
	assert_true(next.fence > dead.fence);
	assert_int_equal(put_under(&s, &dead, "key", "of the dead"), DPC_MISS);
	assert_int_equal(put_under(&s, &next, "key", "of the next"), DPC_OK);
	store_close(&s);
}

/* Closes what its parent has open, and does not use it. */
static int close_in_child(void *context)
{
	store_close(context);
	return 0;
}

static void a_child_leaves_its_parents_connections_alone(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct counters add = {{1, 1, 1, 1, 1, 1, 1, 1}};
	assert_int_equal(store_count(&s, &add, NULL, 0, NULL), DPC_OK);
	assert_int_equal(child_wait(child_start(close_in_child, &s)), 0);
	assert_int_equal(store_count(&s, &add, NULL, 0, NULL), DPC_OK);
	store_close(&s);
}

static void only_who_has_the_lease_puts(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	memcached_st *m = beside();
	struct grant a = grant_for("key", 'a'), b = grant_for("key", 'b');
	assert_int_equal(acquire(&a, &s), DPC_OK);
	assert_int_equal(put_under(&s, &b, "key", "of b"), DPC_MISS);
	assert_lacks(&s, "key");
	assert_int_equal(put_under(&s, &a, "key", "of a"), DPC_OK);
	assert_holds(&s, "key", "of a", NULL);
	/* Under another key, as what was traced. */
	assert_int_equal(put_under(&s, &a, "other", "of a"), DPC_OK);
	drop_raw(m, name_of(f, "key", "l"));
	assert_int_equal(put_under(&s, &a, "key", "late"), DPC_MISS);
	assert_int_equal(put_under(&s, &a, "other", "late"), DPC_MISS);
	assert_holds(&s, "key", "of a", NULL);
	assert_holds(&s, "other", "of a", NULL);
	memcached_free(m);
	store_close(&s);
}

static void who_removes_takes_the_lease_away_and_no_place_that_is_only_held(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct digest d = digest_named("key");
	struct grant a = grant_for("key", 'a'), b = grant_for("key", 'b');
	struct buf old = {0};
	assert_int_equal(put_under(&s, &b, "key", "of b"), DPC_MISS);
	assert_int_equal(acquire(&a, &s), DPC_OK);
	assert_int_equal(store_remove(&s, &d, &old, NULL), DPC_MISS);
	assert_int_equal(put_under(&s, &a, "key", "of a"), DPC_MISS);
	assert_lacks(&s, "key");
	store_close(&s);
}

/* --- held in mid-put --- */

/* Of a put where nothing was: it asks for the entry, adds a placeholder, asks for that and for
 * the lease, and stores. */
enum { STEPS = 5 };

/* Between a client and a server, what the client says is passed on, up to the nth thing, or that
 * it changes an entry: this not before it is let go. */
struct proxy {
	int listener, port, nth;
	struct gate reached, go;
	pid_t pid;
};

static bool pass(int from, int to, struct proxy *hold)
{
	char bytes[65536];
	ssize_t n = read(from, bytes, sizeof bytes);
	if (n <= 0)
		return false;
	if (hold && (--hold->nth == 0 || (hold->nth > 0 && n > 4 && memcmp(bytes, "cas ", 4) == 0))) {
		hold->nth = 0;
		gate_open(&hold->reached);
		gate_wait(&hold->go);
	}
	return write(to, bytes, (size_t)n) == n;
}

static int be_proxy(void *context)
{
	struct proxy *p = context;
	int client = accept(p->listener, NULL, NULL), server = connect_to(servers[0].port);
	struct pollfd fds[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents && !pass(client, server, p))
			return 0;
		if (fds[1].revents && !pass(server, client, NULL))
			return 0;
	}
	return 1;
}

static void start_proxy(struct proxy *p)
{
	p->listener = listen_somewhere(&p->port);
	gate_init(&p->reached);
	gate_init(&p->go);
	p->pid = child_start(be_proxy, p);
	close(p->listener);
}

static struct home home_by(const char *name, int port)
{
	static char urls[4][128];
	static unsigned turn;
	struct home h;
	char *url = urls[turn++ % 4];
	setenv("DPCACHE_DIR", name, 1);
	snprintf(url, sizeof urls[0], "memcached://127.0.0.1:%d?unsigned=1&ns=proxied-%d", port, (int)getpid());
	assert_int_equal(home_locate(&h, url, NULL, NULL), DPC_OK);
	assert_int_equal(home_create(&h, NULL), DPC_OK);
	return h;
}

struct late {
	struct home home;
	struct grant grant;
};

static int put_late(void *context)
{
	struct late *l = context;
	struct store s;
	if (store_open(&s, &l->home, true, NULL) != DPC_OK)
		return 100;
	int rc = put_under(&s, &l->grant, "key", "late");
	store_close(&s);
	return rc == DPC_OK ? 0 : rc == DPC_MISS ? 1 : 2;
}

/* A's put is held before the nth thing that it asks of the server, at the latest before it
 * stores; then `meanwhile` does what it does. Returns how A's put ended: 0 stored, 1 not. */
static int put_around(struct fixture *f, const char *before, int nth,
                      void (*meanwhile)(struct store *s, const struct grant *a))
{
	struct proxy p = {.nth = nth};
	struct late late;
	char name[16];
	struct store s;
	struct home direct = home_by(path_in(f, "direct"), servers[0].port);
	struct digest d = digest_named("key");
	struct buf old = {0};
	assert_int_equal(store_open(&s, &direct, true, NULL), DPC_OK);
	assert_true(store_remove(&s, &d, &old, NULL) >= 0);
	if (before)
		put_inline(&s, "key", 1, before);
	late.grant = grant_for("key", 'a');
	assert_int_equal(acquire(&late.grant, &s), DPC_OK);
	start_proxy(&p);
	snprintf(name, sizeof name, "late-%d", p.port);
	late.home = home_by(path_in(f, name), p.port);
	pid_t pid = child_start(put_late, &late);
	gate_wait(&p.reached);
	meanwhile(&s, &late.grant);
	gate_open(&p.go);
	int rc = child_wait(pid);
	child_kill(p.pid);
	gate_release(&p.reached);
	gate_release(&p.go);
	home_close(&late.home);
	store_close(&s);
	home_close(&direct);
	return rc;
}

/* As if his lease had run out. */
static void lose(struct store *s, const struct grant *g)
{
	assert_int_equal(remote()->release(g, s->self, NULL), DPC_OK);
}

static void take_over_and_store(struct store *s, const struct grant *a)
{
	struct grant b = grant_for("key", 'b');
	lose(s, a);
	assert_int_equal(acquire(&b, s), DPC_OK);
	assert_int_equal(put_under(s, &b, "key", "newer"), DPC_OK);
	assert_int_equal(remote()->release(&b, s->self, NULL), DPC_OK);
}

static void take_away(struct store *s, const struct grant *a)
{
	struct digest d = digest_named("key");
	struct buf old = {0};
	(void)a;
	assert_true(store_remove(s, &d, &old, NULL) >= 0);
}

static void nothing(struct store *s, const struct grant *a)
{
	(void)s;
	(void)a;
}

static void assert_directly(struct fixture *f, const char *capsule)
{
	struct store s;
	struct home direct = home_by(path_in(f, "direct"), servers[0].port);
	assert_int_equal(store_open(&s, &direct, false, NULL), DPC_OK);
	if (capsule)
		assert_holds(&s, "key", capsule, NULL);
	else
		assert_lacks(&s, "key");
	store_close(&s);
	home_close(&direct);
}

static void who_is_held_in_mid_put_stores_if_nothing_happens(void **state)
{
	assert_int_equal(put_around(*state, NULL, STEPS, nothing), 0);
	assert_directly(*state, "late");
}

static void who_is_held_in_mid_put_stores_over_nothing_newer(void **state)
{
	static const char *const before[] = {NULL, "old"};
	for (int i = 0; i < 2 * STEPS; i++) {
		assert_int_equal(put_around(*state, before[i % 2], 1 + i / 2, take_over_and_store), 1);
		assert_directly(*state, "newer");
	}
}

static void who_is_held_in_mid_put_brings_nothing_back_that_was_removed(void **state)
{
	static const char *const before[] = {NULL, "old"};
	for (int i = 0; i < 2 * STEPS; i++) {
		assert_int_equal(put_around(*state, before[i % 2], 1 + i / 2, take_away), 1);
		assert_directly(*state, NULL);
	}
}

/* --- hearing --- */

static void who_listens_hears_of_the_end(void **state)
{
	struct fixture *f = *state;
	struct store s = open_store(f);
	struct grant a = grant_for("key", 'a'), b = grant_for("key", 'b');
	void *ear;
	assert_int_equal(acquire(&a, &s), DPC_OK);
	assert_int_equal(remote()->listen(&ear, &a.key, &f->home, NULL), DPC_OK);
	assert_int_equal(remote()->hear(ear, clock_mono_ns() + 10000000, NULL), DPC_MISS);
	lose(&s, &a);
	assert_int_equal(remote()->hear(ear, DPC_FOREVER, NULL), DPC_OK);
	/* As long as nobody has it there is nothing to wait for. */
	assert_int_equal(remote()->hear(ear, DPC_FOREVER, NULL), DPC_OK);
	/* Whoever has it next was not the one who was waited for; he is from then on. */
	assert_int_equal(acquire(&b, &s), DPC_OK);
	assert_int_equal(remote()->hear(ear, DPC_FOREVER, NULL), DPC_OK);
	assert_int_equal(remote()->hear(ear, clock_mono_ns() + 10000000, NULL), DPC_MISS);
	remote()->close_ear(ear);
	store_close(&s);
}

#define in_both(test) cmocka_unit_test_setup_teardown(test, in_memcached, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    /* First, for only so many connections are kept. */
	    in_both(one_that_was_restarted_is_asked_over_a_new_connection),
	    in_both(what_is_larger_than_an_item_comes_whole),
	    in_both(a_piece_that_was_dropped_makes_it_a_miss),
	    in_both(a_piece_that_is_another_is_never_a_wrong_answer),
	    in_both(pieces_go_with_their_entry),
	    in_both(what_is_no_value_of_ours_is_corrupt),
	    in_both(one_server_that_is_down_leaves_the_other_of_use),
	    in_both(one_that_does_not_answer_is_not_taken_for_a_miss),
	    in_both(the_floor_only_rises),
	    in_both(a_lease_is_one_holders_until_he_gives_it_back),
	    in_both(a_lease_lasts_for_its_length),
	    in_both(ones_own_lease_is_taken_over_under_a_new_number),
	    in_both(a_child_leaves_its_parents_connections_alone),
	    in_both(only_who_has_the_lease_puts),
	    in_both(who_removes_takes_the_lease_away_and_no_place_that_is_only_held),
	    in_both(who_is_held_in_mid_put_stores_if_nothing_happens),
	    in_both(who_is_held_in_mid_put_stores_over_nothing_newer),
	    in_both(who_is_held_in_mid_put_brings_nothing_back_that_was_removed),
	    in_both(who_listens_hears_of_the_end),
	};
	return cmocka_run_group_tests(tests, start_servers, end_servers);
}

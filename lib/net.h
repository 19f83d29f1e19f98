/* What the URL of a network store says, taken apart:
 *
 *   SCHEME://[USER@]HOST[:PORT][,HOST[:PORT]…][/DATABASE][?OPTION=VALUE[&…]]
 *   redis+unix://[USER@]/PATH[?OPTION=VALUE[&…]]
 *   memcached://HOST[:PORT][,HOST[:PORT]…][?OPTION=VALUE[&…]]
 *
 * OPTION is one of
 *   ns         namespace: keys of one do not show in another (default "main")
 *   db         the database's number, where a path stands in its place
 *   lease      for how long a run is its machine's alone without being renewed (10s)
 *   io_timeout for a connection, and for each answer (1s)
 *   l1_ttl     how old what lies on the shelf may get before the server is asked again (1s; of a tier 1m)
 *   read_only  =1: nothing is stored, removed or counted
 *   unsigned   =1: values are not signed, and those without a signature are believed
 *   zstd       level of compression; 0: none (3)
 *   ca         file of certificates that a TLS server's must lead to (the system's)
 *
 * A password stands in the environment or a file, never here. Leaf room: knows
 * nothing of servers. */
#ifndef DPC_NET_H
#define DPC_NET_H

#include "buf.h"
#include "engine.h"
#include "err.h"

enum { NET_TEXT = 256 }; /* longest host, path or other word, with its NUL */

/* Slices are borrowed from the URL. */
struct net {
	struct slice user, hosts, path, ns, ca; /* data NULL: not given */
	int database, zstd;
	int64_t lease, io_timeout, l1_ttl; /* ns */
	bool read_only, unsigned_values, l1_ttl_given;
};

/* `rest` is what stands behind the scheme's colon. DPC_E_USAGE in one line, which tells
 * nothing that could be a password. */
int net_parse(struct net *n, enum engine engine, const char *rest, dpc_error *err);

/* The next of n->hosts: its name, NUL-terminated, and its port, `port` where none is
 * given. `*hosts` moves on. false at the end. */
bool net_next_host(char name[NET_TEXT], int *port, struct slice *hosts, int default_port);

/* Copied, with a NUL. Empty where it was not given. */
void net_text(char out[NET_TEXT], struct slice text);

/* Which server, and what of it: the same for all URLs that lead to the same entries by
 * the same way. Its options aside, for those say only how. */
uint64_t net_place(const struct net *n, enum engine engine);

#endif

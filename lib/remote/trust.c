#include "trust.h"

#include "account.h"
#include "hash.h"
#include "sign.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *nonempty_env(const char *name)
{
	const char *v = getenv(name);
	return v && *v ? v : NULL;
}

/* false where it could be nowhere. */
static bool find_path(char out[PATH_MAX])
{
	const char *file = nonempty_env("DPCACHE_KEY_FILE"), *config = nonempty_env("XDG_CONFIG_HOME");
	const char *home = nonempty_env("HOME");
	int n = -1;
	if (!home)
		home = account_home();
	if (file)
		n = snprintf(out, PATH_MAX, "%s", file);
	else if (config && *config == '/')
		n = snprintf(out, PATH_MAX, "%s/dpcache/key", config);
	else if (home)
		n = snprintf(out, PATH_MAX, "%s/.config/dpcache/key", home);
	return n >= 0 && n < PATH_MAX;
}

int trust_signer(struct signer **out, const struct net *n, dpc_error *err)
{
	char path[PATH_MAX];
	*out = NULL;
	if (n->unsigned_values)
		return DPC_OK;
	if (!find_path(path))
		return dpc__fail(err, DPC_E_USAGE, "no home directory for the key that signs values; set DPCACHE_KEY_FILE");
	int rc = signer_open(out, path, err);
	if (rc != DPC_E_NOTFOUND)
		return rc;
	return dpc__fail(err, DPC_E_USAGE,
	                 "there is no key to sign values with; make one: (umask 077; openssl rand -hex 32 >%s), or add unsigned=1 "
	                 "to the store's URL",
	                 path);
}

static void open_secret(uint8_t out[16], struct slice ns)
{
	static const char DOMAIN[] = "dpcache unsigned 1";
	struct buf b = {0};
	buf_string(&b, DOMAIN);
	buf_field(&b, ns.data, ns.size);
	struct digest d = hash128(b.data, b.size);
	memcpy(out, d.bytes, 16);
	buf_release(&b);
}

int trust_secret(uint8_t out[16], const struct net *n, dpc_error *err)
{
	struct signer *s;
	int rc = trust_signer(&s, n, err);
	if (rc == DPC_OK && s)
		rc = sign_secret(out, s, n->ns, err);
	else if (rc == DPC_OK)
		open_secret(out, n->ns);
	signer_close(s);
	return rc;
}

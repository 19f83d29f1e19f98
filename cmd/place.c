#include "place.h"

#include "cmd.h"
#include "report.h"
#include "stats.h"
#include "value.h"

#include <string.h>

int place_open(struct place *p, const char *url, bool create, dpc_error *err)
{
	*p = (struct place){.home = {.fd = -1}};
	int rc = store_locate(&p->home, url, err);
	if (rc != DPC_OK)
		return rc;
	/* What a server has may have been put there from elsewhere. */
	if (create || p->home.place) {
		rc = home_create(&p->home, err);
		return rc == DPC_OK ? store_join(&p->home, err) : rc;
	}
	rc = home_open(&p->home, err);
	if (rc == DPC_E_CORRUPT)
		return dpc__context(err, rc, "%s (run: dpcache doctor --fix)", p->home.path);
	return rc == DPC_E_NOTFOUND ? DPC_MISS : rc;
}

int place_open_store(struct place *p, const char *url, dpc_error *err)
{
	int rc = place_open(p, url, false, err);
	if (rc == DPC_OK)
		rc = stats_count(&p->home, err);
	return rc == DPC_OK ? store_open(&p->store, &p->home, false, err) : rc;
}

void place_close(struct place *p)
{
	if (p->store.ops)
		store_close(&p->store);
	home_close(&p->home);
}

int place_fail(const dpc_error *err)
{
	report_error("%s", err->message);
	return EXIT_USAGE;
}

int place_check_keys(char **words, dpc_error *err)
{
	for (; *words; words++)
		if (!**words)
			return dpc__fail(err, DPC_E_USAGE, "the key is empty");
	return DPC_OK;
}

int place_keys(struct word_keys *keys, const struct place *p, const char *word, const char *region,
               dpc_error *err)
{
	keys->count = 0;
	if (!region && strlen(word) == DIGEST_HEX - 1 && digest_from_hex(&keys->key[0], word))
		keys->count = 1;
	struct value_name n = {.name = {(const uint8_t *)word, strlen(word)}, .region = region};
	return value_key(&keys->key[keys->count++], &p->home, &n, err);
}

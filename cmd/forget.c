#include "forget.h"

#include "vault.h"

static int forget_word(int *forgotten, const struct place *p, const char *word, const char *region,
                       dpc_error *err)
{
	struct word_keys keys;
	int rc = place_keys(&keys, p, word, region, err);
	if (rc != DPC_OK)
		return rc;
	rc = DPC_MISS;
	for (int i = 0; i < keys.count && rc == DPC_MISS; i++)
		rc = vault_remove(&p->home, &keys.key[i], err);
	*forgotten += rc == DPC_OK;
	return rc;
}

int forget_keys(int *forgotten, const struct place *p, char **words, const char *region, dpc_error *err)
{
	for (; *words; words++) {
		int rc = forget_word(forgotten, p, *words, region, err);
		if (rc < 0)
			return rc;
	}
	return DPC_OK;
}

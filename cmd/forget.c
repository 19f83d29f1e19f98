#include "forget.h"

#include "vault.h"

int forget_keys(int *forgotten, const struct place *p, char **words, const char *region, dpc_error *err)
{
	for (; *words; words++) {
		struct digest key;
		int rc = place_key(&key, p, *words, region, err);
		if (rc == DPC_OK)
			rc = vault_remove(&p->home, &key, err);
		if (rc < 0)
			return rc;
		*forgotten += rc == DPC_OK;
	}
	return DPC_OK;
}

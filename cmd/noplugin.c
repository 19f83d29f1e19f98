/* In the static core, in place of lib/plugin.c: a program without a dynamic linker
 * loads nothing. */
#include "plugin.h"

const bool plugin_loads = false;

int plugin_load(const struct store_ops **out, enum engine engine, dpc_error *err)
{
	*out = NULL;
	return dpc__fail(err, DPC_E_NOTFOUND, "the store %s: cannot be loaded by a static program",
	                 engine_names[engine].scheme);
}

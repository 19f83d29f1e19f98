/* Engines that are objects of their own, dpcache-store-NAME.so: loaded when a URL asks
 * for one, so that nobody else pays for its library, or is bound by its licence.
 *
 * An object is linked with a copy of libdpcache.a that nobody sees, and exports one
 * symbol, dpcache_store. It shares with whoever loads it the structures of store.h
 * and what they are made of, so it must have been built from the same ones: that is
 * compared before anything in it is called. It is never unloaded.
 *
 * It is looked for beside the file that holds this code, program or library, and in
 * ../libexec/dpcache from there. */
#ifndef DPC_PLUGIN_H
#define DPC_PLUGIN_H

#include "store.h"

/* To be raised when what a structure or a slot means changes, and its size does not. */
enum { STORE_PLUGIN_ABI = 1 };

/* The first two stay what they are, whatever comes. */
struct store_plugin {
	uint32_t abi;
	uint32_t sizes[4];
	const struct store_ops *ops;
};

#define STORE_PLUGIN_SIZES                                                                                             \
	{                                                                                                              \
		sizeof(struct home), sizeof(struct entry_info), sizeof(struct store_ops), sizeof(struct counters)      \
	}

/* What an engine's object has to offer; stands once in each. */
#define STORE_PLUGIN(its_ops)                                                                                          \
	extern DPC_API const struct store_plugin dpcache_store;                                                        \
	const struct store_plugin dpcache_store = {STORE_PLUGIN_ABI, STORE_PLUGIN_SIZES, its_ops}

/* Can this program load any? A static one cannot: it is linked with cmd/noplugin.c
 * in place of lib/plugin.c. */
extern const bool plugin_loads;

/* The engine from its object; it stays. DPC_E_NOTFOUND where there is no object;
 * DPC_E_VERSION for one that was built from another dpcache; DPC_E_IO for one that
 * cannot be loaded. Any thread may call it. */
int plugin_load(const struct store_ops **out, enum engine engine, dpc_error *err);

#endif

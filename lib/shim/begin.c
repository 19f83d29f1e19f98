/* How a process comes to the log. */
#include "executable.h"
#include "library.h"
#include "log.h"
#include "objects.h"
#include "platform.h"
#include "raw.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool log_begun, log_live;
struct wire_head *log_head;

/* A copy: a program may write its title over its environment. */
static char name[WIRE_NAME_MAX];

const char *log_name(void)
{
	return name;
}

/* The entry of this variable, `size` being its name's with "=", or NULL. Of several
 * the last, as the dynamic linker has it. */
static char **find_entry(char **envp, const char *variable, size_t size)
{
	char **found = NULL;
	for (; *envp; envp++)
		if (strncmp(*envp, variable, size) == 0)
			found = envp;
	return found;
}

static void remove_entry(char **entry)
{
	do
		entry[0] = entry[1];
	while (*entry++);
}

/* Out of LD_PRELOAD's list; the rest of it is the user's. */
static void take_shim(char **envp, const char *shim)
{
	char **entry = find_entry(envp, "LD_PRELOAD=", 11);
	size_t size = strlen(shim);
	if (!entry || strncmp(*entry + 11, shim, size) != 0)
		return;
	char *end = *entry + 11 + size;
	if (!*end)
		remove_entry(entry);
	else if (*end == ':')
		memmove(*entry + 11, end + 1, strlen(end));
}

/* The log's name; NULL: there is none. */
static const char *take_name(char **envp)
{
	char **entry = find_entry(envp, WIRE_VARIABLE "=", sizeof WIRE_VARIABLE);
	if (!entry)
		return NULL;
	const char *value = *entry + sizeof WIRE_VARIABLE;
	remove_entry(entry);
	return value;
}

const char *log_take_variables(char **envp)
{
	struct link_map *self = objects_self();
	const char *value = envp && self ? take_name(envp) : NULL;
	if (value)
		take_shim(envp, self->l_name);
	return value;
}

static struct wire_head *map_log(void)
{
	long fd = raw_open(AT_FDCWD, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	struct wire_head *head = raw_map(WIRE_SIZE, MAP_SHARED, fd);
	raw_close(fd);
	return head && head->magic == WIRE_MAGIC ? head : NULL;
}

static void greet(void)
{
	atomic_fetch_add_explicit(&log_head->hellos, 1, memory_order_relaxed);
	executable_log(WIRE_HELLO);
	library_begin();
	executable_is_known(false);
}

void log_begin(void)
{
	if (log_begun)
		return;
	log_begun = true;
	const char *value = log_take_variables(platform_environment());
	if (!value)
		return;
	executable_is_known(*value == WIRE_AS_EXECUTED);
	value += *value == WIRE_AS_EXECUTED;
	if (strlen(value) >= sizeof name)
		return;
	strcpy(name, value);
	log_head = map_log();
	log_live = log_head;
	if (log_live)
		greet();
}

/* What the constructor's place begins with is a page: so all that a short program has of
 * data lies on one, which the dynamic linker has to copy anyhow. */
static void (*const constructor)(void)
    __attribute__((used, section(".init_array"), aligned(4096))) = log_begin;

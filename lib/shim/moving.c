#include "moving.h"

#include "find.h"
#include "log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void moving_log_rename(int from_dir, const char *from, int to_dir, const char *to, int rc)
{
	log_path(WIRE_REMOVE, WIRE_REMOVE_MOVED, from_dir, from, rc);
	log_path(WIRE_MAKE, WIRE_MAKE_OVER, to_dir, to, rc);
}

/* Whoever reads the new name reads what the old one had. */
void moving_log_link(int from_dir, const char *from, int to_dir, const char *to, int rc)
{
	log_path(WIRE_OPEN, WIRE_OPEN_READ | WIRE_OPEN_NOFOLLOW, from_dir, from, rc);
	log_path(WIRE_MAKE, WIRE_MAKE_NEW, to_dir, to, rc);
}

SHIM int rename(const char *from, const char *to)
{
	int rc = REAL(rename)(from, to);
	moving_log_rename(AT_FDCWD, from, AT_FDCWD, to, rc);
	return rc;
}

SHIM int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	int rc = REAL(renameat)(from_dir, from, to_dir, to);
	moving_log_rename(from_dir, from, to_dir, to, rc);
	return rc;
}

SHIM int link(const char *from, const char *to)
{
	int rc = REAL(link)(from, to);
	moving_log_link(AT_FDCWD, from, AT_FDCWD, to, rc);
	return rc;
}

SHIM int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	int rc = REAL(linkat)(from_dir, from, to_dir, to, flags);
	moving_log_link(from_dir, from, to_dir, to, rc);
	return rc;
}

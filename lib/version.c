#include "dpcache.h"

const char *dpc_version(void)
{
	return "0.1.0";
}

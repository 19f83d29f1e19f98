/* opens N [distinct]: open a path that is not there N times, the same one or each
 * time another. Prints the nanoseconds that one took. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timespec from, to;
	long n = argc > 1 ? atol(argv[1]) : 0;
	int distinct = argc > 2 && strcmp(argv[2], "distinct") == 0;
	char path[64] = "/nowhere/a/header.h";
	if (n <= 0) {
		fprintf(stderr, "usage: opens N [distinct]\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (long i = 0; i < n; i++) {
		if (distinct)
			snprintf(path, sizeof path, "/nowhere/a/header-%ld.h", i);
		if (open(path, O_RDONLY) >= 0)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%.1f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)n);
	return 0;
}

/* lstats [-n] PATH...: lstat each PATH, and nothing else; with -n not even that,
 * so that the difference of the two is what the calls cost. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	struct stat st;
	if (argc > 1 && strcmp(argv[1], "-n") == 0)
		return 0;
	for (int i = 1; i < argc; i++)
		if (lstat(argv[i], &st) < 0) {
			perror(argv[i]);
			return 1;
		}
	return 0;
}

#include "password.h"

#include "os.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_file(char out[PASSWORD_SIZE], const char *path, dpc_error *err)
{
	struct stat st;
	int fd = os_openat_high(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
	if (fd < 0)
		return dpc__fail_errno(err, "cannot open DPCACHE_PASSWORD_FILE %s", path);
	ssize_t n = -1;
	int rc = DPC_OK;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077))
		rc = dpc__fail(err, DPC_E_DENIED, "DPCACHE_PASSWORD_FILE %s can be read by others; run: chmod 600 %s", path, path);
	else if ((n = os_read_full(fd, out, PASSWORD_SIZE - 1)) < 0)
		rc = dpc__fail_errno(err, "cannot read DPCACHE_PASSWORD_FILE %s", path);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return rc;
}

int password_find(char out[PASSWORD_SIZE], dpc_error *err)
{
	const char *word = getenv("DPCACHE_PASSWORD"), *path = getenv("DPCACHE_PASSWORD_FILE");
	out[0] = '\0';
	if (word && *word) {
		if (strlen(word) >= PASSWORD_SIZE)
			return dpc__fail(err, DPC_E_USAGE, "DPCACHE_PASSWORD is too long");
		strcpy(out, word);
		return DPC_OK;
	}
	return path && *path ? read_file(out, path, err) : DPC_OK;
}

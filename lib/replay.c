#include "replay.h"

#include "os.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink {
	int fd;
	bool gone; /* its reader closed */
	enum { UNDECIDED, BY_RANGE, BY_SENDFILE, BY_HAND } method;
};

static void choose_method(struct sink *s)
{
	struct stat st;
	/* Between regular files the file system may share or copy blocks itself. */
	s->method = fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) ? BY_RANGE : BY_SENDFILE;
}

static int write_failed(struct sink *s, dpc_error *err)
{
	if (errno == EPIPE) {
		s->gone = true;
		return DPC_OK;
	}
	return dpc__fail_errno(err, "cannot write to %s", s->fd == 2 ? "stderr" : "stdout");
}

static ssize_t by_hand(int out, int in, off_t *at, size_t size)
{
	char chunk[65536];
	ssize_t n = os_pread_full(in, chunk, size < sizeof chunk ? size : sizeof chunk, *at);
	if (n <= 0)
		return n;
	if (os_write_all(out, chunk, (size_t)n) < 0)
		return -1;
	*at += n;
	return n;
}

static ssize_t move_some(struct sink *s, int in, off_t *at, uint64_t size)
{
	size_t want = size < (1u << 30) ? (size_t)size : 1u << 30;
	switch (s->method) {
	case BY_RANGE:
		return copy_file_range(in, at, s->fd, NULL, want, 0);
	case BY_SENDFILE:
		return sendfile(s->fd, in, at, want);
	default:
		return by_hand(s->fd, in, at, want);
	}
}

static int move(struct sink *s, int in, uint64_t offset, uint64_t size, dpc_error *err)
{
	off_t at = (off_t)offset;
	if (s->method == UNDECIDED)
		choose_method(s);
	while (size && !s->gone) {
		ssize_t n = move_some(s, in, &at, size);
		if (n > 0) {
			size -= (uint64_t)n;
		} else if (n == 0) {
			return dpc__fail(err, DPC_E_CORRUPT, "remembered output is cut short");
		} else if (errno == EAGAIN || errno == EINTR) {
			/* Non-blocking output: the plain way waits. */
			s->method = errno == EAGAIN ? BY_HAND : s->method;
		} else if (errno == EPIPE || s->method == BY_HAND) {
			int rc = write_failed(s, err);
			if (rc != DPC_OK)
				return rc;
		} else {
			/* Whatever it was (O_APPEND, another file system, an old kernel),
			 * the plain way either can or says why not. */
			s->method = BY_HAND;
		}
	}
	return DPC_OK;
}

static int give(struct sink *s, const struct frames *f, uint64_t at, uint64_t size, dpc_error *err)
{
	if (s->gone)
		return DPC_OK;
	if (!f->memory.data)
		return move(s, f->fd, f->offset + at, size, err);
	return os_write_all(s->fd, f->memory.data + at, (size_t)size) < 0 ? write_failed(s, err) : DPC_OK;
}

/* --- frame by frame --- */

struct frame {
	enum stream stream;
	uint64_t at, size; /* of its bytes */
};

/* The one that begins at *at; *at is then behind it. */
static int next_frame(struct frame *out, const struct frames *f, uint64_t *at, dpc_error *err)
{
	uint64_t word;
	int rc = frames_read(&word, sizeof word, f, *at, err);
	if (rc != DPC_OK)
		return rc;
	word = le64toh(word);
	*out = (struct frame){frame_word_stream(word), *at + sizeof word, frame_word_size(word)};
	if (out->size > f->size - out->at)
		return dpc__fail(err, DPC_E_CORRUPT, "remembered output is cut short");
	*at = out->at + out->size;
	return DPC_OK;
}

static int compare_frame(const struct frame *frame, const struct frames *f, struct resume *given, dpc_error *err)
{
	uint8_t chunk[65536];
	for (uint64_t done = 0; done < frame->size && !resume_is_met(given);) {
		size_t n = frame->size - done < sizeof chunk ? (size_t)(frame->size - done) : sizeof chunk, left = n;
		const uint8_t *rest = chunk;
		int rc = frames_read(chunk, n, f, frame->at + done, err);
		if (rc == DPC_OK)
			rc = resume_filter(given, frame->stream, &rest, &left, err);
		if (rc != DPC_OK)
			return rc;
		done += n;
	}
	return DPC_OK;
}

/* Both streams, before anything of either goes out. */
static int compare(const struct frames *f, struct resume *given, dpc_error *err)
{
	for (uint64_t at = 0; at < f->size && !resume_is_met(given);) {
		struct frame frame;
		int rc = next_frame(&frame, f, &at, err);
		if (rc == DPC_OK)
			rc = compare_frame(&frame, f, given, err);
		if (rc != DPC_OK)
			return rc;
	}
	return resume_end(given, err);
}

int replay_frames(const struct frames *f, struct resume *given, int out, int err_fd, dpc_error *err)
{
	struct sink sinks[2] = {{.fd = out, .gone = out < 0}, {.fd = err_fd, .gone = err_fd < 0}};
	uint64_t skip[2] = {0};
	int rc = given ? compare(f, given, err) : DPC_OK;
	for (int i = 0; given && i < 2; i++)
		skip[i] = given->streams[i].given;
	for (uint64_t at = 0; rc == DPC_OK && at < f->size;) {
		struct frame frame;
		rc = next_frame(&frame, f, &at, err);
		if (rc != DPC_OK)
			break;
		int i = frame.stream == STREAM_ERR;
		uint64_t skipped = frame.size < skip[i] ? frame.size : skip[i];
		skip[i] -= skipped;
		rc = give(&sinks[i], f, frame.at + skipped, frame.size - skipped, err);
	}
	return rc;
}

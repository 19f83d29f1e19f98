#!/usr/bin/env bats

# A broken cache is a miss, never a failed command: whatever is wrong with it,
# the command's own stdout, stderr and exit status come through, and one line
# on stderr says what it was.

load helpers

# A second front that the dynamic linker starts, and a library that sets its
# clocks.
setup_file() {
	local root=${BATS_TEST_DIRNAME%/*}
	export DYNAMIC=$BATS_FILE_TMPDIR/dynamic
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -j 2 -C "$root" FRONT=dynamic BUILD="$DYNAMIC" \
		"$DYNAMIC/dpcache" >"$BATS_FILE_TMPDIR/make.log" 2>&1 3>&-
	ln -s "${DPC_TEST_BUILD:-$root/build}/dpcache-core-shared" "$DYNAMIC/dpcache-core"
	cat >"$DYNAMIC/clocks.c" <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdarg.h>
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <time.h>

		static void set(long clock, struct timespec *t)
		{
			const char *by = getenv(clock == CLOCK_REALTIME ? "SET_WALL" : "SET_BOOT");
			if (by && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME))
				t->tv_sec += atol(by);
		}

		int clock_gettime(clockid_t clock, struct timespec *t)
		{
			int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
			int rc = real(clock, t);
			if (rc == 0)
				set(clock, t);
			return rc;
		}

		long syscall(long number, ...)
		{
			long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall"), a[6];
			va_list args;
			va_start(args, number);
			for (int i = 0; i < 6; i++)
				a[i] = va_arg(args, long);
			va_end(args);
			long rc = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
			if (rc == 0 && number == SYS_clock_gettime)
				set(a[0], (struct timespec *)a[1]);
			return rc;
		}
	C
	cc -shared -fPIC -O1 "$DYNAMIC/clocks.c" -o "$DYNAMIC/clocks.so" 3>&-
}

setup() {
	common_setup
	printf '%s\n' '#!/bin/sh' "$(counted runs)" 'echo result' 'echo complaint >&2' 'exit 3' >noisy
	chmod +x noisy
}

# The command of every test here: both streams, a status of its own, and worth
# remembering; the same to another dpcache on PATH and another user's eyes.
noisy() { # RUN-OPTIONS...
	dpcache run --cache-exit any --ttl 1h --no-path --no-uid "$@" -- ./noisy
}

# The command came through and nothing was said.
assert_well() {
	run --separate-stderr noisy
	assert_failure 3
	assert_output result
	# shellcheck disable=SC2154  # set by run
	assert_equal "$stderr" complaint
}

# The command came through, and one line says that the cache did not.
assert_warned() { # [PATTERN]
	run --separate-stderr noisy
	assert_failure 3
	assert_output result
	assert_equal "$(grep -v ^dpcache: <<<"$stderr")" complaint
	assert_equal "$(grep -c ^dpcache: <<<"$stderr")" 1
	grep -q "^dpcache: .*${1-}" <<<"$stderr" || fail "no $1 in: $stderr"
}

# With --require-cache the command is not run.
# shellcheck disable=SC2120  # none, mostly
assert_refused() { # RUN-OPTIONS...
	local before
	before=$(runs runs)
	run --separate-stderr noisy --require-cache "$@"
	assert_failure 125
	assert_output ''
	assert_one_warning
	assert_runs runs "$before"
}

# It ran uncached, twice, with a warning each time; --require-cache refuses, what
# may be remembered as well as what never was.
assert_uncached() { # [PATTERN]
	assert_warned "${1-}"
	assert_warned "${1-}"
	assert_runs runs 2
	# shellcheck disable=SC2119  # none, here
	assert_refused
	assert_refused --salt new
}

assert_nothing_half_written() {
	assert_equal "$(find "$DPCACHE_DIR/" -name '*.new' -o -path '*/locks/*' -o -path '*/shelf/*/.*')" ''
}

remember() {
	assert_well
	assert_runs runs 1
}

forget_shelf() {
	rm -r "$DPCACHE_DIR/shelf"
}

as_root() {
	((EUID == 0)) || skip "only root can do this"
}

# --- the directory ---

@test "cache directory cannot be made: its parent is a file" {
	touch "$BATS_TEST_TMPDIR/file"
	DPCACHE_DIR=$BATS_TEST_TMPDIR/file/cache assert_uncached "$BATS_TEST_TMPDIR/file"
}

@test "cache directory is a file" {
	echo content >"$DPCACHE_DIR"
	assert_uncached 'cache directory'
	assert_equal "$(cat "$DPCACHE_DIR")" content
}

@test "cache directory cannot be made: its parent may not be written" {
	mkdir -m 755 "$BATS_TEST_TMPDIR/parent"
	chmod 555 "$BATS_TEST_TMPDIR/parent"
	[ ! -w "$BATS_TEST_TMPDIR/parent" ] || skip "root writes everywhere"
	DPCACHE_DIR=$BATS_TEST_TMPDIR/parent/cache assert_uncached
}

@test "cache directory on a read-only file system" {
	# shellcheck disable=SC2016  # for the inner shell
	with_mounts '
		mkdir "$DPCACHE_DIR"
		mount -t tmpfs -o ro,mode=700 none "$DPCACHE_DIR"
		noisy >out 2>err
		echo $? >status
		noisy --require-cache >out2 2>err2
		echo $? >status2'
	assert_equal "$(cat out status)" $'result\n3'
	assert_equal "$(grep -v ^dpcache: err)" complaint
	assert_equal "$(grep -c ^dpcache: err)" 1
	assert_equal "$(cat out2 status2)" 125
	assert_equal "$(grep -c '' err2)" 1
}

@test "cache become read-only: what is remembered is answered" {
	remember
	# shellcheck disable=SC2016  # for the inner shell
	with_mounts '
		mount --bind "$DPCACHE_DIR" "$DPCACHE_DIR"
		mount -o remount,bind,ro "$DPCACHE_DIR"
		noisy >out 2>err
		echo $? >status'
	assert_equal "$(cat out err status)" $'result\ncomplaint\n3'
	assert_runs runs 1
}

@test "cache become read-only: what is not remembered runs, with one warning" {
	dpcache run -- true
	# shellcheck disable=SC2016  # for the inner shell
	with_mounts '
		mount --bind "$DPCACHE_DIR" "$DPCACHE_DIR"
		mount -o remount,bind,ro "$DPCACHE_DIR"
		noisy >out 2>err
		echo $? >status
		noisy --require-cache >out2 2>err2
		echo $? >status2'
	assert_equal "$(cat out status)" $'result\n3'
	assert_equal "$(grep -v ^dpcache: err)" complaint
	assert_equal "$(grep -c ^dpcache: err)" 1
	assert_equal "$(cat out2 status2)" 125
	assert_runs runs 1
}

@test "cache directory may not be read or written by its owner" {
	remember
	chmod 0 "$DPCACHE_DIR"
	[ ! -r "$DPCACHE_DIR" ] || skip "root reads everywhere"
	run noisy
	chmod 700 "$DPCACHE_DIR"
	assert_failure 3
	assert_line result
}

@test "cache directory of somebody else" {
	as_root
	remember
	chown 1234 "$DPCACHE_DIR"
	rm "$BATS_TEST_TMPDIR/runs"
	assert_uncached 'belongs to uid 1234'
}

@test "cache directory that is somebody else's and empty stays so" {
	as_root
	mkdir -m 700 "$DPCACHE_DIR"
	chown 1234 "$DPCACHE_DIR"
	assert_uncached 'belongs to uid 1234'
	assert_equal "$(ls -A "$DPCACHE_DIR")" ''
}

@test "cache directory that its group may write" {
	mkdir "$DPCACHE_DIR"
	chmod 770 "$DPCACHE_DIR"
	assert_uncached 'written by others'
	assert_equal "$(ls -A "$DPCACHE_DIR")" ''
}

@test "cache directory that the world may write" {
	mkdir "$DPCACHE_DIR"
	chmod 707 "$DPCACHE_DIR"
	assert_uncached 'written by others'
	assert_equal "$(ls -A "$DPCACHE_DIR")" ''
}

@test "cache become writable for the world: nothing is answered from it" {
	remember
	chmod 777 "$DPCACHE_DIR"
	rm "$BATS_TEST_TMPDIR/runs"
	assert_uncached 'written by others'
}

@test "cache directory that is a symbolic link" {
	mkdir -m 700 "$BATS_TEST_TMPDIR/real"
	ln -s real "$DPCACHE_DIR"
	assert_uncached 'symbolic link'
	assert_equal "$(ls -A "$BATS_TEST_TMPDIR/real")" ''
}

@test "cache directory that is a symbolic link, named with a slash behind it" {
	mkdir -m 700 "$BATS_TEST_TMPDIR/real"
	ln -s real "$DPCACHE_DIR"
	DPCACHE_DIR=$DPCACHE_DIR/ assert_uncached 'symbolic link'
}

@test "no cache directory is named and HOME is unset: the account's home" {
	home=$(getent passwd "$EUID" | cut -d : -f 6)
	[ -d "$home" ] || skip "the account has no home"
	export home DIRECTORY
	# shellcheck disable=SC2016  # for the inner shell
	with_mounts '
		[ $EUID = 0 ] && mount -t tmpfs -o mode=755 none "$home"
		unset HOME XDG_CACHE_HOME DPCACHE_DIR
		noisy >out 2>err
		noisy >>out 2>>err
		ls -d "$home/.cache/$DIRECTORY/state" >made'
	assert_equal "$(cat out err)" $'result\nresult\ncomplaint\ncomplaint'
	assert_exists made
	assert_equal "$(cat made)" "$home/.cache/$DIRECTORY/state"
	assert_runs runs 1
}

@test "no cache directory is named and there is no home: one warning" {
	as_root
	getent passwd 54321 && skip "uid 54321 has an account"
	chmod 755 "$BATS_TEST_TMPDIR" .
	unset HOME XDG_CACHE_HOME DPCACHE_DIR
	run --separate-stderr setpriv --reuid 54321 --clear-groups dpcache run -- sh -c 'echo result; exit 3'
	assert_failure 3
	assert_output result
	assert_one_warning 'no home directory'
}

# --- the database ---

@test "database truncated to 0" {
	remember
	checkpoint
	forget_shelf
	rm "$BATS_TEST_TMPDIR/runs"
	: >"$DPCACHE_DIR/$DATABASE"
	assert_uncached "$DATABASE"
	assert_nothing_half_written
}

@test "database truncated to half" {
	head -c 60000 /dev/zero | dpcache put filler
	remember
	checkpoint
	forget_shelf
	rm "$BATS_TEST_TMPDIR/runs"
	truncate -s "$(($(stat -c %s "$DPCACHE_DIR/$DATABASE") / 2))" "$DPCACHE_DIR/$DATABASE"
	cp "$DPCACHE_DIR/$DATABASE" before
	assert_warned "$DATABASE"
	assert_warned "$DATABASE"
	cmp "$DPCACHE_DIR/$DATABASE" before
	assert_nothing_half_written
}

@test "database overwritten with noise" {
	remember
	checkpoint
	forget_shelf
	rm "$BATS_TEST_TMPDIR/runs"
	head -c 50000 /dev/urandom >"$DPCACHE_DIR/$DATABASE"
	cp "$DPCACHE_DIR/$DATABASE" before
	assert_uncached "$DATABASE"
	cmp "$DPCACHE_DIR/$DATABASE" before
	assert_nothing_half_written
}

@test "database overwritten with noise and --require-cache: no lock is left behind" {
	remember
	checkpoint
	forget_shelf
	head -c 50000 /dev/urandom >"$DPCACHE_DIR/$DATABASE"
	# shellcheck disable=SC2119  # none, here
	assert_refused
	assert_nothing_half_written
}

@test "database that is a directory" {
	remember
	forget_shelf
	rm "$BATS_TEST_TMPDIR/runs" "$DPCACHE_DIR/$DATABASE"*
	mkdir "$DPCACHE_DIR/$DATABASE"
	assert_uncached "$DATABASE"
}

@test "database of a later version" {
	sqlite_only "its schema"
	remember
	sql 'PRAGMA user_version = 99'
	forget_shelf
	rm "$BATS_TEST_TMPDIR/runs"
	assert_uncached 'later dpcache'
	assert_equal "$(sql 'PRAGMA user_version')" 99
	assert_nothing_half_written
}

@test "database with another schema" {
	sqlite_only "its schema"
	remember
	sql 'ALTER TABLE entry RENAME TO other'
	forget_shelf
	rm "$BATS_TEST_TMPDIR/runs"
	assert_warned "$DATABASE"
	assert_warned "$DATABASE"
	assert_runs runs 2
	assert_nothing_half_written
}

@test "run --key of a command that is not there: no lock is left behind" {
	run -127 dpcache run --key name -- nothing-of-this-name
	assert_nothing_half_written
}

@test "database that is broken: what lies on the shelf is answered, without a word" {
	remember
	checkpoint
	: >"$DPCACHE_DIR/$DATABASE"
	assert_well
	assert_runs runs 1
}

# Another program in the way, until `unlock_database`.
lock_database() { # STATEMENTS
	mkfifo statements
	sqlite3 "$DPCACHE_DIR/cache.db" <statements >/dev/null 2>locking 3>&- &
	exec 7>statements
	printf '%s\n' "$1" '.shell touch locked' >&7
	wait_until test -e locked
}

unlock_database() {
	exec 7>&-
	wait
	assert_equal "$(cat locking)" ''
}

@test "database locked against writing: the command runs once, with one warning" {
	sqlite_only "SQLite's locks"
	dpcache run -- true
	lock_database 'BEGIN EXCLUSIVE;'
	assert_warned 'locked'
	unlock_database
	assert_runs runs 1
	assert_nothing_half_written
}

@test "database locked against writing: what is remembered is answered" {
	sqlite_only "SQLite's locks"
	remember
	forget_shelf
	lock_database 'BEGIN EXCLUSIVE;'
	assert_well
	unlock_database
	assert_runs runs 1
}

@test "database locked against reading" {
	sqlite_only "SQLite's locks"
	dpcache run -- true
	lock_database 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;'
	assert_warned 'locked'
	assert_refused --salt new
	unlock_database
	assert_nothing_half_written
}

@test "database unlocked again: remembered as ever" {
	sqlite_only "SQLite's locks"
	dpcache run -- true
	lock_database 'BEGIN EXCLUSIVE;'
	assert_warned 'locked'
	unlock_database
	assert_well
	assert_well
	assert_runs runs 2
}

# --- entries ---

@test "shelf file with any byte flipped: the answer is right" {
	remember
	shelf=$(find "$DPCACHE_DIR/shelf" -type f)
	# As printf writes them, for a process less for each byte counts.
	mapfile -t intact < <(od -An -v -tx1 -w1 "$shelf" | tr -d ' ')
	for at in "${!intact[@]}"; do
		flipped=("${intact[@]/#/\\x}")
		printf -v "flipped[$at]" '\\x%02x' $((16#${intact[at]} ^ 255))
		printf '%b' "${flipped[@]}" >"$shelf"
		noisy >out 2>err && status=0 || status=$?
		[ "$status $(<out) $(<err)" = '3 result complaint' ] || fail "byte $at: $status $(<out) $(<err)"
	done
	assert_runs runs 1
	# Nothing was flipped in vain.
	((${#intact[@]} > 300))
}

@test "shelf file cut short anywhere: the answer is right" {
	remember
	shelf=$(find "$DPCACHE_DIR/shelf" -type f)
	cp "$shelf" intact
	size=$(stat -c %s intact)
	for ((at = 0; at < size; at += 7)); do
		head -c "$at" intact >"$shelf"
		noisy >out 2>err && status=0 || status=$?
		[ "$status $(<out) $(<err)" = '3 result complaint' ] || fail "at $at: $status $(<out) $(<err)"
	done
	assert_runs runs 1
}

@test "capsule in the database with a byte flipped: one warning, then remembered anew" {
	sqlite_only "changes an entry by SQL"
	remember
	sql "SELECT writefile('intact', capsule) FROM entry" >written
	size=$(stat -c %s intact)
	# The head, the sums that close it, the description and the output.
	for at in 0 8 12 20 60 100 152 176 183 189 240 $((size - 20)) $((size - 8)) $((size - 1)); do
		before=$(runs runs)
		cp intact capsule
		flip_byte capsule "$at"
		sql "UPDATE entry SET capsule = readfile('capsule')"
		forget_shelf
		assert_warned
		assert_runs runs $((before + 1))
		assert_well
		assert_runs runs $((before + 1))
	done
}

@test "capsule in the database marked as voided: a miss" {
	sqlite_only "changes an entry by SQL"
	remember
	sql "SELECT writefile('capsule', capsule) FROM entry" >written
	flip_byte capsule 16
	sql "UPDATE entry SET capsule = readfile('capsule')"
	forget_shelf
	run noisy
	assert_failure 3
	assert_runs runs 2
}

# Output too large for the database, hence in a file of its own.
make_large() {
	printf '%s\n' '#!/bin/sh' "$(counted runs)" 'yes result | head -n 20000' 'echo complaint >&2' 'exit 3' >noisy
	yes result | head -n 20000 >expected
}

assert_large() { # WARNINGS
	status=0
	noisy >out 2>err || status=$?
	assert_equal "$status" 3
	cmp expected out
	assert_equal "$(grep -v ^dpcache: err)" complaint
	assert_equal "$(grep -c ^dpcache: err)" "$1"
}

@test "capsule in a data file with a byte flipped: one warning, then remembered anew" {
	make_large
	assert_large 0
	for at in 0 8 12 20 100 183 5000 70000 140000 -1; do
		before=$(runs runs)
		file=$(find "$DPCACHE_DIR/data" -type f)
		if ((at < 0)); then at=$(($(stat -c %s "$file") - 1)); fi
		flip_byte "$file" "$at"
		assert_large 1
		assert_runs runs $((before + 1))
		assert_large 0
		assert_runs runs $((before + 1))
		assert_equal "$(find "$DPCACHE_DIR/data" -type f | wc -l)" 1
	done
}

@test "capsule in a data file with a byte of its description flipped: the shelf knows it too" {
	make_large
	assert_large 0
	flip_byte "$(find "$DPCACHE_DIR/data" -type f)" 199
	assert_large 0
	assert_runs runs 1
	forget_shelf
	assert_large 1
	assert_large 0
	assert_runs runs 2
}

@test "capsule in a data file with a byte flipped and the shelf gone: one warning" {
	make_large
	assert_large 0
	flip_byte "$(find "$DPCACHE_DIR/data" -type f)" 70000
	forget_shelf
	assert_large 1
	assert_runs runs 2
}

@test "data file cut short: one warning, then remembered anew" {
	make_large
	assert_large 0
	truncate -s 70000 "$(find "$DPCACHE_DIR/data" -type f)"
	assert_large 1
	assert_large 0
	assert_runs runs 2
}

@test "data file gone: one warning, then remembered anew" {
	make_large
	assert_large 0
	rm "$(find "$DPCACHE_DIR/data" -type f)"
	assert_large 1
	assert_large 0
	assert_runs runs 2
}

# --- the other files ---

@test "state file with any byte flipped: one warning, everything is forgotten, then as ever" {
	remember
	cp "$DPCACHE_DIR/state" intact
	size=$(stat -c %s intact)
	for ((at = 0; at < size; at++)); do
		rm "$BATS_TEST_TMPDIR/runs"
		flip_byte "$DPCACHE_DIR/state" "$at"
		noisy >out 2>err && status=0 || status=$?
		[ "$status $(<out)" = '3 result' ] || fail "byte $at: $status $(<out)"
		[ "$(grep -v ^dpcache: err)" = complaint ] || fail "byte $at: $(<err)"
		[ "$(grep -c '^dpcache: .*state file was damaged' err)" = 1 ] || fail "byte $at: $(<err)"
		noisy >out 2>err && status=0 || status=$?
		[ "$status $(<out) $(<err)" = '3 result complaint' ] || fail "byte $at: $status $(<out) $(<err)"
		[ "$(runs runs)" = 1 ] || fail "byte $at: $(runs runs) runs"
	done
}

@test "state file gone: nothing from before is answered" {
	remember
	rm "$DPCACHE_DIR/state"
	assert_well
	assert_runs runs 2
	assert_well
	assert_runs runs 2
}

@test "state file that is a directory" {
	remember
	rm "$DPCACHE_DIR/state" "$BATS_TEST_TMPDIR/runs"
	mkdir "$DPCACHE_DIR/state"
	assert_uncached state
}

@test "locks that is a file: one warning" {
	touch input
	mkdir -m 700 "$DPCACHE_DIR"
	touch "$DPCACHE_DIR/locks"
	assert_uncached
}

@test "data that is a file: one warning, the result is not remembered" {
	make_large
	dpcache run -- true
	touch "$DPCACHE_DIR/data"
	assert_large 1
	assert_nothing_half_written
}

@test "shelf that is a file: without a word, the database answers" {
	dpcache run -- true
	forget_shelf
	touch "$DPCACHE_DIR/shelf"
	assert_well
	assert_well
	assert_runs runs 1
}

@test "filter overwritten with noise, empty or gone: the answer is right, without a word" {
	for damage in 'head -c 2097152 /dev/zero' 'head -c 2097152 /dev/urandom' true; do
		rm -f "$BATS_TEST_TMPDIR/runs"
		dpcache run -- true
		eval "$damage" >"$DPCACHE_DIR/present"
		assert_well
		assert_well
		(($(runs runs) <= 1)) || fail "$damage: $(runs runs) runs"
		forget_shelf
	done
	rm "$DPCACHE_DIR/present" "$BATS_TEST_TMPDIR/runs"
	assert_well
	assert_runs runs 0
}

@test "digests and event log overwritten with noise: without a word" {
	remember
	head -c 10000 /dev/urandom >"$DPCACHE_DIR/digests"
	head -c 10000 /dev/urandom >"$DPCACHE_DIR/events"
	assert_well
	assert_runs runs 1
	assert_json '.entries == 1' dpcache stats --json
}

@test "the write lock held by somebody: a hit does not wait for it" {
	remember
	exec 7>"$DPCACHE_DIR/write.lock"
	flock 7
	assert_well
	assert_runs runs 1
}

# --- full disks ---

@test "disk full at every point: the command comes through, and all is well once there is room" {
	# shellcheck disable=SC2016  # for the inner shell
	with_mounts '
		yes result | head -c 100000 >expected
		printf "%s\n" "#!/bin/sh" "yes result | head -c 100000" "echo complaint >&2" "exit 3" >noisy
		mkdir disk
		tries() { # TIMES WARNINGS
			for ((try = 1; try <= $1; try++)); do
				noisy >out 2>err
				status=$?
				[ $status = 3 ] || echo "$size k, try $try: status $status"
				cmp expected out || echo "$size k, try $try: another stdout"
				[ "$(grep -v ^dpcache: err)" = complaint ] || echo "$size k, try $try: stderr $(<err)"
				[ "$(grep -c ^dpcache: err)" -le "$2" ] || echo "$size k, try $try: stderr $(<err)"
			done
		}
		for ((size = 16; size <= 300; size += 8)); do
			mount -t tmpfs -o size=${size}k none disk
			export DPCACHE_DIR=$PWD/disk/cache
			tries 2 1
			left=$(find disk/cache -name "*.new" -o -path "*/locks/*" -o -path "*/shelf/*/.*")
			[ -z "$left" ] || echo "$size k: left $left"
			grep -q ^dpcache: err && echo $size >>too-small || echo $size >>enough
			mount --options-mode ignore -t tmpfs -o remount,size=4m none disk
			tries 2 0
			noisy --status-fd 5 5>status >out 2>err
			grep -q "\"status\":\"hit\"" status || echo "$size k, with room again: $(<status)"
			dpcache doctor >doctor || echo "$size k, with room again: $(<doctor)"
			umount disk
		done >wrong 2>&1'
	assert_equal "$(cat wrong)" ''
	# The sizes were such that there was something to see.
	assert_exists too-small
	assert_exists enough
}

@test "disk full from the start: one warning, --require-cache refuses" {
	# shellcheck disable=SC2016  # for the inner shell
	with_mounts '
		mkdir disk
		mount -t tmpfs -o size=16k none disk
		head -c 16384 /dev/zero >disk/filler
		export DPCACHE_DIR=$PWD/disk/cache
		noisy >out 2>err
		echo $? >status
		noisy --require-cache >out2 2>err2
		echo $? >status2
		dpcache put name <noisy >out3 2>err3
		echo $? >status3'
	assert_equal "$(cat out status)" $'result\n3'
	assert_equal "$(grep -v ^dpcache: err)" complaint
	assert_equal "$(grep -c ^dpcache: err)" 1
	assert_equal "$(cat out2 status2)" 125
	assert_equal "$(grep -c ^dpcache: err2)" 1
	assert_equal "$(cat out3 status3)" 125
	assert_equal "$(grep -c ^dpcache: err3)" 1
	assert_runs runs 1
}

@test "file size limited below the output's: the command comes through" {
	make_large
	ulimit -f 64
	status=0
	noisy 2>err | cmp expected - || status=$?
	assert_equal "$status" 0
	assert_equal "$(grep -v ^dpcache: err)" complaint
	assert_equal "$(grep -c ^dpcache: err)" 1
}

# --- descriptors ---

# Both streams and a status of its own, with no descriptor to spare.
few_descriptors() { # LIMIT RUN-OPTIONS...
	(ulimit -n "$1" && dpcache run --cache-exit any "${@:2}" -- ls noisy nothing) \
		>out 2>err 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

@test "5 descriptors: the command comes through, with one warning" {
	status=0
	few_descriptors 5 || status=$?
	assert_equal "$status" 2
	assert_equal "$(cat out)" noisy
	assert_equal "$(grep -v ^dpcache: err)" "$(ls nothing 2>&1)"
	assert_equal "$(grep -c ^dpcache: err)" 1
}

@test "5 descriptors and --require-cache: exit 125, one line" {
	status=0
	few_descriptors 5 --require-cache || status=$?
	assert_equal "$status" 125
	assert_equal "$(cat out)" ''
	assert_equal "$(grep -c ^dpcache: err)" 1
}

@test "any number of descriptors: the command comes through, with one warning at most" {
	for limit in {5..12} {98..112}; do
		status=0
		few_descriptors "$limit" --salt "$limit" || status=$?
		[ "$status $(<out)" = '2 noisy' ] || fail "$limit: $status, $(<out), $(<err)"
		[ "$(grep -v ^dpcache: err)" = "$(ls nothing 2>&1)" ] || fail "$limit: $(<err)"
		[ "$(grep -c ^dpcache: err)" -le 1 ] || fail "$limit: $(<err)"
	done
}

@test "5 descriptors: a hit is a hit" {
	dpcache run --cache-exit any -- sh -c "$(counted runs); echo result" >out 2>err
	(ulimit -n 5 && dpcache run --cache-exit any -- sh -c "$(counted runs); echo result") \
		>out 2>err 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	assert_equal "$(cat out err)" result
	assert_runs runs 1
}

@test "stdin closed: the command comes through, and is remembered" {
	noisy <&- >out 2>err && status=0 || status=$?
	assert_equal "$status $(cat out err)" $'3 result\ncomplaint'
	noisy <&- >out 2>err && status=0 || status=$?
	assert_equal "$status $(cat out err)" $'3 result\ncomplaint'
	assert_runs runs 1
}

@test "stdin closed and --stdin: the command comes through, with one warning" {
	noisy --stdin <&- >out 2>err && status=0 || status=$?
	assert_equal "$status $(cat out)" '3 result'
	assert_equal "$(grep -v ^dpcache: err)" complaint
	assert_equal "$(grep -c ^dpcache: err)" 1
}

@test "stdout closed: the command finds it so, its stderr and status come through" {
	printf '%s\n' '#!/bin/sh' "$(counted runs)" '[ -e /proc/self/fd/1 ] || echo closed >&2' 'exit 3' >noisy
	noisy >&- 2>err && status=0 || status=$?
	assert_equal "$status" 3
	assert_equal "$(grep -v ^dpcache: err)" closed
	assert_equal "$(grep -c ^dpcache: err)" 1
	assert_runs runs 1
}

@test "stderr closed: stdout and status come through" {
	noisy >out 2>&- && status=0 || status=$?
	assert_equal "$status $(cat out)" '3 result'
}

@test "all three closed: the command runs, its status comes through" {
	noisy <&- >&- 2>&- && status=0 || status=$?
	assert_equal "$status" 3
	assert_runs runs 1
}

@test "stdout closed and --require-cache: exit 125, nothing runs" {
	noisy --require-cache >&- 2>err && status=0 || status=$?
	assert_equal "$status" 125
	assert_equal "$(grep -c '' err)" 1
	assert_runs runs 0
}

@test "stdout closed: nothing dpcache opens lands there" {
	remember
	noisy >&- 2>err || true
	dpcache get name >&- 2>err || true
	dpcache ls >&- 2>err || true
	run dpcache doctor
	assert_success
}

# --- clocks ---

# By clocks that are so many seconds ahead.
at_time() { # WALL BOOT COMMAND...
	PATH=$DYNAMIC:$PATH LD_PRELOAD=$DYNAMIC/clocks.so SET_WALL=$1 SET_BOOT=$2 "${@:3}"
}

day=86400

# noisy, telling in `decision` what it did; right, and of no negative age.
assert_sane() {
	local status=0
	noisy --status-fd 5 5>decision >out 2>err || status=$?
	assert_equal "$status $(cat out err)" $'3 result\ncomplaint'
	jq -e '.age >= 0 and .saved >= 0' decision || fail "$(cat decision)"
}

@test "clock: front and core go by the clocks they are given" {
	at_time $day 0 dpcache run -- true
	assert_json "all(.created > $(date +%s) + $day - 3600)" dpcache ls --json
	at_time $day 0 dpcache run --status-fd 5 -- true 5>decision
	jq -e '.status == "hit" and .age < 3600' decision
}

@test "clock set back a day: the answer is right, its age not negative" {
	at_time $day 0 noisy >out 2>err || true
	assert_sane
	assert_sane
	(($(runs runs) <= 2)) || fail "$(runs runs) runs"
}

@test "clock set back a day, of another boot: a result from the future is a miss, then remembered anew" {
	at_time $day $day noisy >out 2>err || true
	assert_sane
	assert_runs runs 2
	assert_sane
	assert_runs runs 2
	run jq -r .status decision
	assert_output hit
}

@test "clock set back a day, of another boot: explain says that it was made in the future" {
	at_time $day $day dpcache run --no-path -- true >out 2>err
	run -1 --separate-stderr dpcache explain --no-path -- true
	assert_line --index 0 'miss: made in the future: the clock was set back'
}

@test "clock set back a day: a value from the future has no negative age in ls, show and get" {
	echo value >value
	at_time $day $day dpcache put --ttl 1h name <value
	assert_json 'all(.age >= 0)' dpcache ls --json
	assert_json '.age >= 0' dpcache show --json name
	assert_silent 1 dpcache get name
}

@test "clock set back a day: what was remembered before is invalidated by --all" {
	at_time $day $day noisy >out 2>err || true
	dpcache invalidate --all
	before=$(runs runs)
	assert_sane
	assert_runs runs $((before + 1))
	assert_sane
	assert_runs runs $((before + 1))
}

@test "clock set back a day: what was remembered before by an earlier clock is invalidated by --all" {
	remember
	at_time -$day -$day dpcache invalidate --all
	assert_well
	assert_runs runs 2
}

@test "clock set forward a day: what has expired by it is a miss" {
	remember
	at_time $day $day noisy >out 2>err || true
	assert_runs runs 2
}

@test "clock set forward a day: what has not expired by it is a hit" {
	remember
	at_time 1800 1800 noisy --status-fd 5 5>decision >out 2>err || true
	assert_runs runs 1
	jq -e '.age >= 1800' decision
}

# --- clocks, past the ttl ---

# Of use for an hour past a ttl of an hour.
within() { # WALL BOOT OPTION...
	local status=0
	at_time "$1" "$2" noisy "${@:3}" --status-fd 5 5>decision >out 2>err || status=$?
	assert_equal "$status $(cat out err)" $'3 result\ncomplaint'
	jq -e '.age >= 0 and .saved >= 0' decision || fail "$(<decision)"
}

assert_said() { # STATUS
	assert_equal "$(jq -r .status decision)" "$1"
}

@test "clock set forward past the ttl: --stale answers, and refreshes by that clock" {
	remember
	within 5400 5400 --stale 1h
	assert_said stale
	jq -e '.age >= 5400' decision
	refreshed
	assert_runs runs 2
	within 5400 5400 --stale 1h
	assert_said hit
	# By the clock of before that lies in the future.
	assert_sane
}

@test "clock set forward a day: what is past its windows by it is a miss" {
	remember
	for window in --stale --stale-if-error; do
		within $day $day "$window" 1h
		assert_said miss
		within 0 0 "$window" 1h --refresh
	done
	assert_runs runs 5
}

@test "clock set back a day, of another boot: no window makes a result from the future an answer" {
	for window in --stale --stale-if-error; do
		rm -rf "$DPCACHE_DIR"
		at_time $day $day noisy "$window" forever >out 2>err || true
		before=$(runs runs)
		within 0 0 "$window" forever
		assert_said miss
		assert_runs runs $((before + 1))
		within 0 0 "$window" forever
		assert_said hit
	done
}

@test "clock set back a day: nothing stale becomes fresh, or immortal" {
	remember
	within -$day 5400 --stale 1h --no-write
	assert_said stale
	within -$day 9000 --stale 1h --no-write
	assert_said miss
	within -$day 9000 --stale 1h --early --jitter 50 --no-write
	assert_said miss
}

@test "clock set back a day: a pause after failures does not last" {
	command="$(counted runs); [ ! -e broken ]"
	ask() { dpcache run --no-path --ttl 0 --stale-if-error forever --ttl-fail 1h -- sh -c "$command"; }
	ask
	touch broken
	at_time $day $day ask
	assert_runs runs 2
	ask
	assert_runs runs 3
	ask
	assert_runs runs 3
}

@test "dpcache run without /proc: the command runs, wherever dpcache was installed" {
	unshare -rm mount -t tmpfs none /proc || skip 'no mount namespaces'
	[ -z "${DPC_TEST_CFLAGS-}" ] || skip 'AddressSanitizer needs /proc'
	# Not found by PATH, but beside the program that was started.
	# shellcheck disable=SC2016 # for the inner shell
	run -0 unshare -rm sh -c 'mount -t tmpfs none /proc && PATH=/usr/bin:/bin && "$0" run echo out' "$BUILD/dpcache"
	assert_output out
}

#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # scripts in quotes; pid_of is set by start

load helpers

setup() {
	common_setup
	make_hold
	SLOW="$(counted runs); $(held); echo result"
}

teardown() {
	end_started
}

start_leader() { # OPTION...
	start leader dpcache run "$@" sh -c "$SLOW"
	wait_until has_run 1
}

# locks_say FILTER: the JSON that it prints now; for wait_until.
locks_say() {
	dpcache locks --json | jq -e "$1" >/dev/null
}

lock_file() {
	find "$DPCACHE_DIR/locks" -type f
}

# Put into the capsule of the run at work how long the last run took.
set_cost() { # NANOSECONDS
	cat >set_cost.c <<-'C'
		#include "capsule.h"

		#include <fcntl.h>
		#include <stdlib.h>
		#include <unistd.h>

		int main(int argc, char **argv)
		{
			struct capsule c;
			uint8_t head[CAPSULE_HEAD];
			int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
			if (pread(fd, head, sizeof head, 0) != sizeof head ||
			    capsule_decode_head(&c, head, sizeof head, NULL) != DPC_OK)
				return 1;
			c.cost = atoll(argv[2]);
			capsule_encode_head(head, &c);
			return pwrite(fd, head, sizeof head, 0) != sizeof head;
		}
	C
	# What the library was built with beyond the usual: a sanitizer, say.
	# shellcheck disable=SC2086
	cc ${DPC_TEST_CFLAGS-} -std=gnu11 -iquote "$ROOT/lib" set_cost.c "$BUILD/libdpcache.a" -o set_cost
	./set_cost "$(lock_file)" "$1"
}

# --- nothing ---

@test "locks where no cache is: exit 0, silent, and makes none" {
	assert_silent 0 dpcache locks
	assert_json '. == []' dpcache locks --json
	assert_not_exists "$DPCACHE_DIR"
}

@test "locks where nothing runs: exit 0, silent" {
	dpcache run -- true
	assert_silent 0 dpcache locks
	assert_json '. == []' dpcache locks --json
}

@test "locks where nothing ever ran: exit 0, silent" {
	echo value | dpcache put name
	assert_silent 0 dpcache locks
}

@test "locks: a run that is over is not listed" {
	start_leader
	release
	finish leader
	assert_silent 0 dpcache locks
	assert_json '. == []' dpcache locks --json
}

@test "locks: what a killed leader left is not listed" {
	start_leader
	kill -KILL "${pid_of[leader]}"
	finish leader 137
	assert_exists "$(lock_file)"
	assert_silent 0 dpcache locks
	assert_json '. == []' dpcache locks --json
}

@test "locks: what is no run's file is not listed" {
	start_leader
	cd "$DPCACHE_DIR/locks" || return
	mkdir "$(printf '0%.0s' {1..32})"
	ln -s nowhere "$(printf '1%.0s' {1..32})"
	: >"$(printf '2%.0s' {1..32})"
	: >other
	held=$(printf '3%.0s' {1..32})
	head -c 4096 /dev/zero >"$held"
	exec 8<>"$held"
	flock 8
	cd - || return
	assert_json 'length == 1' dpcache locks --json
	exec 8<&-
	release
	finish leader
}

@test "locks: a run without coalescing, for which nobody can wait, is not listed" {
	start_leader --no-coalesce
	assert_json '. == []' dpcache locks --json
	release
	finish leader
}

# --- a run ---

@test "locks prints a heading and one line for each run" {
	start_leader
	start other dpcache run --salt x -- sh -c "$SLOW"
	wait_until has_run 2
	run dpcache locks
	assert_success
	assert_equal "${#lines[@]}" 3
	assert_line --index 0 --regexp '^KEY .*COMMAND$'
	assert_line --index 1 --regexp "^[0-9a-f]{32} +${pid_of[leader]} +[0-9]+[a-z]+.* - +0  sh -c "
	assert_line --index 2 --regexp "^[0-9a-f]{32} +${pid_of[other]} +[0-9]+[a-z]+.* - +0  sh -c "
	release
	finish leader
	finish other
}

@test "locks --json: key, as key prints it, and command, as ls prints it" {
	start_leader
	key=$(dpcache key -- sh -c "$SLOW" 2>err </dev/null)
	locks=$(dpcache locks --json)
	release
	finish leader
	assert_equal "$(jq -r '.[0].command' <<<"$locks")" "$(dpcache ls --json | jq -r '.[0].command')"
	assert_equal "$(jq -r '.[0].key' <<<"$locks")" "$(dpcache ls --json | jq -r '.[0].key')"
	assert_equal "$(jq -r '.[0].key' <<<"$locks")" "$key"
}

@test "locks --json: the process that leads, whether its front or its core took the lock" {
	start_leader
	start core dpcache-core run --salt x -- sh -c "$SLOW"
	wait_until has_run 2
	assert_json "[.[].pid] == [${pid_of[leader]}, ${pid_of[core]}]" dpcache locks --json
	release
	finish leader
	finish core
}

@test "locks --json: started and age are seconds" {
	before=$(date +%s)
	start_leader
	assert_json ".[0] | .started >= $before and .age >= 0 and .started + .age <= now + 1" dpcache locks --json
	release
	finish leader
}

@test "locks --json: how many wait" {
	start_leader
	assert_json '.[0].waiters == 0' dpcache locks --json
	for name in a b c; do start "$name" dpcache run sh -c "$SLOW"; done
	wait_until locks_say '.[0].waiters == 3'
	run dpcache locks
	assert_line --index 1 --regexp ' 3  sh -c '
	kill -KILL "${pid_of[b]}"
	finish b 137
	wait_until locks_say '.[0].waiters == 2'
	release
	finish leader
	finish a
	finish c
}

@test "locks: who takes over from a killed leader is listed instead" {
	start_leader
	start follower dpcache run sh -c "$SLOW"
	wait_until is_blocked "${pid_of[follower]}"
	kill -KILL "${pid_of[leader]}"
	finish leader 137
	wait_until has_run 2
	assert_json "length == 1 and .[0].pid == ${pid_of[follower]}" dpcache locks --json
	release
	finish follower
}

@test "locks: where a run has no last time, its end is unknown" {
	start_leader
	assert_json '.[0].left == null' dpcache locks --json
	release
	finish leader
}

@test "locks: the end is expected after as long as the last run took" {
	start_leader
	set_cost 3600000000000000
	assert_json '.[0] | .left + .age > 3599999 and .left + .age < 3600001' dpcache locks --json
	run dpcache locks
	assert_line --index 1 --regexp ' 4[01]d[0-9]+h +0  sh -c '
	release
	finish leader
}

@test "locks: a run that takes longer than the last one is overdue" {
	start_leader
	set_cost 1
	assert_json '.[0].left <= 0' dpcache locks --json
	run dpcache locks
	assert_line --index 1 --regexp ' overdue +0  sh -c '
	release
	finish leader
}

@test "locks of a label with newlines and escapes keeps to one line" {
	start leader dpcache run sh -c "$SLOW" $'two\nlines' $'\e[31mred'
	wait_until has_run 1
	run dpcache locks
	assert_equal "${#lines[@]}" 2
	refute_output --partial $'\e'
	assert_json '.[0].command | contains("two\nlines")' dpcache locks --json
	release
	finish leader
}

@test "locks does not stand in the way of those who lead and follow" {
	# It takes no lock of a run that somebody is seen to hold. In the list of a
	# busy machine that may take more than one look.
	start_leader
	# shellcheck disable=SC2317  # called by wait_until
	takes_no_lock() { strace -f -o calls -e trace=flock dpcache locks >out && ! grep -q 'flock(' calls; }
	wait_until takes_no_lock
	release
	finish leader
}

@test "locks: a run whose process cannot be seen is found all the same" {
	unshare -rpf --mount-proc true 2>/dev/null || skip 'no namespaces'
	start_leader
	assert_json "length == 1 and .[0].pid == ${pid_of[leader]}" unshare -rpf --mount-proc dpcache locks --json
	release
	finish leader
	assert_json '. == []' unshare -rpf --mount-proc dpcache locks --json
}

# --- usage ---

@test "locks --store: another cache" {
	start_leader --store "sqlite:$BATS_TEST_TMPDIR/other"
	assert_silent 0 dpcache locks
	assert_json 'length == 1' dpcache locks --json --store "sqlite:$BATS_TEST_TMPDIR/other"
	release
	finish leader
}

@test "locks: usage errors" {
	assert_usage_error dpcache locks word
	assert_usage_error dpcache locks --nonsense
	assert_usage_error dpcache locks --store nonsense:
}

@test "locks where the cache cannot be used" {
	mkdir "$BATS_TEST_TMPDIR/real"
	ln -s "$BATS_TEST_TMPDIR/real" "$DPCACHE_DIR"
	assert_usage_error dpcache locks
}

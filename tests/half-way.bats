#!/usr/bin/env bats
# dpcache run: what begins and does not come to its end as it should, be it the
# waiting, the run or the recording: every byte goes out once, and nobody is given
# less than was asked for.
# shellcheck disable=SC2016,SC2154,SC2317 # scripts in quotes; set by helpers.bash

load helpers

teardown() {
	end_started
}

# Its first run is held half-way, the others are not.
make_halves() {
	make_hold
	printf '%s\n' '#!/bin/sh' 'echo first' "$(counted runs)" \
		"if mkdir once 2>/dev/null; then $(held); fi" 'echo second' >halves
	chmod 755 halves
}

start_leader() { # SALT RUN-OPTION...
	start leader dpcache run --salt "$@" ./halves
	wait_until has_run 1
}

assert_whole() { # NAME
	finish "$1"
	assert_equal "$(<"$1.out")" $'first\nsecond'
	assert_equal "$(<"$1.err")" ''
}

# --- the waiting ---

@test "dpcache run --wait --follow: what was shown when the time is over is not shown twice" {
	make_halves
	start_leader wait
	start other dpcache run --salt wait --wait 1s --follow always ./halves
	assert_whole other
	release
	assert_whole leader
	assert_runs runs 2
}

@test "dpcache run --on-timeout stale --follow: the old result, and nothing of the run that was waited for" {
	printf '%s\n' '#!/bin/sh' 'cat text' "$(counted runs)" 'test ! -e stay || read -r go <stay' >it
	chmod 755 it
	echo old >text
	dpcache run ./it >out 2>err
	echo new >text
	mkfifo stay
	start leader dpcache run --ttl 0 ./it
	wait_until has_run 2
	start other dpcache run --ttl 0 --wait 1s --on-timeout stale --follow always ./it
	finish other
	assert_equal "$(<other.out)" old
	assert_equal "$(<other.err)" ''
	echo >stay
	finish leader
}

# --- the run ---

@test "dpcache run --max-run: who gives the command more time does not get what was cut short" {
	local follow
	for follow in never always; do
		rm -rf once "$BATS_TEST_TMPDIR/hold" "$BATS_TEST_TMPDIR/runs"
		make_halves
		start_leader "$follow" --max-run 1s
		start other dpcache run --salt "$follow" --follow "$follow" ./halves
		start third dpcache run --salt "$follow" --follow "$follow" --max-run 1h ./halves
		finish leader 143
		assert_whole other
		assert_whole third
		assert_runs runs 2
	done
}

@test "dpcache run: asked to end while nobody takes its output, it does" {
	mkfifo unread
	# Open for reading, so that it can be opened for writing.
	exec {unread}<>unread
	dpcache run sh -c 'echo $$ >number; exec yes' >unread 2>&1 </dev/null 3>&- &
	pid_of[it]=$!
	is_in_state() { grep -q "^State:[[:space:]]*$2" "/proc/$1/status"; }
	has_ended() { [[ ! -e /proc/$1 ]] || is_in_state "$1" Z; }
	wait_until test -s number
	# Both pipes are full.
	wait_until is_in_state "$(<number)" S
	wait_until is_in_state "${pid_of[it]}" S
	kill -TERM "${pid_of[it]}"
	wait_until has_ended "${pid_of[it]}"
	finish it 143
	exec {unread}>&-
}

# --- the recording ---

@test "dpcache run --stale-if-error: a write to the cache that fails, whichever, and each byte goes out once" {
	local size when
	printf '%s\n' '#!/bin/sh' 'echo first' 'head -c $(cat size) /dev/zero' 'echo second' >it
	chmod 755 it
	for size in 10 100000; do
		echo "$size" >size
		for when in {1..20}; do
			dpcache run --salt "$size $when" --ttl 0 ./it >want 2>err
			strace -f -qq -o trace -e trace=pwrite64 -e "inject=pwrite64:error=ENOSPC:when=$when" \
				dpcache run --salt "$size $when" --ttl 0 --stale-if-error 1h ./it >out 2>err
			cmp want out || fail "write $when of a run of $size bytes"
		done
	done
}

#!/usr/bin/env bats
# dpcache run: who reads slowly keeps nobody else waiting, and misses nothing.
# shellcheck disable=SC2016,SC2154 # scripts in quotes; pid_of is set by start

load helpers

setup() {
	common_setup
	mkfifo pipe
	printf '%s\n' '#!/bin/sh' "$(counted runs)" 'yes out | head -n 100000' 'yes err | head -n 50000 >&2' 'exit 3' >noisy
	chmod +x noisy
	yes out | head -n 100000 >out.expected
	yes err | head -n 50000 >err.expected
}

teardown() {
	end_started
}

# The leader's STREAM (1 or 2) has a reader that takes nothing yet, at descriptor 7.
start_leader_with_a_slow_reader() { # STREAM OPTION...
	local stream=$1
	shift
	start leader sh -c 'exec dpcache run --cache-exit any "$@" '"$stream>pipe" sh "$@" -- ./noisy
	exec 7<pipe
}

ask() {
	exec dpcache run --cache-exit any "$@" -- ./noisy
}

@test "dpcache run, stdout read slowly: others have the result meanwhile" {
	start_leader_with_a_slow_reader 1
	start other ask
	finish other 3
	cmp other.out out.expected
	cmp other.err err.expected
	assert_runs runs 1
	kill -0 "${pid_of[leader]}"
	assert_equal "$(find "$DPCACHE_DIR/locks" -type f)" ''
	cat <&7 >late
	exec 7<&-
	finish leader 3
	cmp late out.expected
	cmp leader.err err.expected
}

@test "dpcache run, stderr read slowly: others have the result meanwhile" {
	start_leader_with_a_slow_reader 2
	start other ask
	finish other 3
	cmp leader.out out.expected
	kill -0 "${pid_of[leader]}"
	cat <&7 >late
	exec 7<&-
	finish leader 3
	cmp late err.expected
}

@test "dpcache run, a slow reader that goes away: no error, and the result is kept" {
	start_leader_with_a_slow_reader 1
	start other ask
	finish other 3
	head -c 10 <&7 >/dev/null
	exec 7<&-
	finish leader 3
	assert_equal "$(grep -c ^dpcache: leader.err)" 0
	run -3 --separate-stderr ask
	assert_runs runs 1
}

@test "dpcache run, read slowly and larger than --max-output: all of it comes" {
	start_leader_with_a_slow_reader 1 --max-output 300k
	# Nobody else waits for it: the command has to, from there on.
	cat <&7 >late
	exec 7<&-
	finish leader 3
	cmp late out.expected
	cmp leader.err err.expected
}

@test "dpcache run, read slowly: killed, it leaves no process behind" {
	start_leader_with_a_slow_reader 1
	start other ask
	finish other 3
	kill -KILL "${pid_of[leader]}"
	# The pipe ends: nobody is left who could write to it.
	cat <&7 >late
	exec 7<&-
	cmp -n "$(stat -c %s late)" late out.expected
}

@test "dpcache run, read slowly: asked to end, it does not wait for its reader" {
	printf '%s\n' '#!/bin/sh' 'yes out | head -n 100000' ': >printed' "exec tail -f /dev/null" >endless
	chmod +x endless
	start leader sh -c 'exec dpcache run ./endless >pipe'
	exec 7<pipe
	# More than a pipe holds: it is passed on by another process.
	wait_until test -e printed
	kill -TERM "${pid_of[leader]}"
	finish leader 143
	exec 7<&-
}

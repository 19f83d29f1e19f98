#!/usr/bin/env bats
# dpcache run: nobody waits for what cannot end, nor keeps from others what they
# need to end.
# shellcheck disable=SC2016,SC2154,SC2317 # scripts in quotes; pid_of is set by
# start; functions are called by name

load helpers

teardown() {
	end_started
}

# NAME OTHER: a command that, once both are at work, asks for the other's run;
# when asked for so itself, it asks no further.
make_nested() {
	printf '%s\n' '#!/bin/sh' 'if [ "$INNER" ]; then echo inner; exit; fi' "touch '$BATS_TEST_TMPDIR/$1'" \
		"until [ -e '$BATS_TEST_TMPDIR/$2' ]; do sleep 0.01; done" \
		"echo $1 with \$(INNER=1 dpcache run --key $2 -- ./$2)" >"$1"
	chmod +x "$1"
}

@test "two keys nested in opposite orders: both end" {
	make_nested a b
	make_nested b a
	start first dpcache run --key a -- ./a
	start second dpcache run --key b -- ./b
	finish first
	finish second
	# One of the two gave way; the other waited for its run.
	case $(<first.out),$(<second.out) in
	'a with b with inner,b with inner' | 'a with inner,b with a with inner') ;;
	*) fail "$(<first.out),$(<second.out)" ;;
	esac
}

@test "three keys nested in a circle: all end" {
	make_nested a b
	make_nested b c
	make_nested c a
	for name in a b c; do start "$name" dpcache run --key "$name" -- "./$name"; done
	for name in a b c; do finish "$name"; done
}

@test "a nested key that is in no circle is waited for" {
	make_hold
	printf '%s\n' '#!/bin/sh' "$(counted inner)" "$(held)" 'echo inner' >inner
	chmod +x inner
	start leader dpcache run --key inner -- ./inner
	wait_until test -e "$BATS_TEST_TMPDIR/inner"
	start outer dpcache run --key outer -- sh -c 'exec dpcache run --key inner -- ./inner'
	wait_until is_waiting_in outer
	release
	finish leader
	finish outer
	assert_equal "$(<outer.out)" inner
	assert_runs inner 1
}

# A process below what was started as NAME has announced that it waits: by a lock
# on a byte that tells its process id.
is_waiting_in() { # NAME
	local pid
	for pid in $(descendants "${pid_of[$1]}"); do
		if grep -q "OFDLCK .* $(((1 << 40) + pid)) " /proc/locks; then return 0; fi
	done
	return 1
}

descendants() { # PID
	local child
	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$child"
		descendants "$child"
	done
}

@test "a waiter gives make its job token: the run it waits for gets it" {
	command -v make >/dev/null || skip 'no make'
	make_hold
	# With -j 2 two jobs run: the leader, whose own two need a token more, and one
	# who waits for it.
	cat >Makefile <<-'M'
		.RECIPEPREFIX = >
		all: leader waiter
		leader:
		>+@dpcache run --key k -- $(MAKE) -s -f inner.mk
		waiter:
		>+@until [ -e one ]; do sleep 0.01; done; exec dpcache run --key k -- $(MAKE) -s -f inner.mk
	M
	# Each of the two ends only while the other is at work, too.
	cat >inner.mk <<-'M'
		.RECIPEPREFIX = >
		all: a b
		a:
		>@touch one; until [ -e two ]; do sleep 0.01; done; echo a
		b:
		>@touch two; until [ -e one ]; do sleep 0.01; done; echo b
	M
	run timeout 60 make -s -j 2
	assert_success
	assert_equal "$(sort <<<"$output" | tr '\n' ' ')" 'a a b b '
}

#!/usr/bin/env bats
# dpcache run: signals reach the command, and dpcache ends the way it does.
#
# Whether a process died of a signal or exited with 128+N, a shell does not tell:
# strace does.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes;
# tests are subshells; stderr is set by run --separate-stderr

load helpers

setup() {
	common_setup
	make_hold
}

teardown() {
	[[ -z ${keys-} ]] || exec {keys}>&-
	end_started
}

# What a shell starts in the background ignores two of them.
start_seen() { # NAME COMMAND...: and see, in NAME.end, how it ends
	# LeakSanitizer, in a build that has it, cannot work under ptrace.
	start "$1" env --default-signal=INT --default-signal=QUIT ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -D -q -o "$1.end" -e trace=none "${@:2}"
}

assert_ended() { # NAME HOW
	# strace, not being waited for, may be behind.
	wait_until grep -q '^+++' "$1.end"
	assert_equal "$(grep '^+++' "$1.end")" "+++ $2 +++"
}

for_each_signal() { # FUNCTION: with name and number
	"$1" HUP 1
	"$1" INT 2
	"$1" QUIT 3
	"$1" TERM 15
}

wait_for_runs() {
	wait_until has_run "$1"
}

# --- sent to dpcache ---

@test "dpcache run: a signal that the command dies of ends dpcache too, by that signal" {
	ulimit -c 0
	dies() {
		start_seen "$1" dpcache run --salt "$1" --cache-exit any sh -c "$(counted "$1"); $(held)"
		wait_until test -s "$BATS_TEST_TMPDIR/$1"
		kill "-$1" "${pid_of[$1]}"
		finish "$1" "$((128 + $2))"
		assert_ended "$1" "killed by SIG$1"
		run -1 grep dpcache "$1.err"
	}
	for_each_signal dies
}

@test "dpcache run: a signal that the command catches is its own affair" {
	catches() {
		start_seen "$1" dpcache run --salt "$1" sh -c "trap 'echo caught; exit $2' $1; $(counted "$1"); $(held)"
		wait_until test -s "$BATS_TEST_TMPDIR/$1"
		kill "-$1" "${pid_of[$1]}"
		finish "$1" "$2"
		assert_ended "$1" "exited with $2"
		assert_equal "$(<"$1.out")" caught
	}
	for_each_signal catches
}

@test "dpcache run: a signal that the command ignores ends nobody" {
	start it dpcache run sh -c "trap '' TERM; $(counted runs); $(held); echo through"
	wait_for_runs 1
	kill -TERM "${pid_of[it]}"
	release
	finish it
	assert_equal "$(<it.out)" through
	# Still, somebody wanted it to end.
	run -0 dpcache run sh -c "trap '' TERM; $(counted runs); $(held); echo through"
	assert_runs runs 2
}

@test "dpcache run: two signals, and the command dies of the first that it does not catch" {
	start_seen it dpcache run sh -c "trap 'echo caught' HUP; $(counted runs); $(held); $(held)"
	wait_for_runs 1
	kill -HUP "${pid_of[it]}"
	wait_until grep -q caught it.out
	kill -TERM "${pid_of[it]}"
	finish it 143
	assert_ended it 'killed by SIGTERM'
}

@test "dpcache run: a command that dies of a signal that was not sent to dpcache is an exit status" {
	ulimit -c 0
	start_seen it dpcache run sh -c 'kill -SEGV $$'
	finish it 139
	assert_ended it 'exited with 139'
	start_seen it dpcache run sh -c 'kill -TERM $$'
	finish it 143
	assert_ended it 'exited with 143'
}

@test "dpcache run --no-cache --max-run: ends by the signal as well" {
	start_seen it dpcache run --no-cache --max-run 1h sh -c "$(counted runs); $(held)"
	wait_for_runs 1
	kill -TERM "${pid_of[it]}"
	finish it 143
	assert_ended it 'killed by SIGTERM'
}

@test "dpcache run: without a keeper, a signal reaches the command too" {
	start it env --default-signal=INT ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" strace -D -o trace -qq -e trace=socketpair \
		-e inject=socketpair:error=EMFILE dpcache run sh -c "$(counted runs); $(held)"
	wait_for_runs 1
	grep -q INJECTED trace
	kill -INT "${pid_of[it]}"
	finish it 130
	wait_until grep -q 'killed by SIGINT' trace
}

@test "dpcache run: a run ended by a signal is taken over by one of those who wait" {
	command="$(counted runs); echo half; $(held); echo whole"
	start_seen it dpcache run --cache-exit any sh -c "$command"
	wait_until grep -q half it.out
	start other dpcache run --cache-exit any sh -c "$command"
	wait_until assert_blocked 1 other
	kill -INT "${pid_of[it]}"
	finish it 130
	release
	finish other
	assert_equal "$(<other.out)" $'half\nwhole'
	assert_runs runs 2
}

@test "dpcache run: a signal ends it though a child of the command holds the output" {
	start_seen it dpcache run sh -c "trap 'echo last words; exit 9' TERM; ($(held); echo late) & $(counted runs); wait"
	wait_for_runs 1
	kill -TERM "${pid_of[it]}"
	finish it 9
	assert_equal "$(<it.out)" 'last words'
}

# --- what the command finds ---

disposition() { # FIELD
	printf 's/^%s:[^0-9a-f]*//p' "$1"
}

@test "dpcache run: a hangup that was ignored stays so, and ends neither" {
	start it nohup dpcache run sh -c "$(counted runs); $(held); echo through"
	wait_for_runs 1
	kill -HUP "${pid_of[it]}"
	release
	finish it
	assert_equal "$(<it.out)" through
	start again dpcache run sh -c "$(counted runs); $(held); echo through"
	finish again
	assert_runs runs 1
}

@test "dpcache run: what is ignored and what is blocked is as the caller had it" {
	for field in SigIgn SigBlk SigCgt; do
		for how in '' --ignore-signal={CHLD,INT,TERM,PIPE,USR1} --block-signal={CHLD,TERM,USR2}; do
			expected=$(env ${how:+"$how"} sed -n "$(disposition "$field")" /proc/self/status)
			seen=$(env ${how:+"$how"} dpcache run --refresh sed -n "$(disposition "$field")" /proc/self/status)
			assert_equal "$field $how $seen" "$field $how $expected"
		done
	done
}

@test "dpcache run: with children ignored by the caller, the command's status is still known" {
	run -3 env --ignore-signal=CHLD dpcache run sh -c 'exit 3'
	run -3 env --ignore-signal=CHLD dpcache run --no-cache --max-run 1h sh -c 'exit 3'
}

# --- on a terminal ---

# on_terminal LINE...: in a shell, on a terminal of its own. press KEY.
on_terminal() {
	printf '%s\n' "$@" >session
	mkfifo keys
	exec {keys}<>keys
	declare -gA pid_of
	# Interrupts, too, which a shell has its background ignore. In place of the
	# shell that script starts ($SHELL, whichever that is): it would get them as well.
	env --default-signal=INT --default-signal=QUIT script -qefc 'exec bash --norc ./session' screen <keys >terminal.out 2>&1 3>&- &
	pid_of[terminal]=$!
}

# The shell has begun to wait for its command by then: a ^C just before that ends
# the shell, whatever the command says to it.
press() {
	wait_until grep -q '^State:[[:space:]]*S' "/proc/$(pgrep -P "${pid_of[terminal]}")/status"
	printf '%b' "$1" >&"$keys"
}

@test "dpcache run on a terminal: ^C reaches the command once, and its status comes back" {
	echo "trap 'echo caught >>caught; exit 7' INT; $(counted runs); $(held)" >script
	on_terminal 'dpcache run sh ./script' 'echo $? >status'
	wait_for_runs 1
	press '\003'
	wait_until test -s status
	assert_equal "$(<status)" 7
	assert_equal "$(<caught)" caught
	finish terminal
}

@test "dpcache run on a terminal: ^C ends the command, dpcache, and the shell's list" {
	# After an exit status the list would go on.
	echo "$(counted runs); $(held)" >script
	on_terminal 'dpcache run sh ./script; echo went on >list'
	wait_for_runs 1
	press '\003'
	wait "${pid_of[terminal]}" || true
	assert_not_exists list
}

@test "dpcache run on a terminal: ^Z stops dpcache and the command, fg continues them" {
	echo "echo \$\$ >pid; $(counted runs); $(held); echo through" >script
	on_terminal 'set -m' 'dpcache run sh ./script' 'echo $? >stopped' "$(held)" fg 'echo $? >status'
	wait_for_runs 1
	press '\032'
	wait_until test -s stopped
	assert_equal "$(<stopped)" 148
	grep -q '^State:[[:space:]]*T' "/proc/$(<pid)/status"
	release
	wait_until test -s status
	assert_equal "$(<status)" 0
	grep -q through screen
	finish terminal
}

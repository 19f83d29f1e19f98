# Of those who look on at others' runs: loaded by the follow*.bats files.
#
# Each run of ./job does what the test tells it, line by line, through a fifo of
# its own; what then comes out of the followers is the event to wait for.
# shellcheck disable=SC2154 # pid_of is set by start

load helpers

setup() {
	common_setup
	make_hold
	export SHELL=/bin/sh
	printf '%s\n' '#!/bin/sh' "$(numbered runs)" \
		"while read -r line; do eval \"\$line\"; done <'$PWD/run.'\$n" >job
	chmod +x job
	local n fd
	for n in 1 2 3 4; do
		mkfifo "run.$n"
		# Open for both, so that nobody waits for the other end.
		exec {fd}<>"run.$n"
		run_fd[n]=$fd
	done
}

teardown() {
	end_started
}

# tell RUN LINE...: what that run, from 1 on, is to do next.
tell() {
	printf '%s\n' "${@:2}" >&"${run_fd[$1]}"
}

lead() { # NAME OPTION...: the next run is at work
	local before
	before=$(runs runs)
	start "$1" dpcache run "${@:2}" ./job
	wait_until has_run "$((before + 1))"
}

follow() { # NAME OPTION...
	start "$1" dpcache run --follow always "${@:2}" ./job
	wait_until looks_on "$1"
}

# Has it announced that it waits? It is not blocked in flock, where it shows a run.
looks_on() { # NAME
	grep -q "OFDLCK .* $(((1 << 40) + pid_of[$1])) " /proc/locks
}

shows() { # NAME TEXT [ERRORS]
	[[ -e $1.out && -e $1.err ]] || return 1
	[[ $(<"$1.out") == "$2" && ($# -lt 3 || $(<"$1.err") == "$3") ]]
}

assert_shows() {
	assert_equal "$1: $(<"$1.out")" "$1: $2"
	assert_equal "$1, errors: $(<"$1.err")" "$1, errors: ${3-}"
}

kill_leader() {
	kill -KILL "${pid_of[leader]}"
	finish leader 137
}

is_stopped() { # PID
	grep -q '^State:[[:space:]]*T' "/proc/$1/status"
}

stop() { # NAME
	kill -STOP "${pid_of[$1]}"
	wait_until is_stopped "${pid_of[$1]}"
}

proceed() { # NAME
	kill -CONT "${pid_of[$1]}"
}

# Nothing but this one line on stderr, and the status that goes with it.
assert_differs() { # NAME OUTPUT
	finish "$1" 125
	assert_shows "$1" "$2" "dpcache: the run died half-way, and the next one's output differs"
}

# The bytes are in the leader's file: whoever may show them would do so.
are_recorded() { # TEXT
	grep -qrF -- "$1" "$DPCACHE_DIR/locks"
}

assert_hit() { # OUTPUT
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision run -0 --separate-stderr dpcache run ./job
	assert_output "$1"
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision assert_decision hit
}

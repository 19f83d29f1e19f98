#!/usr/bin/env bats
# dpcache run --follow: those who wait see the output of another's run as it comes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes;
# tests are subshells; variables are set by run and start

load follow

# --- as it comes ---

@test "dpcache run --follow: both streams come as they are produced, and the status at the end" {
	lead leader
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision follow a
	tell 1 'echo one'
	wait_until shows a one
	tell 1 'printf two >&2'
	wait_until shows a one two
	tell 1 'echo three'
	wait_until shows a $'one\nthree' two
	tell 1 'exit 3'
	finish leader 3
	finish a 3
	assert_shows a $'one\nthree' two
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision assert_decision follow
	assert_runs runs 1
}

@test "dpcache run --follow: who comes late is shown all from the beginning" {
	lead leader
	tell 1 'echo one'
	wait_until shows leader one
	follow a
	wait_until shows a one
	follow b
	wait_until shows b one
	tell 1 'echo two' 'exit 0'
	for name in leader a b; do
		finish "$name"
		assert_shows "$name" $'one\ntwo'
	done
	assert_runs runs 1
}

@test "dpcache run --follow: never, and auto where stdout is no terminal, show nothing before the end" {
	lead leader
	follow a
	start auto dpcache run ./job
	start never dpcache run --follow never ./job
	wait_until assert_blocked 2 auto never
	tell 1 'echo one'
	wait_until shows a one
	tell 1 'echo two'
	wait_until shows a $'one\ntwo'
	assert_shows auto ''
	assert_shows never ''
	tell 1 'exit 0'
	for name in leader a auto never; do
		finish "$name"
		assert_shows "$name" $'one\ntwo'
	done
	assert_runs runs 1
}

@test "dpcache run --follow: streams that are one stay in order" {
	start_merged() { # NAME OPTION...
		start "$1" sh -c 'exec "$@" 2>&1' sh dpcache run "${@:2}" ./job
	}
	start_merged leader
	wait_until has_run 1
	start_merged a --follow always
	wait_until looks_on a
	tell 1 'i=0; while [ $i -lt 100 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'
	for ((i = 0; i < 100; i++)); do printf 'out %d\nerr %d\n' "$i" "$i"; done >expected
	wait_until shows a "$(<expected)"
	tell 1 'exit 0'
	finish leader
	finish a
	cmp a.out expected
	assert_runs runs 1
}

@test "dpcache run --follow: a silent run gives its status alone" {
	lead leader
	follow a
	tell 1 'exit 7'
	finish leader 7
	finish a 7
	assert_shows a ''
	assert_runs runs 1
}

@test "dpcache run --follow: death of the command by a signal" {
	lead leader
	follow a
	tell 1 'echo one' 'kill -9 $$'
	finish leader 137
	finish a 137
	assert_shows a one
	assert_runs runs 1
}

@test "dpcache run --follow: any bytes, more of them than are kept in memory" {
	head -c 1000000 /dev/urandom >noise
	lead leader
	follow a
	tell 1 'head -c 40000 noise'
	head -c 40000 noise >beginning
	wait_until cmp -s a.out beginning
	tell 1 'tail -c +40001 noise; cat noise >&2'
	wait_until cmp -s a.err noise
	tell 1 'exit 0'
	finish leader
	finish a
	cmp a.out noise
	cmp a.err noise
	assert_runs runs 1
}

@test "dpcache run --follow: a slow reader gets all, and holds up nobody else" {
	head -c 1000000 /dev/urandom >noise
	lead leader
	start slow bash -c "set -o pipefail; dpcache run --follow always ./job | { head -c 100; $(held); cat; }"
	begun() {
		(($(stat -c %s slow.out) == 100))
	}
	tell 1 'cat noise'
	wait_until begun
	tell 1 'exit 3'
	finish leader 3
	cmp leader.out noise
	assert_equal "$(stat -c %s slow.out)" 100
	release
	finish slow 3
	cmp slow.out noise
	assert_runs runs 1
}

@test "dpcache run --follow: a reader that goes away harms nobody" {
	lead leader
	start short bash -c 'dpcache run --follow always ./job | head -n 1; exit ${PIPESTATUS[0]}'
	follow a
	tell 1 'echo one'
	wait_until shows short one
	for n in 2 3 4; do
		tell 1 "echo $n; echo error >&2"
		wait_until grep -q "$n" a.out
	done
	tell 1 'exit 5'
	for name in leader short a; do finish "$name" 5; done
	assert_shows short one $'error\nerror\nerror'
	assert_shows a $'one\n2\n3\n4' $'error\nerror\nerror'
}

@test "dpcache run --follow: a stream that takes no more is an error" {
	lead leader
	start a sh -c 'exec dpcache run --follow always ./job >/dev/full'
	wait_until looks_on a
	tell 1 'echo one'
	finish a 125
	assert_shows a '' 'dpcache: cannot write to stdout: No space left on device'
	tell 1 'exit 0'
	finish leader
}

@test "dpcache run --follow: front and core lead and follow" {
	start leader "$BUILD/dpcache-core" run ./job
	wait_until has_run 1
	start a "$BUILD/dpcache-core" run --follow always ./job
	wait_until looks_on a
	follow b
	tell 1 'echo one'
	wait_until shows a one
	wait_until shows b one
	tell 1 'exit 0'
	for name in leader a b; do finish "$name"; done
	assert_runs runs 1
}

@test "dpcache run --follow: a follower killed harms nobody" {
	lead leader
	follow a
	follow b
	tell 1 'echo one'
	wait_until shows a one
	kill -KILL "${pid_of[a]}"
	finish a 137
	tell 1 'echo two' 'exit 0'
	for name in leader b; do
		finish "$name"
		assert_shows "$name" $'one\ntwo'
	done
	assert_hit $'one\ntwo'
}

@test "dpcache run --follow: with --stdin only who brings the same input is shown the run" {
	echo input >input
	echo other >other
	ask() { # NAME INPUT OPTION...
		start "$1" sh -c 'input=$1; shift; exec "$@" <"$input"' sh "$2" dpcache run --stdin "${@:3}" ./job
	}
	ask leader input
	wait_until has_run 1
	ask a input --follow always
	wait_until looks_on a
	ask b other --follow always
	wait_until has_run 2
	tell 1 'echo one'
	wait_until shows a one
	tell 2 'echo two'
	wait_until shows b two
	tell 1 'exit 0'
	tell 2 'exit 0'
	for name in leader a b; do finish "$name"; done
	assert_shows a one
	assert_shows b two
}

@test "dpcache run --follow: output that outgrows --max-output is shown to its end" {
	lead leader --max-output 1k
	follow a --max-output 1k
	tell 1 'echo one'
	wait_until shows a one
	head -c 200000 /dev/zero >large
	tell 1 'cat large'
	large_came() {
		(($(stat -c %s a.out) == 200004))
	}
	wait_until large_came
	tell 1 'echo end' 'exit 3'
	finish leader 3
	finish a 3
	cmp leader.out a.out
	assert_runs runs 1
}

# --- what is not shown before its end ---

# Who would show the run would do so at once; this one waits a while, and goes.
assert_shows_nothing_yet() { # OPTION...
	run --separate-stderr dpcache run --follow always --wait 1500ms --on-timeout fail "$@" ./job
	assert_equal "$status" 75
	assert_output ''
}

@test "dpcache run --follow: a run that may be held back is shown when it has ended well" {
	tell 1 'echo old' 'exit 0'
	dpcache run ./job >out
	lead leader --ttl 0 --stale-if-error 1h
	tell 2 'echo new'
	wait_until are_recorded new
	assert_shows_nothing_yet --ttl 0
	follow a --ttl 0
	start b dpcache run --follow always --ttl 0 --stale-if-error 1h ./job
	wait_until assert_blocked 1 b
	tell 2 'exit 0'
	for name in leader a b; do
		finish "$name"
		assert_shows "$name" new
	done
	assert_runs runs 2
}

@test "dpcache run --follow: of a run that fails, nobody who falls back on an old result is shown anything" {
	tell 1 'echo old' 'exit 0'
	dpcache run ./job >out
	# The leader holds nothing back: it would not fall back.
	lead leader --ttl 0
	follow a --ttl 0
	start b dpcache run --follow always --ttl 0 --stale-if-error 1h ./job
	wait_until assert_blocked 1 b
	tell 2 'echo new'
	wait_until shows a new
	assert_shows_nothing_yet --ttl 0 --stale-if-error 1h
	tell 2 'exit 3'
	finish leader 3
	finish a 3
	finish b
	assert_shows a new
	assert_shows b old
	assert_runs runs 2
}

@test "dpcache run --follow: within another's run nothing is shown before its end" {
	lead leader
	tell 1 'echo one'
	wait_until are_recorded one
	run --separate-stderr dpcache run sh -c \
		'dpcache run --follow always --wait 1500ms --on-timeout fail ./job'
	assert_equal "$status" 75
	assert_output ''
	start inner dpcache run sh -c 'dpcache run --follow always ./job'
	tell 1 'exit 0'
	finish leader
	finish inner
	assert_shows inner one
	assert_runs runs 1
}

@test "dpcache run --follow: what was invalidated before a caller came is not shown to him" {
	lead leader
	follow a
	tell 1 'echo one'
	wait_until shows a one
	dpcache invalidate --all
	start b dpcache run --follow always ./job
	wait_until assert_blocked 1 b
	tell 1 'echo two'
	wait_until shows a $'one\ntwo'
	assert_shows b ''
	tell 1 'exit 0'
	finish leader
	finish a
	wait_until has_run 2
	tell 2 'echo new' 'exit 0'
	finish b
	assert_shows b new
}

@test "dpcache run --follow --refresh: shows no run that began before, and one that began after" {
	lead leader
	for name in a b; do
		start "$name" dpcache run --refresh --follow always ./job
	done
	wait_until assert_blocked 2 a b
	tell 1 'echo one' 'exit 0'
	finish leader
	wait_until has_run 2
	tell 2 'echo new'
	wait_until shows a new
	wait_until shows b new
	tell 2 'exit 0'
	finish a
	finish b
	assert_runs runs 2
}

# --- with an end to the wait ---

# Shown a part when --wait is over: the leader goes on, and is not waited for.
begin_and_time_out() { # OPTION...
	lead leader
	tell 1 'echo one'
	wait_until are_recorded one
	start a dpcache run --follow always --wait 500ms "$@" ./job
	wait_until shows a one
}

end_leader() {
	tell 1 'exit 0'
	finish leader
	assert_shows leader one
}

@test "dpcache run --wait --follow: in time it is shown whole" {
	lead leader
	follow a --wait 1h
	tell 1 'echo one'
	wait_until shows a one
	tell 1 'exit 3'
	finish leader 3
	finish a 3
	assert_shows a one
}

@test "dpcache run --wait --on-timeout fail --follow: what was shown stays all there is" {
	begin_and_time_out --on-timeout fail
	finish a 75
	assert_equal "$(<a.out)" one
	end_leader
}

@test "dpcache run --wait --follow: out of time after a part, its own run goes on from there" {
	begin_and_time_out
	wait_until has_run 2
	tell 2 'echo one; echo two' 'exit 4'
	finish a 4
	assert_shows a $'one\ntwo'
	end_leader
	assert_hit one
}

@test "dpcache run --wait --follow: out of time after a part, and its own run says something else" {
	begin_and_time_out
	wait_until has_run 2
	tell 2 'echo other' 'exit 0'
	assert_differs a one
	end_leader
}

@test "dpcache run --wait --follow: out of time after a part, the core does as the front" {
	lead leader
	tell 1 'echo one'
	wait_until are_recorded one
	start a "$BUILD/dpcache-core" run --follow always --wait 500ms ./job
	wait_until has_run 2
	tell 2 'echo one; echo two' 'exit 4'
	finish a 4
	assert_shows a $'one\ntwo'
	end_leader
}

@test "dpcache run --wait --on-timeout stale --follow: nothing is shown of a run that the old result may have to stand in for" {
	tell 1 'echo one; echo old' 'exit 0'
	dpcache run ./job >out
	lead leader --ttl 0
	tell 2 'echo new'
	wait_until are_recorded new
	for program in dpcache dpcache-core; do
		start a "$BUILD/$program" run --ttl 0 --follow always --wait 500ms --on-timeout stale ./job
		finish a
		assert_shows a $'one\nold'
	done
	tell 2 'exit 0'
	finish leader
}

# --- on a terminal ---

ERASE=$'\r\e[K'

# start_on_terminal NAME COMMAND...: what the terminal shows is in NAME.tty.
start_on_terminal() {
	start "$1" script --quiet --return --flush --command "${*:2}" "$1.tty"
}

# The text on it, without what script adds.
on_terminal() { # NAME
	tr -d '\r' <"$1.tty" | sed -e '/^Script /d' -e '/^$/d'
}

tells() { # NAME PATTERN
	grep -Esq "$2" "$1.tty"
}

@test "dpcache run --follow auto: on a terminal the run is shown as it comes" {
	lead leader
	start_on_terminal a 'dpcache run ./job 2>a.errors'
	tell 1 'echo one'
	wait_until tells a '^one'
	tell 1 'echo two' 'exit 3'
	finish leader 3
	finish a 3
	assert_equal "$(on_terminal a)" $'one\ntwo'
	assert_runs runs 1
}

@test "dpcache run --follow never: on a terminal nothing is shown before the end" {
	lead leader
	start_on_terminal a 'dpcache run --follow never ./job'
	# Another key: its streams are one.
	wait_until has_run 2
	start_on_terminal b 'dpcache run --follow never ./job'
	start_on_terminal c 'dpcache run ./job'
	tell 2 'echo one'
	wait_until tells c '^one|Kone'
	tell 2 'echo two'
	wait_until tells c '^two'
	if tells b '^one|Kone'; then fail 'shown early'; fi
	tell 2 'exit 0'
	tell 1 'exit 0'
	for name in leader a b c; do finish "$name"; done
}

@test "dpcache run: on a terminal a line tells who runs it, and is gone at the end" {
	lead leader
	start_on_terminal a 'dpcache run ./job >a.result'
	wait_until tells a "dpcache: waiting for pid ${pid_of[leader]} \(running (under 1|[0-9]+) s"
	# It is written over itself.
	wait_until tells a "running [0-9]+ s.*running [0-9]+ s"
	tell 1 'echo one' 'exit 0'
	finish leader
	finish a
	assert_equal "$(<a.result)" one
	assert_equal "$(tr -d '\n' <a.tty | sed 's/Script done.*//' | tail -c 4)" "$ERASE"
	run -1 grep -c usually a.tty
}

@test "dpcache run: the line tells how long it took the last time, and how many wait" {
	tell 1 'exit 0'
	dpcache run ./job >out 2>err
	lead leader --ttl 0
	start a dpcache run --ttl 0 ./job
	wait_until assert_blocked 1 a
	start_on_terminal b 'dpcache run --ttl 0 ./job >b.result'
	wait_until tells b "dpcache: waiting for pid ${pid_of[leader]} \(running .*, usually under 1 s, 2 waiting\)"
	tell 2 'exit 0'
	for name in leader a b; do finish "$name"; done
}

@test "dpcache run -c: on a terminal the line is there as well" {
	start leader dpcache run -c ./job
	wait_until has_run 1
	start_on_terminal a "dpcache run -c ./job >a.result"
	wait_until tells a "dpcache: waiting for pid ${pid_of[leader]}"
	tell 1 'exit 0'
	finish leader
	finish a
}

@test "dpcache run --follow: on a terminal the line is gone before the first byte, and does not come back" {
	start leader sh -c 'exec dpcache run ./job 2>&1'
	wait_until has_run 1
	start_on_terminal a 'dpcache run ./job'
	wait_until tells a 'waiting for pid'
	tell 1 'printf one'
	wait_until tells a one
	last=$(tr -d '\n' <a.tty)
	[[ $last == *"${ERASE}one" ]] || fail "not erased: $(cat -v a.tty)"
	# Another on a terminal, who comes later, tells it again: a had time to do so.
	start_on_terminal b 'dpcache run --follow never ./job'
	wait_until tells b 'waiting for pid'
	tell 1 'exit 0'
	for name in leader a b; do finish "$name"; done
	assert_equal "$(on_terminal a | grep -o 'one.*')" one
}

@test "dpcache run --follow: on a terminal no line is written over what was shown of a run that died" {
	start_merged() { # NAME
		start "$1" sh -c 'exec dpcache run ./job 2>&1'
	}
	start_merged leader
	wait_until has_run 1
	start_on_terminal a 'sh -c "echo \$\$ >a.pid; exec dpcache run ./job"; :'
	tell 1 'printf one'
	wait_until tells a one
	pid_of[on_tty]=$(<a.pid)
	stop on_tty
	kill_leader
	start_merged next
	wait_until has_run 2
	# Whoever looks at it from now on waits for its end, and is not shown it.
	dpcache invalidate --match './job*'
	proceed on_tty
	waits_for_next() {
		dpcache locks | grep -q ' 1  ./job'
	}
	wait_until waits_for_next
	start_on_terminal b 'dpcache run ./job'
	# Who came last has told: the others had time to do so.
	wait_until tells b "waiting for pid ${pid_of[next]}"
	assert_equal "$(on_terminal a | grep -o 'one.*')" one
	tell 2 'echo one' 'exit 0'
	finish next
	wait_until has_run 3
	tell 3 'echo one; echo two' 'exit 0'
	finish a
	finish b
	assert_equal "$(on_terminal a | tail -n 2)" "$(on_terminal a | grep -o 'one.*')"$'\ntwo'
	if grep -q 'one.*waiting' a.tty; then fail "written over: $(cat -v a.tty)"; fi
}

@test "dpcache run: no line where stderr is no terminal" {
	lead leader
	start_on_terminal a 'dpcache run --follow never ./job 2>a.errors'
	start b dpcache run ./job
	wait_until assert_blocked 1 b
	start_on_terminal c 'dpcache run ./job >c.result'
	# Who came last has told: the others had time to do so.
	wait_until tells c 'waiting for pid'
	tell 1 'exit 0'
	for name in leader a b c; do finish "$name"; done
	assert_equal "$(<a.errors)" ''
	assert_equal "$(<b.err)" ''
	assert_equal "$(on_terminal a)" ''
}

@test "dpcache run: no line from a job in the terminal's background" {
	lead leader
	start_on_terminal a 'set -m; dpcache run ./job >a.result & wait'
	start_on_terminal b 'dpcache run ./job >b.result'
	wait_until tells b '2 waiting'
	tell 1 'exit 0'
	for name in leader a b; do finish "$name"; done
	if tells a waiting; then fail 'it tells'; fi
}

#!/usr/bin/env bats
# dpcache run --follow: the run of which some was shown does not come to its end, and
# what comes next goes on from there, or is told to be something else.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes;
# tests are subshells; variables are set by run and start

load follow

# --- the leader killed ---

# A leader at work, of whom a, and b if named, have shown "one" and half of "two".
begin_showing() { # NAME...
	local name
	lead leader
	for name; do follow "$name"; done
	tell 1 'printf "one\ntw"; printf er >&2'
	for name; do wait_until shows "$name" $'one\ntw' er; done
}

@test "dpcache run --follow: the leader killed, the follower takes over and goes on where it stopped" {
	begin_showing a
	kill_leader
	wait_until has_run 2
	tell 2 'echo one; printf tw; printf error >&2'
	wait_until shows a $'one\ntw' error
	tell 2 'echo o'
	wait_until shows a $'one\ntwo' error
	tell 2 'exit 3'
	finish a 3
	assert_shows a $'one\ntwo' error
	assert_runs runs 2
}

@test "dpcache run --follow: who takes over after showing a part gives it whole to others, now and later" {
	begin_showing a
	kill_leader
	wait_until has_run 2
	follow b
	start c dpcache run --follow never ./job
	wait_until assert_blocked 1 c
	tell 2 'echo one; echo error >&2'
	wait_until shows b one error
	tell 2 'echo two' 'exit 0'
	for name in a b c; do
		finish "$name"
		assert_shows "$name" $'one\ntwo' error
	done
	assert_hit $'one\ntwo'
	assert_equal "$stderr" error
	assert_runs runs 2
}

@test "dpcache run --follow: the leader killed, one takes over and the others go on with its run" {
	begin_showing a b c
	kill_leader
	wait_until has_run 2
	tell 2 'echo one; echo two; echo error >&2'
	for name in a b c; do wait_until shows "$name" $'one\ntwo' error; done
	tell 2 'exit 3'
	for name in a b c; do
		finish "$name" 3
		assert_shows "$name" $'one\ntwo' error
	done
	assert_runs runs 2
}

@test "dpcache run --follow: one leader after another killed, each with more to show" {
	begin_showing a
	kill_leader
	wait_until has_run 2
	lead_and_show() {
		tell "$1" "$2"
		wait_until shows b "$3"
	}
	# a leads now; b follows it, then c follows b.
	follow b
	lead_and_show 2 'echo one; echo two; echo er >&2' $'one\ntwo'
	kill -KILL "${pid_of[a]}"
	finish a 137
	wait_until has_run 3
	follow c
	tell 3 'echo one; printf er >&2'
	wait_until shows c one er
	kill -KILL "${pid_of[b]}"
	finish b 137
	wait_until has_run 4
	tell 4 'echo one; echo two; echo three; echo er >&2' 'exit 0'
	finish c
	assert_shows b $'one\ntwo' er
	assert_shows c $'one\ntwo\nthree' er
	assert_hit $'one\ntwo\nthree'
}

@test "dpcache run --follow: the leader killed, the rest comes from a result that is remembered meanwhile" {
	begin_showing a
	stop a
	kill_leader
	tell 2 'echo one; echo two; echo error >&2' 'exit 0'
	run -0 --separate-stderr timeout 60 dpcache run ./job
	assert_output $'one\ntwo'
	proceed a
	finish a
	assert_shows a $'one\ntwo' error
	assert_runs runs 2
}

# A leader whose file takes no more than a MiB; its own output goes nowhere.
begin_showing_of_one_who_gives_up() {
	start leader bash -c 'ulimit -f 1024; exec dpcache run ./job >/dev/null'
	wait_until has_run 1
	follow a
	tell 1 'echo one'
	wait_until shows a one
	stop a
	tell 1 'head -c 2000000 /dev/zero' 'touch told'
	wait_until test -e told
	proceed a
	wait_until has_run 2
}

@test "dpcache run --follow: the leader gives up recording, the follower runs it alone and goes on" {
	begin_showing_of_one_who_gives_up
	tell 2 'echo one; echo two' 'exit 4'
	finish a 4
	assert_shows a $'one\ntwo'
	tell 1 'exit 0'
	finish leader
	assert_runs runs 2
}

@test "dpcache run --follow: the leader killed before anything came, nothing need be the same" {
	lead leader
	follow a
	kill_leader
	wait_until has_run 2
	tell 2 'echo other' 'exit 0'
	finish a
	assert_shows a other
	assert_hit other
}

@test "dpcache run --follow: the leader ended by SIGTERM, the follower goes on" {
	begin_showing a
	kill -TERM "${pid_of[leader]}"
	finish leader 143
	wait_until has_run 2
	tell 2 'echo one; echo two; echo er >&2' 'exit 0'
	finish a
	assert_shows a $'one\ntwo' er
}

@test "dpcache run --follow: megabytes shown of a run that died are left out of the next" {
	head -c 3000000 /dev/urandom >noise
	lead leader
	follow a
	tell 1 'head -c 2000000 noise'
	head -c 2000000 noise >beginning
	wait_until cmp -s a.out beginning
	kill_leader
	wait_until has_run 2
	tell 2 'cat noise' 'exit 0'
	finish a
	cmp a.out noise
	dpcache run ./job | cmp - noise
	assert_runs runs 2
}

@test "dpcache run --follow: the reader gone and then the leader killed, who takes over remembers it whole" {
	lead leader
	start a bash -c 'dpcache run --follow always ./job | head -n 1; exit ${PIPESTATUS[0]}'
	tell 1 'echo one'
	wait_until shows a one
	# On stderr it is seen to have come so far.
	tell 1 'echo two' 'echo error >&2'
	wait_until shows a one error
	kill_leader
	wait_until has_run 2
	tell 2 'echo one; echo two; echo three; echo error >&2' 'exit 0'
	finish a
	assert_shows a one error
	assert_hit $'one\ntwo\nthree'
}

# --- the next run differs ---

@test "dpcache run --follow: the follower's own run says something else: 125, and nothing more goes out" {
	begin_showing a
	kill_leader
	wait_until has_run 2
	tell 2 'echo one; echo TWO; echo error >&2' 'exit 0'
	finish a 125
	assert_equal "$(<a.out)" $'one\ntw'
	[[ $(<a.err) == er*"dpcache: the run died half-way, and the next one's output differs" ]]
	# To others it is a result like any.
	assert_hit $'one\nTWO'
	assert_runs runs 2
}

# Of these, on stdout alone, the message is all that is on stderr.
begin_showing_out() { # NAME...
	local name
	lead leader
	for name; do follow "$name"; done
	tell "$(runs runs)" 'echo one'
	for name; do wait_until shows "$name" one; done
}

@test "dpcache run --follow: the follower's own run says less" {
	begin_showing_out a
	kill_leader
	wait_until has_run 2
	tell 2 'printf o' 'exit 0'
	assert_differs a one
	assert_hit o
}

@test "dpcache run --follow: the follower's own run fails without a word" {
	begin_showing_out a
	kill_leader
	wait_until has_run 2
	tell 2 'exit 3'
	assert_differs a one
}

# The next leader's run says something else than a was shown. Told not only at its end.
break_off() {
	begin_showing_out a
	stop a
	kill_leader
	lead next
	tell 2 'echo other'
	wait_until shows next other
	proceed a
	assert_differs a one
}

@test "dpcache run --follow: the next leader's run says something else" {
	break_off
	tell 2 'exit 0'
	finish next
	assert_shows next other
	assert_hit other
}

@test "dpcache run --follow: the next leader's run says less" {
	begin_showing_out a
	stop a
	kill_leader
	lead next
	proceed a
	wait_until looks_on a
	tell 2 'printf on' 'exit 0'
	finish next
	assert_differs a one
}

@test "dpcache run --follow: what is remembered says something else, or less" {
	begin_showing_out a b
	stop a
	stop b
	kill_leader
	tell 2 'echo on' 'exit 0'
	run -0 --separate-stderr timeout 60 dpcache run ./job
	assert_output on
	proceed a
	assert_differs a one
	dpcache invalidate --all
	tell 3 'printf on' 'exit 0'
	run -0 --separate-stderr timeout 60 dpcache run ./job
	proceed b
	assert_differs b one
	assert_runs runs 3
}

@test "dpcache run --follow: a run of its own beside a leader that gave up says something else" {
	begin_showing_of_one_who_gives_up
	tell 2 'echo other' 'exit 0'
	assert_differs a one
	tell 1 'exit 0'
	finish leader
}

@test "dpcache run --follow --stale-if-error: what was begun to be shown is gone on with, not held back" {
	lead leader
	follow a --ttl 0 --stale-if-error 1h
	tell 1 'echo one'
	wait_until shows a one
	stop a
	kill_leader
	# Now there is a result to fall back on.
	tell 2 'echo one; echo two' 'exit 0'
	run -0 --separate-stderr timeout 60 dpcache run ./job
	proceed a
	wait_until has_run 3
	tell 3 'echo one; echo three'
	wait_until shows a $'one\nthree'
	tell 3 'exit 3'
	finish a 3
	assert_shows a $'one\nthree'
	assert_hit $'one\ntwo'
}

@test "dpcache run --follow: asked to end before it has come as far as was shown, it ends so" {
	begin_showing_out a
	kill_leader
	wait_until has_run 2
	kill -TERM "${pid_of[a]}"
	finish a 143
	assert_shows a one
}

@test "dpcache run --follow --max-run: ended before it has come as far as was shown, it says that" {
	lead leader
	follow a --max-run 1s
	tell 1 'echo one'
	wait_until shows a one
	kill_leader
	wait_until has_run 2
	finish a 143
	assert_shows a one 'dpcache: ./job: ended after --max-run'
}

@test "dpcache run --follow: broken off, it is told as a decision" {
	local DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	export DPCACHE_STATUS_FILE
	break_off
	assert_decision follow
	jq -e '.exit == 125 and (.reason | contains("differs"))' "$DPCACHE_STATUS_FILE"
	tell 2 'exit 0'
	finish next
	assert_decision miss
}

@test "dpcache run --follow: broken off by what is remembered, it is told as a decision" {
	lead leader
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision follow a
	tell 1 'echo one'
	wait_until shows a one
	stop a
	kill_leader
	tell 2 'echo other' 'exit 0'
	dpcache run ./job >job.out 2>job.err
	proceed a
	assert_differs a one
	jq -e '.exit == 125 and (.reason | contains("differs"))' "$BATS_TEST_TMPDIR/decision"
}

# --- in another order ---

# Of the first run stdout alone was shown; the next begins with much on stderr.
NOISY='head -c 100000 /dev/zero | tr "\0" x >&2'

assert_shows_noisily() { # NAME OUTPUT
	finish "$1"
	assert_equal "$1: $(<"$1.out")" "$1: $2"
	assert_equal "$(tr -d x <"$1.err" | wc -c) $(wc -c <"$1.err")" '0 100000'
}

is_noisy() { # NAME
	[[ $(wc -c <"$1.err") == 100000 ]]
}

# The leader of a, who has shown "one", is killed; a looks on at the next.
lead_noisily() {
	begin_showing_out a
	stop a
	kill_leader
	lead next
	tell 2 "$NOISY"
	wait_until is_noisy next
	proceed a
	wait_until looks_on a
}

@test "dpcache run --follow: the follower's own run has other things to say first: they come, too" {
	begin_showing_out a
	kill_leader
	wait_until has_run 2
	tell 2 "$NOISY" 'echo one; echo two' "$NOISY" 'exit 0'
	finish a
	assert_shows a $'one\ntwo' "$(head -c 200000 /dev/zero | tr '\0' x)"
	assert_hit $'one\ntwo'
}

@test "dpcache run --follow: the follower's own run has other things to say first, and then differs: none of it comes" {
	begin_showing_out a
	kill_leader
	wait_until has_run 2
	tell 2 "$NOISY" 'echo other' "$NOISY" 'exit 0'
	assert_differs a one
	assert_hit other
}

@test "dpcache run --follow: the next leader has other things to say first: they come, too" {
	lead_noisily
	tell 2 'echo one; echo two'
	wait_until shows a $'one\ntwo'
	wait_until is_noisy a
	tell 2 'exit 0'
	for name in next a; do assert_shows_noisily "$name" $'one\ntwo'; done
}

@test "dpcache run --follow: the next leader has other things to say first, and then differs: none of it comes" {
	lead_noisily
	tell 2 'echo other'
	assert_differs a one
	tell 2 'exit 0'
	assert_shows_noisily next other
}

@test "dpcache run --follow: what is remembered says other things first: they come, too, or none of it" {
	local rest
	for rest in 'echo one; echo two' 'echo other'; do
		begin_showing_out a
		stop a
		kill_leader
		tell "$(($(runs runs) + 1))" "$NOISY" "$rest" 'exit 0'
		dpcache run ./job >job.out 2>job.err
		proceed a
		if [[ $rest == *two ]]; then assert_shows_noisily a $'one\ntwo'; else assert_differs a one; fi
		dpcache invalidate --all
	done
}

@test "dpcache run --follow --max-output: more than may be remembered, in another order: all of it comes" {
	lead leader --max-output 1k
	follow a --max-output 1k
	tell 1 'echo one'
	wait_until shows a one
	kill_leader
	wait_until has_run 2
	tell 2 "$NOISY" 'echo one; echo two' 'exit 0'
	assert_shows_noisily a $'one\ntwo'
}

@test "dpcache run --follow --wait: out of time after a part, its own run may say things in another order" {
	lead leader
	tell 1 'echo one'
	wait_until are_recorded one
	start a dpcache run --follow always --wait 500ms ./job
	wait_until has_run 2
	tell 2 "$NOISY" 'echo one; echo two' 'exit 0'
	assert_shows_noisily a $'one\ntwo'
	tell 1 'exit 0'
	finish leader
}

# --- cut short ---

# The leader of a, who has shown "one", is killed; the next one has a second.
begin_showing_and_lead_next() { # OPTION-OF-A...
	lead leader
	follow a "$@"
	tell 1 'echo one'
	wait_until shows a one
	stop a
	kill_leader
	lead next --max-run 1s
	proceed a
	wait_until looks_on a
}

@test "dpcache run --follow: the next leader ended by its --max-run before it says as much: run again" {
	begin_showing_and_lead_next
	finish next 143
	wait_until has_run 3
	tell 3 'echo one; echo two' 'exit 0'
	finish a
	assert_shows a $'one\ntwo'
}

@test "dpcache run --follow --max-run: the next leader ended by as much before it says as much: the same for all" {
	begin_showing_and_lead_next --max-run 1s
	finish next 143
	finish a 143
	assert_shows a one
	assert_runs runs 2
}

@test "dpcache run --follow: asked to end, its own run says less and calls that a success: 125" {
	begin_showing_out a
	kill_leader
	wait_until has_run 2
	tell 2 "trap 'exit 0' TERM" ': >ready'
	wait_until test -e ready
	kill -TERM "${pid_of[a]}"
	assert_differs a one
}

@test "dpcache run --follow: a leader stopped past its --max-run is ended by one who has shown a part" {
	lead leader --max-run 1s
	follow a
	tell 1 'echo one'
	wait_until shows a one
	stop leader
	finish leader 137
	wait_until has_run 2
	tell 2 'echo one; echo two' 'exit 0'
	finish a
	assert_shows a $'one\ntwo'
}

# --- read slowly ---

@test "dpcache run --follow: who takes over and is read slowly holds up nobody else" {
	head -c 600000 /dev/urandom >noise
	lead leader
	start slow bash -c "set -o pipefail; dpcache run --follow always ./job | { head -c 4; $(held); cat; }"
	tell 1 'echo one'
	wait_until shows slow one
	kill_leader
	wait_until has_run 2
	follow b
	tell 2 'echo one; cat noise' ': >printed'
	wait_until test -e printed
	tell 2 'exit 0'
	finish b
	release
	finish slow
	cmp slow.out b.out
	tail -c +5 slow.out | cmp - noise
}

#!/usr/bin/env bats
# dpcache run: whoever takes over from a leader that was killed starts the command
# when nothing of the run before is left.
#
# All processes of a leader are known by a variable in their environment. The
# command looks for them when it is run by another.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes;
# tests are subshells; stderr is set by run --separate-stderr

load helpers

setup() {
	common_setup
	make_hold
	make_job
}

teardown() {
	processes_of first | xargs -r kill -KILL 2>/dev/null || true
	end_started
}

# The marks are this test's own.
mark() { # NAME
	echo "LED_BY=$BATS_TEST_TMPDIR/$1"
}

processes_of() { # NAME
	grep -lzxF -- "$(mark "$1")" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}

nothing_is_left_of() { # NAME
	[[ -z $(processes_of "$1") ]]
}

# ./job: led by the first, it runs ./family and is held; led by another, it tells
# what is left of the first.
make_job() {
	cat >job <<-END
		#!/bin/bash
		$(counted runs)
		if [[ \$LED_BY == */first ]]; then . ./family; $(held); fi
		left=\$(grep -lzxF -- "$(mark first)" /proc/[0-9]*/environ 2>/dev/null)
		echo "left: \$left"
	END
	# One that tells that it is there and is then held.
	cat >member <<-END
		#!/bin/sh
		echo \$\$ >>members
		$(held)
	END
	: >members
	: >family
	chmod 755 job member
}

has_members() { # COUNT
	(($(wc -l <members) >= $1))
}

start_led_by() { # NAME COMMAND...
	start "$1" env "$(mark "$1")" "${@:2}"
}

start_first() { # MEMBERS DPCACHE...
	start_led_by first "${@:2}"
	wait_until has_run 1
	wait_until has_members "$1"
}

assert_second_finds_nothing() {
	finish second
	assert_equal "$(<second.out)" 'left: '
	assert_runs runs 2
}

keeper_of() { # NAME
	local pid=${pid_of[$1]}
	tr -d ' ' <"/proc/$pid/task/$pid/children"
}

is_stopped() { # PID
	grep -q '^State:[[:space:]]*T' "/proc/$1/status"
}

# assert_takes_over MEMBERS KILL...: the first is killed, so, while another waits.
assert_takes_over() {
	start_first "$1" dpcache run ./job
	start_led_by second dpcache run ./job
	wait_until assert_blocked 1 second
	"${@:2}"
	assert_second_finds_nothing
}

kill_first() {
	kill -KILL "${pid_of[first]}"
	finish first 137
}

# --- the leader killed ---

@test "dpcache run: the leader killed, its command is dead when another begins" {
	assert_takes_over 0 kill_first
}

@test "dpcache run: the leader killed, both ends of the command's pipe are dead when another begins" {
	echo './member | ./member &' >family
	assert_takes_over 2 kill_first
}

@test "dpcache run: the leader killed, grandchildren that ignore signals are dead when another begins" {
	echo "(trap '' TERM HUP INT QUIT; ./member; ./member) & (./member; ./member) &" >family
	assert_takes_over 2 kill_first
}

@test "dpcache run: the leader killed, one in a session of its own is dead when another begins" {
	echo 'setsid ./member & setsid sh -c "./member; :" &' >family
	assert_takes_over 2 kill_first
}

@test "dpcache run: the leader killed, one that forked twice is dead when another begins" {
	echo '(./member &); (setsid sh -c "./member & ./member &" >/dev/null 2>&1 &)' >family
	assert_takes_over 3 kill_first
}

@test "dpcache run: the leader killed, many are dead when another begins" {
	echo 'for i in {1..60}; do (./member &); ./member & done' >family
	assert_takes_over 120 kill_first
}

@test "dpcache run: the leader killed, those that never stop forking are dead when another begins" {
	# Each gives way to its successor, with no parent to be killed first.
	cat >restless <<-'END'
		#!/bin/bash
		if (($1 < 20)); then echo $$ >>members; fi
		./restless $(($1 + 1)) & exit
	END
	chmod 755 restless
	echo '(./restless 1 &)' >family
	assert_takes_over 19 kill_first
}

@test "dpcache run: the leader killed, another dpcache in its command is dead when another begins" {
	echo 'dpcache run --salt inner sh -c "./member | ./member; :" &' >family
	assert_takes_over 2 kill_first
}

@test "dpcache run: the leader killed with nobody waiting, the one who comes later finds nothing left" {
	echo './member | ./member &' >family
	start_first 2 dpcache run ./job
	kill_first
	start_led_by second dpcache run ./job
	assert_second_finds_nothing
	assert_equal "$(find "$DPCACHE_DIR/locks" -type f)" ''
}

@test "dpcache run: the leader killed when the command has ended, what still holds its output is dead too" {
	# The job's own end is awaited by its children's becoming orphans.
	echo './member & exit 0' >family
	ended() {
		[[ $(ps -o ppid= -p "$(<members)") -eq $(keeper_of first) ]]
	}
	wait_and_kill() {
		wait_until ended
		kill_first
	}
	assert_takes_over 1 wait_and_kill
}

@test "dpcache run: the leader stopped and then killed, nothing is left when another begins" {
	stop_and_kill() {
		kill -STOP "${pid_of[first]}"
		wait_until is_stopped "${pid_of[first]}"
		kill_first
	}
	echo './member | ./member &' >family
	assert_takes_over 2 stop_and_kill
}

@test "dpcache run: leader, command and the process between them stopped, and the leader killed" {
	stop_all_and_kill() {
		local pid
		for pid in $(processes_of first); do
			kill -STOP "$pid"
			wait_until is_stopped "$pid"
		done
		kill_first
	}
	echo './member | ./member &' >family
	assert_takes_over 2 stop_all_and_kill
}

@test "dpcache run: the leader's whole process group killed, what left the group is dead when another begins" {
	kill_group() {
		kill -KILL -- "-${pid_of[first]}"
		finish first 137
	}
	echo 'setsid ./member & ./member &' >family
	start_led_by first setsid dpcache run ./job
	wait_until has_members 2
	start_led_by second dpcache run ./job
	wait_until assert_blocked 1 second
	kill_group
	assert_second_finds_nothing
}

@test "dpcache run: the leader ended by a signal that it does not pass on, nothing is left" {
	echo './member | ./member &' >family
	# parallel(1), which may be above us, ignores it.
	start_first 2 env --default-signal=ALRM dpcache run ./job
	kill -ALRM "${pid_of[first]}"
	finish first 142
	start_led_by second dpcache run ./job
	assert_second_finds_nothing
}

@test "dpcache run: the leader killed at any of its steps leaves nothing to run beside another" {
	echo './member | ./member &' >family
	# Each of the two programs, front and core, polls once before the core does so
	# for the command.
	local round=0 call when
	for call in socketpair:1 clone,fork,vfork:1 poll,ppoll:3; do
		round=$((round + 1))
		when=${call#*:}
		: >members
		start_led_by first ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" strace -D -qq -o "trace.$round" -e "trace=${call%:*}" \
			-e "inject=${call%:*}:signal=KILL:when=$when" dpcache run --salt "$round" ./job
		finish first 137
		run -0 --separate-stderr env "$(mark second)" timeout 60 dpcache run --salt "$round" ./job
		assert_output 'left: '
	done
}

# --- the process between them ---

@test "dpcache run: the keeper killed, the command dies, and its result is nobody's" {
	echo 'echo $$ >leader' >family
	start_first 0 dpcache run --cache-exit any ./job
	wait_until test -s leader
	start_led_by second dpcache run --cache-exit any ./job
	wait_until assert_blocked 1 second
	kill -KILL "$(keeper_of first)"
	finish first 137
	run cat first.err
	assert_output --partial 'not remembered'
	finish second
	assert_runs runs 2
	dead() {
		local stat
		stat=$(cat "/proc/$(<leader)/stat" 2>/dev/null) || return 0
		# Nobody may be there to reap it.
		[[ $stat == *') Z '* ]]
	}
	dead
}

@test "dpcache run: no process of ours is left at the end" {
	run -0 env "$(mark second)" dpcache run ./job
	nothing_is_left_of second
	run -3 env "$(mark second)" dpcache run sh -c 'exit 3'
	nothing_is_left_of second
	run -126 env "$(mark second)" dpcache run "$PWD"
	printf 'no program' >broken
	printf '#!/there/is/no/such/program\n' >broken
	chmod 755 broken
	run -127 env "$(mark second)" dpcache run ./broken
	nothing_is_left_of second
	run -0 env "$(mark second)" dpcache run --no-cache --max-run 1h true
	nothing_is_left_of second
}

@test "dpcache run: what the command left in the background on purpose goes on" {
	# The members are held, and the job is not.
	echo '(setsid ./member >/dev/null 2>&1 &); ./member >/dev/null 2>&1 & while (($(wc -l <members) < 2)); do :; done; exit 0' >family
	start_led_by first dpcache run ./job
	finish first
	for pid in $(<members); do
		kill -0 "$pid"
	done
	assert_equal "$(processes_of first | wc -l)" 2
}

@test "dpcache run: an orphan of the command is not left a zombie while that goes on" {
	echo '(./member &); echo $$ >leader' >family
	start_first 1 dpcache run ./job
	kill -KILL "$(<members)"
	gone() {
		[[ ! -e /proc/$(<members) ]]
	}
	wait_until gone
	release
	finish first
}

@test "dpcache run: too few descriptors for a keeper, and the command runs all the same" {
	# From the least that is enough to run at all, up.
	local enough=0 limit
	for limit in {100..125}; do
		if (ulimit -n "$limit" && dpcache run --salt "$limit" echo out) >out 2>err; then
			assert_equal "$limit: $(<out)" "$limit: out"
			[[ -s err ]] || enough=$((enough + 1))
		else
			fail "with ulimit -n $limit: $(<err)"
		fi
	done
	((enough))
}

@test "dpcache run: no process for a keeper, and the command runs all the same" {
	run -0 strace -f -qq -o trace -e trace=clone,fork -e inject=clone,fork:error=EAGAIN:when=1 \
		dpcache run echo out
	assert_output --partial out
	grep -q INJECTED trace
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	run -0 dpcache run echo out
	assert_decision hit
}

@test "leader stopped past its --max-run: it is ended, and one of those who wait takes over" {
	start first env "$(mark first)" dpcache run --key k --max-run 100ms -- ./job
	wait_until has_run 1
	kill -STOP "${pid_of[first]}"
	for name in a b; do start "$name" dpcache run --key k -- ./job; done
	# Some seconds, for a leader that is not stopped may need them to end its command.
	for name in a b; do
		finish "$name"
		assert_equal "$name: $(<"$name.out")" "$name: left: "
	done
	assert_runs runs 2
}

@test "leader stopped without --max-run: --wait ends the wait, and its late result does not replace a newer one" {
	printf '%s\n' '#!/bin/sh' "$(numbered runs)" \
		"[ \$n -gt 1 ] || $(held)" 'echo result $n' >numbered
	chmod 755 numbered
	start first dpcache run --key k -- ./numbered
	wait_until has_run 1
	kill -STOP "${pid_of[first]}"
	run -0 --separate-stderr dpcache run --key k --wait 100ms -- ./numbered
	assert_output 'result 2'
	dpcache run --key k --no-coalesce -- ./numbered >newer
	kill -CONT "${pid_of[first]}"
	release
	finish first
	assert_equal "$(<first.out)" 'result 1'
	run -0 --separate-stderr dpcache run --key k -- ./numbered
	assert_output "$(<newer)"
}

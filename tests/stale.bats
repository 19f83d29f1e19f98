#!/usr/bin/env bats
# dpcache run --stale: past the ttl everybody is answered at once, and one
# refreshes behind their backs.
#
# With --ttl 0 every result is past its ttl. A refresh that is to be seen at
# work stops at a fifo until it is let go; it is over when its lock is gone.
# shellcheck disable=SC2016,SC2030,SC2031,SC2120,SC2154,SC2317 # scripts in quotes;
# tests are subshells; variables are set by run and start

load helpers

setup() {
	common_setup
	make_source
	make_askers --stale 1h
}

teardown() {
	# A refresh that a failed test left at work is nobody's child.
	release
	end_started
}

logged() { # PATTERN
	grep -q -- "$1" "$DPCACHE_LOG"
}

# A result that is there, and a refresh that is held at work.
hold_refresh() { # OPTION...
	ask "$@" >first.out 2>first.err
	: >slow
	assert_gives 'result 1' ask "$@"
	wait_until has_run 2
}

# --- at once, and behind ---

# For a probe: the dpcache that leads the run is the parent of the command's
# parent, the keeper.
LEADER='leader=$(sed "s/.*) //" /proc/$PPID/stat | cut -d " " -f 2)'

@test "dpcache run --stale: past the ttl the old result comes at once, on both streams, and is refreshed" {
	hold_refresh
	assert_equal "$stderr" 'notice 1'
	release
	refreshed
	assert_gives 'result 2' look
	assert_equal "$stderr" 'notice 2'
	assert_runs runs 2
}

@test "dpcache run --stale: the exit status is that of the old result" {
	command="$(counted runs); exit \$(wc -l <$BATS_TEST_TMPDIR/runs)"
	run -1 dpcache run --ttl 0 --stale 1h --cache-exit any sh -c "$command"
	run -1 dpcache run --ttl 0 --stale 1h --cache-exit any sh -c "$command"
	refreshed
	run -2 dpcache run --ttl 1h --cache-exit any sh -c "$command"
}

many_have_the_old_result() {
	local name names=(1 2 3 4 5 6 7 8)
	for name in "${names[@]}"; do start "$name" ask; done
	for name in "${names[@]}"; do
		finish "$name"
		assert_equal "$(<"$name.out")" 'result 1'
	done
}

@test "dpcache run --stale: of many callers one refreshes, and all have the old result" {
	hold_refresh
	many_have_the_old_result
	assert_runs runs 2
	release
	refreshed
	assert_runs runs 2
}

@test "dpcache run --stale: of many who come to an old result at once one refreshes" {
	ask >out 2>err
	: >slow
	many_have_the_old_result
	wait_until has_run 2
	release
	refreshed
	assert_runs runs 2
}

@test "dpcache run --stale: within the ttl nothing is refreshed" {
	dpcache run --ttl 1h --stale 1h -- ./source >out 2>err
	assert_gives 'result 1' dpcache run --ttl 1h --stale 1h -- ./source
	assert_equal "$(find "$DPCACHE_DIR/locks" -type f)" ''
	assert_runs runs 1
}

@test "dpcache run --stale: past its window it is no answer" {
	ask >out 2>err
	assert_gives 'result 2' dpcache run --ttl 0 --stale 1ns -- ./source
}

@test "dpcache run --stale: the window is the asker's, whatever the writer's was" {
	look >out 2>err
	assert_gives 'result 1' ask
	refreshed
	assert_runs runs 2
	assert_gives 'result 3' dpcache run --ttl 0 -- ./source
}

@test "dpcache run --stale forever: has no end" {
	ask >out 2>err
	assert_gives 'result 1' dpcache run --ttl 0 --stale forever -- ./source
	refreshed
	assert_runs runs 2
}

@test "dpcache run --stale: a result of more than 64 KiB" {
	seq 50000 >large
	printf '%s\n' "$(counted large-runs)" 'cat large' >probe
	ask >out 2>err
	ask >out 2>err
	head -n 50000 out | cmp - large
	refreshed
	look >out 2>err
	head -n 50000 out | cmp - large
	assert_equal "$(tail -n 1 out)" 'result 2'
}

@test "dpcache run --stale: answered by the core, from the database, it is refreshed as well" {
	ask >out 2>err
	rm -r "$DPCACHE_DIR/shelf"
	assert_gives 'result 1' ask
	# There was nothing to claim.
	wait_until has_run 2
	refreshed
	assert_gives 'result 2' look
	assert_gives 'result 2' "$BUILD/dpcache-core" run --ttl 0 --stale 1h -- ./source
	refreshed
	assert_gives 'result 3' look
}

@test "dpcache run --stale --no-write: the old result comes, and nothing is refreshed" {
	ask >out 2>err
	assert_gives 'result 1' ask --no-write
	no_refresh
	assert_runs runs 1
}

@test "dpcache run --stale: a command that asks for itself does not refresh itself" {
	ask >out 2>err
	printf '%s\n' 'dpcache run --ttl 0 --stale 1h -- ./source >inner.out 2>inner.err' >probe
	assert_gives 'result 1' ask
	refreshed
	assert_equal "$(<inner.out)" 'result 1'
	assert_runs runs 2
}

@test "dpcache run --stale: counted by stats, and as a use of the entry" {
	ask >out 2>err
	ask >out 2>err
	refreshed
	assert_json '.stale == 1 and .hits == 0 and .misses == 2' dpcache stats --json
	assert_json '.[0].hits == 1' dpcache ls --json
}

# --- detached ---

@test "dpcache run --stale: a command substitution does not wait for the refresh" {
	ask >out 2>err
	: >slow
	run -0 --separate-stderr timeout 60 bash -c 'x=$(ask 2>&1 >&3 | cat); x=$(ask); echo "got $x"' 3>/dev/null
	assert_output 'got result 1'
	wait_until has_run 2
	assert_runs runs 2
}

@test "dpcache run --stale: neither does a pipe on stderr" {
	ask >out 2>err
	: >slow
	run -0 --separate-stderr timeout 60 bash -c '{ ask 2>&1 >&3 | cat; } 3>out'
	assert_output 'notice 1'
	wait_until has_run 2
}

# The links that lead from a process's descriptors, of the refreshing dpcache and
# of its command.
list_descriptors() {
	printf '%s\n' "$LEADER" 'ls -l /proc/$leader/fd >dpcache-fds' 'ls -l /proc/$$/fd >command-fds' >probe
}

@test "dpcache run --stale: the refresh has none of the caller's descriptors" {
	ask >out 2>err
	list_descriptors
	: >slow
	: >leak
	mkfifo pipe
	exec 7>leak 8<>pipe
	ask >out 2>err </dev/zero 9>&1
	exec 7>&- 8>&-
	wait_until has_run 2
	wait_until grep -q ' 0 ->' command-fds
	for fds in dpcache-fds command-fds; do
		run -1 grep -E '/(leak|pipe|out|err|zero)$' "$fds"
	done
	for fd in 0 1 2; do grep -q " $fd -> /dev/null" dpcache-fds || fail "$(<dpcache-fds)"; done
	grep -q ' 0 -> /dev/null' command-fds
}

# From /proc/PID/stat, counted behind the name: 4 is the session, 5 the terminal.
stat_field() { # FILE N
	sed 's/.*) //' "$1" | cut -d ' ' -f "$2"
}

@test "dpcache run --stale: the refresh is in a session of its own" {
	ask >out 2>err
	printf '%s\n' "$LEADER" 'cat /proc/$leader/stat >dpcache-stat' >probe
	: >slow
	ask >out 2>err
	wait_until has_run 2
	wait_until test -s dpcache-stat
	assert_equal "$(stat_field dpcache-stat 4)" "$(cut -d ' ' -f 1 dpcache-stat)"
	assert_equal "$(stat_field dpcache-stat 5)" 0
}

@test "dpcache run --stale: the refresh survives the terminal of the caller" {
	command -v script >/dev/null || skip 'no script'
	look --key k >out 2>err
	: >slow
	run -0 script -qec 'exec dpcache run --ttl 0 --stale 1h --key k -- ./source' /dev/null </dev/null 3>&-
	assert_output --partial 'result 1'
	wait_until has_run 2
	release
	refreshed
	# On a terminal both streams were one.
	run -0 --separate-stderr look --key k
	assert_line 'result 2'
}

@test "dpcache run --stale: the refresh survives SIGHUP and SIGINT to the caller's group" {
	ask >out 2>err
	: >slow
	start group setsid sh -c 'dpcache run --ttl 0 --stale 1h -- ./source; '"$(held)"
	wait_until has_run 2
	wait_until grep -q 'result 1' group.out
	kill -INT -- "-${pid_of[group]}"
	kill -HUP -- "-${pid_of[group]}"
	wait "${pid_of[group]}" || true
	release
	refreshed
	assert_gives 'result 2' look
}

@test "dpcache run --stale: the refresh runs where the caller was" {
	mkdir elsewhere
	printf '%s\n' 'pwd -P >>where' >probe
	ask >out 2>err
	ask >out 2>err
	refreshed
	assert_equal "$(<where)" "$(pwd -P)"$'\n'"$(pwd -P)"
}

# --- in the foreground ---

@test "dpcache run --stale --refresh-mode fg: one runs and has the new result, the others have the old" {
	ask >out 2>err
	: >slow
	start winner ask --refresh-mode fg
	wait_until has_run 2
	assert_gives 'result 1' ask --refresh-mode fg
	assert_gives 'result 1' ask
	release
	finish winner
	assert_equal "$(<winner.out)" 'result 2'
	assert_gives 'result 2' look
	assert_runs runs 2
}

@test "dpcache run --stale: in the foreground where CI is set" {
	ask >out 2>err
	export CI=true
	assert_gives 'result 2' ask
	assert_gives 'result 3' ask --refresh-mode auto
	assert_runs runs 3
}

@test "dpcache run --stale: behind the caller's back where CI is empty, 0 or false" {
	ask >out 2>err
	for CI in '' 0 false; do
		export CI
		before=$(runs runs)
		assert_gives "result $before" ask
		refreshed
		assert_runs runs $((before + 1))
	done
}

@test "dpcache run --stale --refresh-mode bg: behind the caller's back though CI is set" {
	ask >out 2>err
	export CI=true
	assert_gives 'result 1' ask --refresh-mode bg
	refreshed
	assert_gives 'result 2' look
}

@test "dpcache run --stale --refresh-mode fg: the one who runs says miss, the log says why" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	ask >out 2>err
	ask --refresh-mode fg >out 2>err
	run -0 jq -r '.status + " " + .reason' "$DPCACHE_LOG"
	assert_output $'miss \nmiss stale'
}

@test "dpcache run --stale --refresh-mode fg: its failure is the answer of the one who runs, and the old result stays" {
	ask >out 2>err
	: >broken
	run -3 --separate-stderr ask --refresh-mode fg
	assert_output 'failure 2'
	assert_gives 'result 1' look
}

# --- what becomes of the old result ---

@test "dpcache run --stale: a caller for whom it is too old waits for the refresh at work" {
	hold_refresh
	start late dpcache run --ttl 0 --stale 1ns -- ./source
	wait_until assert_blocked 1 late
	release
	finish late
	assert_equal "$(<late.out)" 'result 2'
	assert_runs runs 2
}

@test "dpcache run --stale: the old result stays while the refresh is half done" {
	printf '%s\n' 'echo half' >probe
	hold_refresh_of_half() {
		ask >out 2>err
		: >slow
		ask >out 2>err
		wait_until has_run 2
	}
	hold_refresh_of_half
	assert_gives $'half\nresult 1' ask
	assert_gives $'half\nresult 1' look
	release
	refreshed
	assert_gives $'half\nresult 2' look
}

@test "dpcache run --stale: a refresh that is killed leaves the old result, and the next caller refreshes" {
	printf '%s\n' "$LEADER" 'echo $leader >>pids' >probe
	hold_refresh
	# It shows that it runs before it tells who leads it.
	is_known() { (($(wc -l <pids) == 2)); }
	wait_until is_known
	kill -KILL "$(tail -n 1 pids)"
	# Its file is left, but nobody holds it.
	is_let_go() { ! find "$DPCACHE_DIR/locks" -type f -printf ':%i \n' | grep -qFf - /proc/locks; }
	wait_until is_let_go
	assert_gives 'result 1' ask
	wait_until has_run 3
	release
	refreshed
	assert_gives 'result 3' look
	assert_runs runs 3
}

@test "dpcache run --stale: a refresh that fails leaves the old result" {
	ask >out 2>err
	: >broken
	assert_gives 'result 1' ask
	refreshed
	assert_runs runs 2
	assert_gives 'result 1' ask
	assert_gives 'result 1' look
}

@test "dpcache run --stale: a source that fails is left alone for a while" {
	ask >out 2>err
	: >broken
	for _ in 1 2 3 4 5; do
		assert_gives 'result 1' ask --ttl-fail 1h
		refreshed
	done
	assert_runs runs 2
}

@test "dpcache run --stale: after that while it is asked again, and once it answers all is well" {
	ask >out 2>err
	: >broken
	for n in 2 3 4; do
		assert_gives 'result 1' ask --ttl-fail 1ns
		refreshed
		assert_runs runs "$n"
	done
	rm broken
	assert_gives 'result 1' ask --ttl-fail 1ns
	refreshed
	assert_gives 'result 5' look
	assert_equal "$(find "$DPCACHE_DIR/shelf" -name '*.err')" ''
}

@test "dpcache run --stale --ttl-fail: the failure of a refresh does not take the old result's place" {
	ask >out 2>err
	: >broken
	ask --ttl-fail 1h >out 2>err
	refreshed
	assert_gives 'result 1' look --ttl-fail 1h
	assert_runs runs 2
}

@test "dpcache run --stale: a command that cannot be executed is left alone for a while, too" {
	ask --key k >out 2>err
	mv source gone
	for _ in 1 2 3; do
		assert_gives 'result 1' ask --key k --ttl-fail 1h
		refreshed
	done
	mv gone source
	assert_gives 'result 1' ask --key k --ttl-fail 1h
	no_refresh
	assert_runs runs 1
}

@test "dpcache run: a result anew ends the pause, whoever brought it" {
	ask >out 2>err
	: >broken
	ask --ttl-fail 1h >out 2>err
	refreshed
	rm broken
	assert_gives 'result 3' look --refresh
	assert_gives 'result 3' ask --ttl-fail 1h
	refreshed
	assert_gives 'result 4' look
}

@test "dpcache rm and invalidate: the note of a failing source goes with its result" {
	ask --key k >out 2>err
	: >broken
	ask --key k --ttl-fail 1h >out 2>err
	refreshed
	assert_equal "$(find "$DPCACHE_DIR/shelf" -name '*.err' | wc -l)" 1
	dpcache invalidate k
	assert_equal "$(find "$DPCACHE_DIR/shelf" -type f)" ''
}

# --- what the question holds ---

@test "dpcache run --stale --stdin: the refresh reads what the caller was given" {
	ask_cat() {
		dpcache run --ttl 0 --stale 1h --stdin -- sh -c "$(counted runs); cat; wc -l <$BATS_TEST_TMPDIR/runs"
	}
	expect() { # N COMMAND...
		"${@:2}" >out 2>err
		printf 'some\nwords\n%s\n' "$1" | diff - out
	}
	printf 'some\nwords\n' >words
	from_pipe() { cat words | ask_cat; }
	from_file() { ask_cat <words; }
	from_middle() { { read -r _ && ask_cat; } < <(cat - words <<<first) ; }
	expect 1 from_pipe
	expect 1 from_pipe
	refreshed
	expect 2 from_file
	refreshed
	expect 3 from_middle
	refreshed
	expect 4 from_file
	refreshed
	assert_runs runs 5
}

@test "dpcache run --stale --stdin: whoever reads on behind the caller finds the input read" {
	printf 'some\nwords\n' >words
	read_both() {
		{ dpcache run --ttl 0 --stale 1h --stdin -- cat; cat; } <words
	}
	for _ in 1 2 3; do
		assert_equal "$(read_both)" $'some\nwords'
		refreshed
	done
}

@test "dpcache run --stale --inputs-from -: the refresh knows the inputs" {
	echo a >a
	ask --inputs-from - <<<a >out 2>err
	run -0 --separate-stderr ask --inputs-from - <<<a
	assert_output 'result 1'
	refreshed
	assert_runs runs 2
	run -0 --separate-stderr look --inputs-from - <<<a
	assert_output 'result 2'
}

@test "dpcache run --stale --input: another content is another question" {
	echo one >input
	ask --input input >out 2>err
	echo other >input
	assert_gives 'result 2' ask --input input
	echo one >input
	assert_gives 'result 1' ask --input input
	refreshed
	assert_runs runs 3
}

@test "dpcache run --stale --key: a name is refreshed" {
	ask --key k >out 2>err
	assert_gives 'result 1' ask --key k
	refreshed
	assert_equal "$(dpcache get --ttl 1h k 2>err)" 'result 2'
}

@test "dpcache run --stale -c: a line of shell is refreshed" {
	for n in 1 1; do assert_gives "result $n" dpcache run --ttl 0 --stale 1h -c './source | cat'; done
	refreshed
	assert_gives 'result 2' dpcache run --ttl 1h -c './source | cat'
}

@test "dpcache run --stale: stdout and stderr as one stay one" {
	both() {
		dpcache run --stale 1h "$@" -- ./source >both 2>&1
	}
	both --ttl 0
	both --ttl 0
	assert_equal "$(<both)" $'result 1\nnotice 1'
	refreshed
	both --ttl 1h
	assert_equal "$(<both)" $'result 2\nnotice 2'
	assert_runs runs 2
}

# --- what is said ---

@test "dpcache run --stale: the caller says stale, the log has a line of the refresh" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	ask >out 2>err
	ask --status-fd 7 >out 2>err 7>line
	assert_decision stale
	wait_until logged refresh
	# It did not go over what the caller was told.
	assert_decision stale
	assert_equal "$(jq -r .status line)" stale
	assert_equal "$(wc -l <line)" 1
	jq -e '.age >= 0 and .exit == 0 and .reason == "stale"' line
	run -0 jq -r .status "$DPCACHE_LOG"
	assert_equal "$(sort <<<"$output")" $'miss\nrefresh\nstale'
	assert_equal "$(jq -r .key "$DPCACHE_LOG" | sort -u | wc -l)" 1
}

@test "dpcache run --stale: a refresh that fails says so in the log, and nowhere else" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	ask >out 2>err
	: >broken
	ask >out 2>err
	assert_equal "$(<err)" 'notice 1'
	wait_until logged refresh
	jq -e 'select(.status == "refresh") | .exit == 3 and (.reason | contains("failure"))' "$DPCACHE_LOG"
}

@test "dpcache run --stale -v: the refresh does not speak" {
	ask >out 2>err
	run -0 --separate-stderr ask -v
	refreshed
	assert_equal "${#stderr_lines[@]}" 2
	assert_equal "${stderr_lines[0]}" 'notice 1'
	[[ ${stderr_lines[1]} == 'dpcache: stale'* ]] || fail "${stderr_lines[1]}"
}

# --- --refresh ---

@test "dpcache run --refresh during a run: who waited before shares it, who comes later does not" {
	: >slow
	start leader look
	wait_until has_run 1
	start before look
	wait_until assert_blocked 1 before
	start refresh look --refresh
	wait_until assert_blocked 1 refresh
	start later look
	wait_until assert_blocked 1 later
	release
	for name in leader before refresh later; do finish "$name"; done
	assert_equal "$(cat leader.out before.out)" $'result 1\nresult 1'
	assert_equal "$(cat refresh.out later.out)" $'result 2\nresult 2'
	assert_gives 'result 2' look
	assert_runs runs 2
}

@test "dpcache run --refresh during a refresh behind: what that brings is not remembered" {
	hold_refresh
	start refresh look --refresh
	wait_until assert_blocked 1 refresh
	release
	finish refresh
	assert_equal "$(<refresh.out)" 'result 3'
	assert_gives 'result 3' look
	assert_runs runs 3
}

@test "dpcache run --refresh: while it runs, others have the old result" {
	ask >out 2>err
	: >slow
	start refresh look --refresh
	wait_until has_run 2
	assert_gives 'result 1' ask
	release
	finish refresh
	assert_runs runs 2
}

# --- pruning ---

@test "dpcache prune: leaves what is past its ttl and within its window" {
	dpcache run --ttl 0 --stale 1h -- true stale
	dpcache run --ttl 0 --stale-if-error 1h -- true error
	dpcache run --ttl 0 --stale 1ns --stale-if-error 1h -- true both
	dpcache run --ttl 0 --stale forever -- true forever
	dpcache run --ttl 0 --stale 1ns -- true past
	dpcache run --ttl 0 -- true none
	dpcache prune
	run jq -r 'map(.command) | sort | join(", ")' <(dpcache ls --json)
	assert_output 'true both, true error, true forever, true stale'
}

@test "dpcache run --stale: inputs that change between answer and refresh are read again, however deep they lie" {
	local deep unread
	deep=in$(printf '/d%.0s' {1..100})
	mkdir -p "$deep"
	echo one >"$deep/file"
	printf '%s\n' '#!/bin/sh' "$(counted large)" 'head -c 300000 /dev/zero | tr "\0" x' "cat $deep/file" >large
	chmod +x large
	dpcache run --input in ./large >first 2>err
	# What is very young is read each time, not only when it has changed; and a hit
	# after that notes that it no longer is.
	is_settled() { (($(date +%s) - $(stat -c %Z first) > 3)); }
	wait_until is_settled
	dpcache run --input in ./large >again 2>err
	# Half of the answer is not taken before the inputs have changed.
	mkfifo unread
	exec {unread}<>unread
	dpcache run --input in --ttl 0 --stale 1h ./large >unread 2>err 3>&- &
	head -c 1 <&"$unread" >second
	echo two >"$deep/file"
	head -c 300003 <&"$unread" >>second
	wait $!
	cmp first second
	has_run_again() { (($(runs large) == 2)); }
	wait_until has_run_again
	refreshed
	dpcache run --input in ./large >third 2>err
	assert_equal "$(tail -c 4 third)" two
	assert_runs large 2
}

#!/usr/bin/env bats
# dpcache run: what comes back is what the command gave, byte for byte, on a
# miss and on a hit, and the command sees nothing of us.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes; tests are
# subshells; stderr is set by run --separate-stderr

load helpers

setup() {
	common_setup
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
}

teardown() {
	end_started
}

# miss_and_hit STATUS COMMAND...: ask twice; the second is a hit and its
# streams and status are those of the first, which lie in out and err.
miss_and_hit() {
	local expected=$1 status=0
	shift
	"$@" >out 2>err || status=$?
	assert_equal "$status" "$expected"
	assert_decision miss
	status=0
	"$@" >out.hit 2>err.hit || status=$?
	assert_equal "$status" "$expected"
	assert_decision hit
	cmp out out.hit
	cmp err err.hit
}

# --- bytes ---

@test "dpcache run: stdout and stderr stay apart" {
	miss_and_hit 0 dpcache run sh -c 'echo to out; echo to err >&2; echo out again'
	assert_equal "$(<out)" $'to out\nout again'
	assert_equal "$(<err)" 'to err'
}

@test "dpcache run >FILE 2>&1: the order is exact, on a miss and on a hit" {
	for ((i = 0; i < 300; i++)); do printf 'out %d\nerr %d\n' "$i" "$i"; done >expected
	command='i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'
	dpcache run sh -c "$command" >miss 2>&1
	dpcache run sh -c "$command" >hit 2>&1
	assert_decision hit
	cmp miss expected
	cmp hit expected
}

@test "dpcache run 2>&1 | cat: the order is exact, on a miss and on a hit" {
	for ((i = 0; i < 300; i++)); do printf 'out %d\nerr %d\n' "$i" "$i"; done >expected
	command='i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'
	dpcache run sh -c "$command" 2>&1 | cat >miss
	dpcache run sh -c "$command" 2>&1 | cat >hit
	assert_decision hit
	cmp miss expected
	cmp hit expected
}

@test "dpcache run: binary bytes, NUL among them, come back as they were" {
	printf '\0\1\2\377\376\r\n\0' >data
	head -c 5000 /bin/sh >>data
	miss_and_hit 0 dpcache run cat data
	cmp out data
}

@test "dpcache run: no output is an output" {
	miss_and_hit 0 dpcache run true
	assert_file_empty out
	assert_file_empty err
}

@test "dpcache run: a last line without a newline gets none" {
	miss_and_hit 0 dpcache run printf 'no newline'
	printf 'no newline' | cmp - out
}

@test "dpcache run: output on stderr alone" {
	miss_and_hit 0 dpcache run sh -c 'echo only >&2'
	assert_file_empty out
	assert_equal "$(<err)" only
}

@test "dpcache run: 20 MB, file to file" {
	seq 2600000 >large
	miss_and_hit 0 dpcache run cat large
	cmp out large
}

@test "dpcache run: 20 MB, through pipes" {
	seq 2600000 >large
	dpcache run cat large | cmp - large
	assert_decision miss
	dpcache run cat large | cmp - large
	assert_decision hit
}

@test "dpcache run: 2 MB on each stream in turns" {
	seq 100000 >part
	miss_and_hit 0 dpcache run sh -c 'cat part; cat part >&2; cat part; cat part >&2; cat part; cat part >&2'
	cat part part part | tee >(cmp - out) | cmp - err
}

@test "dpcache run >>FILE: appends, on a miss and on a hit" {
	echo before >log
	dpcache run echo line >>log
	dpcache run echo line >>log
	assert_decision hit
	assert_equal "$(<log)" $'before\nline\nline'
}

@test "dpcache run >>FILE: appends output of any size" {
	seq 20000 >large
	dpcache run cat large >>log
	dpcache run cat large >>log
	assert_decision hit
	cat large large | cmp - log
}

@test "dpcache run: writes where the file's offset is" {
	{
		echo before
		dpcache run echo line
		dpcache run echo line
		echo behind
	} >log
	assert_equal "$(<log)" $'before\nline\nline\nbehind'
}

@test "dpcache run: a large hit leaves the file's offset behind it" {
	seq 20000 >large
	dpcache run cat large >/dev/null
	{
		dpcache run cat large
		echo behind
	} >log
	assert_decision hit
	{
		cat large
		echo behind
	} | cmp - log
}

# --- status ---

@test "dpcache run --cache-exit any: every exit status comes back, on a miss and on a hit" {
	for code in 0 1 2 7 63 64 75 77 124 125 126 127 128 129 137 143 254 255; do
		miss_and_hit "$code" dpcache run --cache-exit any sh -c "exit $code"
	done
}

@test "dpcache run --cache-exit any: death by signal N is 128+N, on a miss and on a hit" {
	ulimit -c 0
	for signal in 1 2 6 9 11 13 15; do
		miss_and_hit "$((128 + signal))" dpcache run --cache-exit any sh -c "kill -$signal \$\$"
	done
}

@test "dpcache run: what a command printed before it was killed comes back" {
	miss_and_hit 137 dpcache run --cache-exit any sh -c 'echo last words; kill -9 $$'
	assert_equal "$(<out)" 'last words'
}

@test "dpcache run: a command that closes its output is waited for, and its status counts" {
	make_hold
	start it timeout 60 dpcache run --cache-exit any sh -c "$(counted runs); exec >&- 2>&-; $(held); exit 5"
	wait_until has_run 1
	release
	finish it 5
}

# --- live ---

@test "dpcache run: a miss streams, the first line comes before the command ends" {
	make_hold
	mkfifo pipe
	start it timeout 60 dpcache run sh -c "echo first; $(held); echo second"
	# Not through a pipe of start's: what is read there is what has come.
	wait_until grep -q first it.out
	assert_equal "$(<it.out)" first
	release
	finish it
	assert_equal "$(<it.out)" $'first\nsecond'
}

@test "dpcache run | reader: a miss streams through a pipe too" {
	make_hold
	mkfifo pipe
	timeout 60 dpcache run sh -c "echo first; $(held); echo second" >pipe 3>&- &
	{
		read -r -t 60 line
		assert_equal "$line" first
		release
		read -r -t 60 line
		assert_equal "$line" second
	} <pipe
	wait $!
}

@test "dpcache run: stderr streams while stdout is silent" {
	make_hold
	start it timeout 60 dpcache run sh -c "echo first >&2; $(held)"
	wait_until grep -q first it.err
	release
	finish it
}

@test "dpcache run: a reader that is slow on one stream does not hold up the other" {
	mkfifo pipe
	seq 100000 >large
	# More than a pipe takes goes to stdout, unread; then stderr must come.
	timeout 60 dpcache run sh -c 'cat large & echo here >&2; wait' >pipe 2>err 3>&- &
	exec 7<pipe
	wait_until grep -q here err
	cmp - large <&7
	exec 7<&-
	wait $!
}

@test "dpcache run: what a background child still prints is part of it" {
	make_hold
	start it timeout 60 dpcache run sh -c "($(held); echo late) & echo early"
	wait_until grep -q early it.out
	release
	finish it
	assert_equal "$(<it.out)" $'early\nlate'
	run -0 --separate-stderr dpcache run sh -c "(read -r go <$BATS_TEST_TMPDIR/hold; echo late) & echo early"
	assert_output $'early\nlate'
	assert_decision hit
}

@test "dpcache run: a background child that lets go of the output is not waited for" {
	make_hold
	run -0 timeout 60 dpcache run sh -c "($(held); : >ended) >/dev/null 2>&1 & echo early"
	assert_output early
	assert_not_exists ended
	release
	wait_until test -e ended
}

# --- readers that leave ---

@test "dpcache run | head: no error, and the whole is remembered" {
	seq 300000 >large
	dpcache run cat large 2>err | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '0 0'
	assert_equal "$(<first)" 1
	assert_file_empty err
	dpcache run cat large 2>err >whole
	assert_decision hit
	cmp whole large
}

@test "dpcache run | head: a hit too ends without an error" {
	seq 300000 >large
	dpcache run cat large >/dev/null 2>err
	dpcache run cat large 2>err | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_decision hit
	assert_equal "$statuses" '0 0'
	assert_file_empty err
}

@test "dpcache run | head: a hit's stderr comes whole all the same" {
	command='seq 100000; echo behind >&2'
	dpcache run sh -c "$command" >/dev/null 2>err
	dpcache run sh -c "$command" 2>err | head -n 1 >first
	assert_decision hit
	assert_equal "$(<err)" behind
}

@test "dpcache run | true: the reader was never there" {
	dpcache run seq 300000 2>err | true
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '0 0'
	assert_file_empty err
}

@test "dpcache run yes | head: past --max-output the command ends with its reader" {
	timeout 60 dpcache run --max-output 64k yes 2>err | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$(<first)" y
	# By SIGPIPE, as without us.
	assert_equal "$statuses" '141 0'
	assert_file_empty err
}

@test "dpcache run yes | head: the command ends though its reader left long before --max-output" {
	timeout 60 dpcache run --max-output 30m yes 2>err | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '141 0'
	timeout 60 dpcache run --max-output 30m yes 2>&1 | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '141 0'
}

@test "dpcache run --no-write yes | head: ends too, at the latest past --max-output" {
	timeout 60 dpcache run --no-write --max-output 64k yes 2>err | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '141 0'
}

@test "dpcache run --no-cache yes | head: the command meets SIGPIPE" {
	timeout 60 dpcache run --no-cache yes | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '141 0'
}

@test "dpcache run --no-coalesce yes | head: ends without a lock as well" {
	timeout 60 dpcache run --no-coalesce --max-output 64k yes | head -n 1 >first
	statuses="${PIPESTATUS[*]}"
	assert_equal "$statuses" '141 0'
}

# --- limits and trouble ---

@test "dpcache run --max-output: more than that passes through, uncached, with its status" {
	seq 100 >expected
	for _ in 1 2; do
		run -5 --separate-stderr dpcache run --cache-exit any --max-output 100 sh -c "$(counted runs); seq 100; exit 5"
		assert_output "$(<expected)"
		assert_equal "$stderr" ''
	done
	assert_runs runs 2
}

@test "dpcache run --max-output: both streams count" {
	for _ in 1 2; do
		run -0 dpcache run --max-output 10 sh -c "$(counted runs); echo 12345; echo 67890 >&2"
	done
	assert_runs runs 2
}

@test "dpcache run --max-output: exactly that much is remembered" {
	miss_and_hit 0 dpcache run --max-output 6 echo 12345
}

@test "dpcache run --max-output: a large one that outgrows it comes whole" {
	seq 300000 >large
	dpcache run --max-output 1m cat large | cmp - large
	run -0 find "$DPCACHE_DIR/locks" -type f
	assert_output ''
}

@test "dpcache run >/dev/full: reports and fails, on a miss and on a hit" {
	ask() {
		dpcache run echo text >/dev/full
	}
	run -125 --separate-stderr ask
	assert_one_warning 'cannot write to stdout'
	run -125 --separate-stderr ask
	assert_one_warning 'cannot write to stdout'
	assert_decision hit
}

@test "dpcache run 2>/dev/full: fails, on a miss and on a hit" {
	ask() {
		dpcache run sh -c 'echo text >&2' 2>/dev/full
	}
	run -125 --separate-stderr ask
	assert_decision miss
	run -125 --separate-stderr ask
	assert_decision hit
}

@test "dpcache run >/dev/full: the result is remembered all the same" {
	run -125 bash -c 'dpcache run echo text >/dev/full 2>err'
	dpcache run echo text >out 2>err
	assert_decision hit
	assert_equal "$(<out)" text
}

# A result of more than 64 KiB lies in a file of its own.
@test "dpcache run: a large result whose file is gone runs again" {
	seq 100000 >large
	miss_and_hit 0 dpcache run cat large
	find "$DPCACHE_DIR/data" -type f -delete
	dpcache run cat large >out 2>err
	assert_decision miss
	cmp out large
	dpcache run cat large >out 2>err
	assert_decision hit
	cmp out large
}

data_file() {
	find "$DPCACHE_DIR/data" -type f
}

@test "dpcache run: a large result whose file was cut short runs again" {
	seq 100000 >large
	miss_and_hit 0 dpcache run cat large
	truncate -s -1 "$(data_file)"
	dpcache run cat large >out 2>err
	cmp out large
	assert_decision miss
}

@test "dpcache run: a large result whose file was altered, in size and time the same, runs again" {
	seq 100000 >large
	miss_and_hit 0 dpcache run cat large
	touch -r "$(data_file)" stamp
	printf X | dd of="$(data_file)" bs=1 seek=70000 conv=notrunc status=none
	touch -r stamp "$(data_file)"
	dpcache run cat large >out 2>err
	cmp out large
	assert_decision miss
}

@test "dpcache run: a large result whose file was merely touched still hits" {
	seq 100000 >large
	miss_and_hit 0 dpcache run cat large
	touch "$(data_file)"
	dpcache run cat large >out 2>err
	assert_decision hit
	cmp out large
}

@test "dpcache run --refresh: a large result's former file does not stay behind" {
	seq 100000 >large
	dpcache run cat large >/dev/null
	dpcache run --refresh cat large >/dev/null
	assert_equal "$(data_file | wc -l)" 1
}

# --- the command sees nothing of us ---

@test "dpcache run: the command's own descriptors pass through" {
	dpcache run sh -c 'echo to five >&5; read -r line <&6; echo "$line"' 5>five 6<<<'from six' >out
	assert_equal "$(<five)" 'to five'
	assert_equal "$(<out)" 'from six'
}

@test "dpcache run: no descriptor of ours is open in the command" {
	echo some >in
	expected=$(exec </dev/null && ls /proc/self/fd)
	for option in --refresh --no-cache --no-coalesce --no-write --stdin --max-run=1m --input=in \
		--inputs-from=in --input=/nowhere; do
		seen=$(dpcache run "$option" ls /proc/self/fd </dev/null)
		assert_equal "$option: $seen" "$option: $expected"
	done
}

@test "dpcache run --stdin: no descriptor of ours is open in the command, the input coming through a pipe" {
	# shellcheck disable=SC2216 # it is the descriptor that counts
	expected=$(true | ls /proc/self/fd)
	seen=$(true | dpcache run --stdin ls /proc/self/fd)
	assert_equal "$seen" "$expected"
}

@test "dpcache run: standard input of the command is /dev/null" {
	run -0 dpcache run readlink /proc/self/fd/0
	assert_output /dev/null
}

@test "dpcache run: SIGPIPE has its default effect in the command" {
	run -0 env --default-signal=PIPE dpcache run sed -n 's/^SigIgn:.*\(....\)$/\1/p' /proc/self/status
	assert_equal "$((16#$output & 16#1000))" 0
}

@test "dpcache run: a SIGPIPE that the caller ignores stays ignored in the command" {
	run -0 env --ignore-signal=PIPE dpcache run sed -n 's/^SigIgn:.*\(....\)$/\1/p' /proc/self/status
	assert_equal "$((16#$output & 16#1000))" $((16#1000))
}

@test "dpcache run: a hangup that the caller ignores stays ignored in the command" {
	run -0 env --ignore-signal=HUP dpcache run sed -n 's/^SigIgn:.*\(....\)$/\1/p' /proc/self/status
	assert_equal "$((16#$output & 1))" 1
}

@test "dpcache run: no signal is blocked in the command" {
	run -0 dpcache run sed -n 's/^SigBlk:[^0-9a-f]*//p' /proc/self/status
	assert_output 0000000000000000
}

@test "dpcache run: the command's environment gains only DPCACHE_RUNNING" {
	env | sort >before
	dpcache run env | sed '/^_=/d; /^DPCACHE_RUNNING=/d' | sort >seen
	sed '/^_=/d' before | diff - seen
}

@test "dpcache run --no-cache: the command's environment is the caller's" {
	env | sed '/^_=/d' | sort >before
	dpcache run --no-cache env | sed '/^_=/d' | sort | diff before -
}

@test "dpcache run: the command's process group is the caller's" {
	group=$(ps -o pgid= -p "$BASHPID")
	run -0 dpcache run sh -c 'ps -o pgid= -p $$'
	assert_output "$group"
}

@test "dpcache run: argv[0] is the name it was called by" {
	run -0 dpcache run sh -c 'tr "\0" "\n" </proc/$$/cmdline | head -n 1'
	assert_output sh
}

@test "dpcache run: a signal sent to dpcache reaches the command" {
	make_hold
	start it dpcache run sh -c "trap 'echo caught; exit 9' TERM; $(counted runs); $(held)"
	wait_until has_run 1
	kill -TERM "${pid_of[it]}"
	finish it 9
	assert_equal "$(<it.out)" caught
}

# --- make ---

@test "dpcache run in a recipe of make -j2: the job server is the command's to use" {
	printf '%s\n' 'all: a b c d' 'a b c d:' \
		'	@dpcache run --env MAKEFLAGS $(MAKE) -s -f sub.mk NAME=$@' >Makefile
	printf '%s\n' 'all: one two' 'one two:' '	@echo $(NAME) $@' >sub.mk
	for _ in miss hit; do
		run -0 --separate-stderr timeout 60 make -s -j2
		assert_equal "$(sort <<<"$output")" $'a one\na two\nb one\nb two\nc one\nc two\nd one\nd two'
		assert_equal "$stderr" ''
	done
}

@test "dpcache run in a recipe of make -j2 that got no job server: works as without us" {
	# Not seen to be a make, so that descriptors 3 and 4 are closed, though
	# MAKEFLAGS speaks of them.
	printf '%s\n' 'all: a b c d' 'a b c d:' '	@$(DPCACHE) ./sub-make $@' >Makefile
	printf '#!/bin/sh\nexec make -s -f sub.mk NAME="$1"\n' >sub-make
	chmod 755 sub-make
	printf '%s\n' 'all: one two' 'one two:' '	@echo $(NAME) $@' >sub.mk
	timeout 60 make -s -j2 DPCACHE= >plain.out 2>plain.err
	for _ in miss hit; do
		timeout 60 make -s -j2 DPCACHE='dpcache run' >out 2>err
		diff <(sort plain.out) <(sort out)
		diff <(sort plain.err) <(sort err)
	done
}

@test "dpcache run: descriptors 3 and 4 that MAKEFLAGS speaks of, but are closed, stay closed" {
	export MAKEFLAGS=' -j2 --jobserver-auth=3,4'
	run -0 dpcache run sh -c '[ -e /proc/$$/fd/3 ] || [ -e /proc/$$/fd/4 ] || echo closed' 3>&- 4>&-
	assert_output closed
}

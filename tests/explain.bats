#!/usr/bin/env bats
# dpcache explain: whether run would run it, and why.
# shellcheck disable=SC2030,SC2031,SC2154 # tests are subshells; variables are set by run

load helpers

setup() {
	common_setup
	make_tool
}

teardown() {
	end_started
}

# With the streams arranged as for explain below.
remember() {
	dpcache run "$@" >out 2>err
}

# assert_explained STATUS FIRST-LINE OPTION...: neither a word on stderr.
assert_explained() {
	run -"$1" --separate-stderr dpcache explain "${@:3}"
	assert_equal "$stderr" ''
	assert_equal "${lines[0]}" "$2"
}

assert_miss() { # CAUSE OPTION...
	assert_explained 1 "miss: $1" "${@:2}"
}

assert_hit() { # OPTION...
	run -0 --separate-stderr dpcache explain "$@"
	assert_equal "$stderr" ''
	assert_line --index 0 --regexp '^hit: age .* left$'
}

# assert_told FILTER STATUS OPTION...: as JSON
assert_told() {
	run -"$2" --separate-stderr dpcache explain --json "${@:3}"
	jq -e "$1" <<<"$output" >/dev/null || fail "not so: $1, in: $output"
}

# --- hits ---

@test "explain of what is remembered: a hit, with age and time left" {
	remember --ttl 1h tool
	assert_hit --ttl 1h tool
	assert_line "command   tool"
	assert_line "exit      0"
	assert_runs runs 1
}

@test "explain of a hit names what it depends on" {
	echo content >input
	NAMED=value remember --env NAMED --input input --input missing tool argument
	NAMED=value assert_hit --env NAMED --input input --input missing tool argument
	assert_line 'part      argument argument'
	assert_line 'part      variable NAMED'
	assert_line "part      working directory $PWD"
	assert_line 'input     input (file)'
	assert_line 'input     missing (absent)'
	refute_output --partial value
}

@test "explain of a hit without expiry says so" {
	remember tool
	run -0 --separate-stderr dpcache explain --ttl forever tool
	assert_line --index 0 --regexp 'never expires$'
}

@test "explain of a failure that is remembered: a hit" {
	remember --ttl-fail 1h -- sh -c 'exit 3' || true
	assert_hit --ttl-fail 1h -- sh -c 'exit 3'
	assert_line 'exit      3'
}

@test "explain of a hit with many inputs: a bounded number of lines, and all in JSON" {
	mkdir src
	touch src/{001..200}
	remember --input src tool
	assert_hit --input src tool
	((${#lines[@]} < 60)) || fail "${#lines[@]} lines"
	assert_line 'and 182 more inputs'
	assert_told '.answer.inputs | length == 202' 0 --input src tool
}

@test "explain of what is past its ttl, but serves: stale, exit 0" {
	remember tool
	run -0 --separate-stderr dpcache explain --ttl 0 --stale 1h tool
	assert_line --index 0 --regexp '^stale: expired .* ago, served while one refreshes it$'
	assert_told '.verdict == "stale" and .answer.left < 0' 0 --ttl 0 --stale 1h tool
}

@test "explain of what serves for its command has just failed: stale, exit 0" {
	make_source
	make_askers --stale-if-error 1h --ttl-fail 1h
	ask >out 2>err
	: >broken
	ask >out 2>err
	assert_runs runs 2
	run -0 --separate-stderr dpcache explain --ttl 0 --stale-if-error 1h --ttl-fail 1h -- ./source
	assert_line --index 0 --regexp '^stale: .*its command has just failed$'
}

# --- nothing to compare with ---

@test "explain where no cache is: a miss" {
	assert_miss 'nothing was ever remembered' tool
	assert_told '.verdict == "miss" and .key == null' 1 tool
}

@test "explain of a command that was never run: a miss" {
	remember echo
	assert_miss 'no run of this command is remembered' tool
	refute_line --regexp '^nearest'
}

@test "explain runs nothing" {
	dpcache explain tool || true
	remember echo
	dpcache explain tool || true
	assert_runs runs 0
}

# --- the same question ---

@test "explain: a file changed, appeared, vanished" {
	echo 1 >changed
	echo 1 >old
	options=(--input changed --input new --input old)
	remember "${options[@]}" tool
	echo 2 >changed
	assert_miss 'changed changed' "${options[@]}" tool
	echo 1 >changed
	assert_hit "${options[@]}" tool
	echo 1 >new
	assert_miss 'new appeared' "${options[@]}" tool
	rm new old
	assert_miss 'old vanished' "${options[@]}" tool
	echo 2 >changed
	assert_miss 'changed changed, and 1 more difference' "${options[@]}" tool
	assert_line 'differs   old vanished'
}

@test "explain: a file in a directory, and one that a pattern matches" {
	mkdir src
	touch src/a.c
	remember --input src tool
	remember --input 'src/*.c' tool x
	touch src/b.c
	assert_miss 'src/b.c appeared, and 1 more difference' --input src tool
	assert_line 'differs   src: other names in it'
	assert_miss 'src/b.c appeared, and 1 more difference' --input 'src/*.c' tool x
	assert_line 'differs   src: other names in it match'
}

@test "explain: the executable's content" {
	remember tool
	echo '# changed' >>"$TOOL"
	assert_miss "executable $TOOL changed" tool
}

@test "explain: of several states the nearest is told" {
	options=(--input a --input b --input c)
	touch a b c
	remember "${options[@]}" tool
	for file in a b c; do echo other >$file; done
	remember "${options[@]}" tool
	echo third >b
	assert_miss 'b changed' "${options[@]}" tool
}

@test "explain: the nearest run is named by key, command, exit status and age" {
	touch input
	remember --input input tool argument
	key=$(dpcache key --input input tool argument 2>err)
	echo changed >input
	assert_miss 'input changed' --input input tool argument
	assert_line "nearest   $key"
	assert_line 'command   tool argument'
	assert_line 'exit      0'
	assert_line --regexp '^age       [0-9]'
	assert_told ".nearest.key == \"$key\" and .nearest.command == \"tool argument\" and .nearest.exit == 0" \
		1 --input input tool argument
}

@test "explain: the nearest is found without the shelf" {
	touch input
	remember --input input tool
	rm -r "$DPCACHE_DIR/shelf"
	assert_hit --input input tool
	echo changed >input
	assert_miss 'input changed' --input input tool
}

@test "explain: many differences are a bounded number of lines, and all in JSON" {
	mkdir src
	touch src/{001..100}
	remember --input src tool
	for file in src/*; do echo changed >"$file"; done
	assert_miss 'src/001 changed, and 99 more differences' --input src tool
	assert_line 'and 80 more differences'
	assert_told '.nearest.differences | length == 100' 1 --input src tool
}

# --- another question ---

@test "explain: an argument is another, new, gone" {
	remember tool -O0 main.c
	assert_miss "argument 1 is '-O2', was '-O0'" tool -O2 main.c
	assert_miss "argument 1 '-g' is new in the key" tool -g -O0 main.c
	assert_miss "argument 2 'main.c' is gone from the key" tool -O0
}

@test "explain: of long arguments that part is shown in which they differ" {
	long=$(printf 'x%.0s' {1..1000})
	remember tool "$long-one"
	run -1 --separate-stderr dpcache explain tool "$long-two"
	assert_line --index 0 --regexp "^miss: argument 1 is '…x+-two', was '…x+-one'\$"
}

@test "explain: the command by another path" {
	mkdir elsewhere
	cp "$TOOL" elsewhere
	remember --no-path tool
	PATH=$PWD/elsewhere:$PATH assert_miss "executable is '$PWD/elsewhere/tool', was '$TOOL'" --no-path tool
	assert_miss "command name is '$TOOL', was 'tool'" --no-path "$TOOL"
}

@test "explain: the working directory, physical and logical" {
	remember tool
	mkdir below
	ln -s . link
	cd below
	assert_miss "working directory is '$PWD', was '${PWD%/below}'" tool
	cd ..
	link=$PWD/link
	PWD=$link assert_miss "logical working directory '$link' is new in the key" tool
}

@test "explain: the user" {
	((EUID == 0)) || skip 'only root can become somebody else'
	remember tool
	run -1 --separate-stderr setpriv --ruid=65534 dpcache explain tool
	assert_line --index 0 "miss: uid is 65534, was 0"
}

@test "explain: the umask" {
	umask 022
	remember tool
	umask 077
	assert_miss "umask is 077, was 022" tool
}

@test "explain: variables by name, never by value" {
	NAMED=secret-one remember --env NAMED tool
	NAMED=secret-two assert_miss 'variable NAMED changed' --env NAMED tool
	refute_output --partial secret-
	NAMED=secret-two assert_told '[.. | strings | contains("secret-")] | any | not' 1 --env NAMED tool
	assert_miss 'variable NAMED is no longer set' --env NAMED tool
	assert_miss 'variable NAMED is gone from the key' tool
	NAMED=secret-one assert_miss 'variable OTHER is new in the key' --env NAMED --env OTHER tool
	remember --env UNSET tool other
	UNSET=secret assert_miss 'variable UNSET is set now' --env UNSET tool other
}

@test "explain: PATH and the locale" {
	remember tool
	PATH=$PATH:/nowhere assert_miss 'variable PATH changed' tool
	TZ=Asia/Tokyo assert_miss 'variable TZ changed' tool
	LC_TIME=C assert_miss 'variable LC_TIME is new in the key' tool
}

@test "explain: standard input" {
	echo one | remember --stdin tool
	assert_hit --stdin tool <<<one
	assert_miss 'standard input changed' --stdin tool <<<two
	assert_miss 'standard input is gone from the key' tool
}

@test "explain: salt, region and name" {
	remember --salt secret-one --region one --key one tool
	assert_miss 'salt changed' --salt secret-two --region one --key one tool
	refute_output --partial secret-
	assert_miss "region is 'two', was 'one'" --salt secret-one --region two --key one tool
	assert_miss "name is 'two', was 'one'" --salt secret-one --region one --key two tool
	assert_miss "name 'one' is gone from the key" --salt secret-one --region one tool
}

@test "explain: an input that is declared or no longer is" {
	touch a b
	remember --input a tool
	assert_miss 'input b is new in the key' --input a --input b tool
	assert_miss 'input a is gone from the key' tool
	echo changed >a
	assert_miss 'input b is new in the key, and 1 more difference' --input a --input b tool
	assert_line 'differs   a changed'
}

@test "explain: options that leave something out" {
	remember tool
	assert_miss "working directory '$PWD' is gone from the key" --no-cwd tool
	assert_miss "executable '$TOOL' is gone from the key" --no-exe tool
	assert_miss 'variable PATH is gone from the key' --no-path tool
	assert_miss 'uid is gone from the key' --no-uid tool
	run -1 --separate-stderr dpcache explain --no-locale tool
	assert_line 'differs   variable TZ is gone from the key'
}

@test "explain: stdout and stderr in one open file" {
	remember tool
	run -1 dpcache explain tool
	assert_line --index 0 "miss: stdout and stderr are one open file, were apart"
}

@test "explain --trace: tracing, and what is no input" {
	remember tool
	assert_miss 'tracing is new in the key' --trace tool
	assert_miss 'tracing is new in the key, and 1 more difference' \
		--trace=strict --trace-ignore '/tmp/*' tool
	assert_line 'differs   not an input /tmp/* is new in the key'
}

# --- judged ---

@test "explain: expired, with age and ttl" {
	remember tool
	run -1 --separate-stderr dpcache explain --ttl 0 tool
	assert_line --index 0 --regexp '^miss: expired: age [0-9]+ms, ttl 0ms$'
	assert_line --regexp '^nearest '
	refute_line --regexp '^differs'
}

@test "explain: expired, but kept in case of errors" {
	remember tool
	run -1 --separate-stderr dpcache explain --ttl 0 --stale-if-error 1h tool
	assert_line --index 0 --regexp '^miss: expired, kept in case of errors: age .*, ttl 0ms$'
}

@test "explain: a failure that is not kept for this caller" {
	remember --ttl-fail 1h -- sh -c 'exit 3' || true
	run -1 --separate-stderr dpcache explain -- sh -c 'exit 3'
	assert_line --index 0 --regexp '^miss: failure not kept: exit status 3, age .*, ttl of failures 0ms$'
}

@test "explain: invalidated" {
	remember tool
	dpcache invalidate --all
	assert_miss invalidated tool
}

@test "explain: what differs, and besides what else would be in the way" {
	touch input
	remember --input input tool
	echo changed >input
	assert_miss 'input changed' --ttl 0 --input input tool
	assert_line --regexp '^besides   expired: age .*, ttl 0ms$'
	assert_told '.nearest.besides | startswith("expired")' 1 --ttl 0 --input input tool
}

@test "explain --refresh: a miss for that" {
	remember tool
	assert_miss '--refresh is given' --refresh tool
}

@test "explain --no-cache, DPCACHE_DISABLE: bypass" {
	remember tool
	assert_explained 1 'bypass: the cache is switched off' --no-cache tool
	DPCACHE_DISABLE=1 assert_explained 1 'bypass: the cache is switched off' tool
}

@test "explain: within its own run" {
	export key
	key=$(dpcache key tool 2>err)
	DPCACHE_RUNNING=$key assert_explained 1 'bypass: asked for within its own run' tool
}

@test "explain: what is being run just now, and by whom" {
	run_held
	assert_explained 1 "follow: being run by process $held_pid" -- ./slow
	assert_line 'cause     no run of this command is remembered'
	assert_told ".verdict == \"follow\" and .running.pid == $held_pid" 1 -- ./slow
	assert_miss 'no run of this command is remembered' --no-coalesce -- ./slow
	assert_line --regexp "^running   process $held_pid, for "
	end_held
	assert_equal "$(cat held.out)" 'result 1'
	assert_runs slow 1
}

@test "explain: why the last run was not remembered, by the log" {
	export DPCACHE_LOG=$PWD/log
	remember tool before
	remember --max-output 1 tool || true
	assert_miss 'the last run was not remembered: larger than --max-output' tool
	assert_told '.last == "not remembered: larger than --max-output"' 1 tool
	assert_miss "argument 1 'other' is new in the key" tool other before
	remember tool
	assert_hit tool
	dpcache rm "$(dpcache key tool 2>err)"
	assert_miss "argument 1 'before' is gone from the key" tool
	mkfifo pipe
	DPCACHE_LOG=$PWD/pipe assert_miss "argument 1 'before' is gone from the key" tool
}

@test "explain: a remembered result that is damaged" {
	sqlite_only "changes an entry by SQL"
	remember tool
	rm -r "$DPCACHE_DIR/shelf"
	sql 'UPDATE entry SET capsule = zeroblob(1000)'
	run -1 --separate-stderr dpcache explain tool
	assert_line --index 0 --regexp '^miss: a remembered result is damaged'
}

@test "explain: a damaged database, state file and directory" {
	remember tool
	echo nonsense >"$DPCACHE_DIR/$DATABASE"
	assert_hit tool
	run -1 --separate-stderr dpcache explain tool another
	assert_line --regexp "^trouble   .*$DATABASE is damaged"
	echo nonsense >"$DPCACHE_DIR/state"
	run -1 --separate-stderr dpcache explain tool
	assert_line --index 0 --regexp '^miss: .*state'
	chmod 777 "$DPCACHE_DIR"
	run -1 --separate-stderr dpcache explain tool
	assert_line --index 0 --regexp '^bypass: cache directory .* can be written by others'
	assert_usage_error dpcache explain --require-cache tool
}

# --- agreement ---

# agree VERDICT OPTION...: that is what explain says, and what run then does.
agree() {
	local explained
	explained=$(dpcache explain --json "${@:2}" 2>explain.err | jq -r .verdict)
	assert_equal "$explained: ${*:2}" "$1: ${*:2}"
	dpcache run --status-fd 5 "${@:2}" 5>decision >out 2>err || true
	assert_equal "$(jq -r .status decision): ${*:2}" "$1: ${*:2}"
	# A refresh behind our back makes the next answer another.
	refreshed
}

@test "explain says what run then does" {
	touch a b
	agree miss tool
	agree hit tool
	agree miss tool argument
	agree miss --salt salt tool
	agree hit --salt salt tool
	agree miss --input a --input b tool
	agree hit --input a --input b tool
	echo changed >a
	agree miss --input a --input b tool
	agree hit --input a --input b tool
	touch b
	agree hit --input a --input b tool
	rm -r "$DPCACHE_DIR/shelf"
	agree hit --input a --input b tool
	agree miss --ttl 0 tool
	agree stale --ttl 0 --stale 1h tool
	agree miss --ttl 0 --stale-if-error 1h tool
	agree hit --early=0.0001 --ttl 1h tool
	agree hit --jitter 50 --ttl forever tool
	agree miss --refresh tool
	agree bypass --no-cache tool
	agree miss --ttl-fail 1h -- false
	agree hit --ttl-fail 1h -- false
	agree miss -- false
	agree miss --env NAMED tool
	export NAMED=value
	agree miss --env NAMED tool
	agree hit --env NAMED tool
	dpcache invalidate --all
	agree miss --env NAMED tool
	agree hit --env NAMED tool
	dpcache invalidate "$(dpcache key --env NAMED tool 2>err)"
	agree miss --env NAMED tool
	agree miss --key name tool
	agree hit --key name tool
}

@test "explain says what run then does where nobody may lock, or write" {
	agree miss --no-coalesce tool
	agree hit --no-coalesce tool
	agree miss --no-write tool other
	agree miss tool other
}

# --- nothing is changed ---

# All there is in the cache: names, modes, times, contents. Not when an inode was
# changed: root's SQLite gives its log the owner that it has.
cache_now() {
	find "$DPCACHE_DIR" -printf '%p %m %i %T@\n' | sort
	find "$DPCACHE_DIR" -type f -exec sha256sum {} + | sort
}

leaves_all() { # OPTION...
	cache_now >before
	dpcache explain "$@" >out 2>err || true
	dpcache explain --json "$@" >out 2>err || true
	cache_now >after
	diff before after
}

@test "explain leaves everything in the cache as it was" {
	touch a
	echo b | remember --stdin --input a tool
	remember --input a tool
	remember --ttl-fail 1h -- false || true
	leaves_all --input a tool
	leaves_all --ttl 0 --input a tool
	leaves_all --ttl 0 --stale 1h --input a tool
	leaves_all --ttl 0 --stale-if-error 1h --input a tool
	leaves_all --refresh --input a tool
	leaves_all --ttl-fail 1h -- false
	leaves_all -- false
	leaves_all tool other
	leaves_all -- true
	# Known by content, under another tuple.
	touch a
	leaves_all --input a tool
	echo b | leaves_all --stdin --input a tool
	rm -r "$DPCACHE_DIR/shelf"
	leaves_all --input a tool
	leaves_all --ttl 0 --stale 1h --input a tool
	echo changed >a
	leaves_all --input a tool
}

@test "explain of a key that is being run leaves everything as it was" {
	run_held
	leaves_all -- ./slow
	end_held
}

@test "explain makes no cache" {
	dpcache explain tool || true
	dpcache explain --json --stdin tool <<<input || true
	assert_not_exists "$DPCACHE_DIR"
}

@test "explain writes no status and no log, and counts nothing" {
	remember tool
	dpcache stats --json >before
	DPCACHE_LOG=$PWD/log DPCACHE_STATUS_FILE=$PWD/status dpcache explain --status-fd 5 tool >out 2>err 5>decision
	assert_not_exists log
	assert_not_exists status
	assert_equal "$(cat decision)" ''
	dpcache stats --json | diff before -
}

@test "explain holds nobody up who reads, and waits for who writes" {
	remember tool
	remember tool other
	rm -r "$DPCACHE_DIR/shelf"
	exec {lock}<>"$DPCACHE_DIR/write.lock"
	flock "$lock"
	start explained dpcache explain tool
	run -0 dpcache run --no-write tool other 2>err
	flock -u "$lock"
	finish explained
}

# --- form ---

@test "explain: newlines and bytes that are no text break neither lines nor JSON" {
	name=$'two\nlines\xff\e[31m'
	echo 1 >"$name"
	remember --input "$name" tool $'one\nargument\xff'
	echo 2 >"$name"
	run -1 --separate-stderr dpcache explain --input "$name" tool $'other\nargument\xff'
	refute_output --partial $'\e'
	assert_line --index 0 "miss: argument 1 is 'other?argument?', was 'one?argument?', and 1 more difference"
	assert_line 'differs   two?lines??[31m changed'
	assert_told '.nearest.differences | map(.now // .name) == ["other\nargument\ufffd", "two\nlines\ufffd\u001b[31m"]' \
		1 --input "$name" tool $'other\nargument\xff'
}

@test "explain --json: what differs, by part, change, name, position and values" {
	touch input
	remember --input input --env NAMED tool one
	echo changed >input
	NAMED=x assert_told '.nearest.differences | map([.part, .change, .name, .position, .was, .now, .traced]) == [
		["argument", "changed", null, 1, "one", "two", false],
		["variable", "appeared", "NAMED", null, null, null, false],
		["file", "changed", "input", null, null, null, false]]' 1 --input input --env NAMED tool two
}

@test "explain --json of a hit: the key, parts and inputs" {
	touch input
	remember --input input tool
	key=$(dpcache key --input input tool 2>err)
	assert_told ".verdict == \"hit\" and .key == \"$key\" and .answer.key == \"$key\" and .answer.left > 0 and
		(.answer.parts | map(.part) | contains([\"argument\", \"input\"])) and
		(.answer.inputs | map(.path) | contains([\"input\"]))" 0 --input input tool
}

@test "explain: a command that is not there: 127, one that may not be executed: 126" {
	run -127 --separate-stderr dpcache explain -- ./nothing
	assert_output ''
	assert_one_warning 'command not found'
	remember tool
	run -127 --separate-stderr dpcache explain -- ./nothing
	touch plain
	run -126 --separate-stderr dpcache explain -- ./plain
}

@test "explain: wrong usage, and an input that cannot be read: 125, one line" {
	assert_usage_error dpcache explain
	assert_usage_error dpcache explain --nonsense tool
	assert_usage_error dpcache explain --store nonsense: tool
	remember tool
	ln -s loop loop
	assert_usage_error dpcache explain --input loop/file tool
}

@test "explain of a build, in the directory that it lists" {
	printf 'prog: $(wildcard *.part)\n\t@cat $^ >$@\n' >Makefile
	touch a.part
	remember --trace --outputs auto make
	assert_miss "$PWD/prog appeared, and 1 more difference" --trace --outputs auto make
	assert_line "differs   $PWD changed"
	rm prog
	run -0 --separate-stderr dpcache explain --trace --outputs auto make
	assert_line --index 0 --partial 'hit: '
	touch b.part
	assert_miss "$PWD changed" --trace --outputs auto make
}

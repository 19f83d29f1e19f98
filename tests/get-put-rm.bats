#!/usr/bin/env bats

# shellcheck disable=SC2154  # set by run --separate-stderr
load helpers

put() { # VALUE NAME...
	printf %s "$1" | dpcache put "${@:2}"
}

# A value large enough to lie in a file of its own: 10 MB of all bytes.
ten_megabytes() {
	head -c 10000000 /dev/urandom
}

data_files() {
	find "$DPCACHE_DIR/data" -type f 2>/dev/null | wc -l
}

# --- there and back ---

@test "get prints what put remembered" {
	printf 'a value\nof two lines' | dpcache put name
	dpcache get name >got
	assert_equal "$(od -An -c got)" "$(printf 'a value\nof two lines' | od -An -c)"
}

@test "put prints nothing" {
	assert_silent 0 dpcache put name </dev/null
}

@test "put of a name again replaces the value" {
	put old name
	put new name
	run dpcache get name
	assert_output new
}

@test "put and get of an empty value: there, and empty" {
	dpcache put name </dev/null
	assert_silent 0 dpcache get name
}

@test "put and get of every byte there is" {
	for byte in {0..255}; do printf '%b' "\\x$(printf %02x "$byte")"; done >value
	assert_equal "$(stat -c %s value)" 256
	dpcache put name <value
	dpcache get name >got
	cmp value got
}

@test "put and get of 10 MB" {
	ten_megabytes >value
	dpcache put name <value
	dpcache get name >got
	cmp value got
}

@test "put and get of 10 MB through pipes" {
	ten_megabytes >value
	head -c 10000000 value | dpcache put name
	dpcache get name | cat >got
	cmp value got
}

@test "get of 10 MB into a pipe that closes early: silent, exit 0" {
	ten_megabytes | dpcache put name
	# shellcheck disable=SC2016  # for the inner shell
	assert_silent 0 bash -c 'dpcache get name | true; exit "${PIPESTATUS[0]}"'
}

@test "get into a full device: exit 125, one line" {
	put value name
	run --separate-stderr bash -c 'dpcache get name >/dev/full'
	assert_failure 125
	assert_one_warning 'stdout'
}

@test "put of a small value over a large one removes the large one's file" {
	own_files 'files in its home'
	ten_megabytes | dpcache put name
	assert_equal "$(data_files)" 1
	put small name
	assert_equal "$(data_files)" 0
}

@test "put of an unreadable input: exit 125, one line, the old value stays" {
	put old name
	assert_usage_error dpcache put name <.
	run dpcache get name
	assert_output old
}

@test "put of many at once under one name: get prints one of them whole" {
	own_files 'files in its home'
	for i in {1..8}; do
		head -c 100000 /dev/zero | tr '\0' "$i" >"value$i"
		dpcache put name <"value$i" 3>&- &
	done
	wait
	dpcache get name >got
	assert_equal "$(stat -c %s got)" 100000
	cmp got "value$(head -c 1 got)"
	assert_equal "$(data_files)" 1
}

# --- nothing there ---

@test "get where no cache is: exit 1, silent" {
	assert_silent 1 dpcache get name
}

@test "get where no cache is makes none" {
	own_files 'files in its home'
	run dpcache get name
	assert_not_exists "$DPCACHE_DIR"
}

@test "get of a name never put: exit 1, silent" {
	put value other
	assert_silent 1 dpcache get name
}

@test "rm where no cache is: exit 1, silent" {
	assert_silent 1 dpcache rm name
}

@test "rm of a name never put: exit 1, silent" {
	put value other
	assert_silent 1 dpcache rm name
}

# --- rm ---

@test "get after rm: exit 1, silent" {
	put value name
	dpcache rm name
	assert_silent 1 dpcache get name
}

@test "rm of a value: exit 0, silent" {
	put value name
	assert_silent 0 dpcache rm name
}

@test "rm of a name leaves other names" {
	put value name
	put more other
	dpcache rm name
	run dpcache get other
	assert_output more
}

@test "rm of two names of which one is there: exit 0, and it is gone" {
	put value name
	assert_silent 0 dpcache rm nothing name
	assert_silent 1 dpcache get name
}

@test "rm of a large value removes its file" {
	ten_megabytes | dpcache put name
	dpcache rm name
	assert_equal "$(data_files)" 0
}

@test "rm of a run by the key that key prints: the next run is a real one" {
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	dpcache rm "$(dpcache key -- sh -c "$(counted runs)" 2>err)"
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	assert_runs runs 2
}

@test "rm of a name that looks like a key forgets the value under the name" {
	put value 00112233445566778899aabbccddeeff
	assert_silent 0 dpcache rm 00112233445566778899aabbccddeeff
	assert_silent 1 dpcache get 00112233445566778899aabbccddeeff
}

# --- how long ---

@test "put --ttl: get misses once it is over" {
	put value --ttl 1ns name
	assert_silent 1 dpcache get name
}

@test "put --ttl 1h: get hits before it is over" {
	put value --ttl 1h name
	run dpcache get name
	assert_output value
}

@test "put --ttl 1ns, get --ttl forever: the reader decides" {
	put value --ttl 1ns name
	run dpcache get --ttl forever name
	assert_success
	assert_output value
}

@test "put --ttl forever, get --ttl 1ns: the reader decides" {
	put value --ttl forever name
	assert_silent 1 dpcache get --ttl 1ns name
}

@test "get --ttl 0 always misses" {
	put value name
	assert_silent 1 dpcache get --ttl 0 name
}

@test "put without --ttl: lives forever" {
	put value name
	assert_json '.left == null' dpcache show --json name
}

@test "put again with another --ttl: the new one holds" {
	put value --ttl 1h name
	put value --ttl 1ns name
	assert_silent 1 dpcache get name
}

# --- names and regions ---

@test "get --region of a name put without one: a miss" {
	put value name
	assert_silent 1 dpcache get --region one name
}

@test "get of a name put with --region: a miss" {
	put value --region one name
	assert_silent 1 dpcache get name
}

@test "one name in two regions holds two values" {
	put first --region one name
	put second --region two name
	run dpcache get --region one name
	assert_output first
	run dpcache get --region two name
	assert_output second
}

@test "rm --region forgets the name in that region only" {
	put first --region one name
	put second --region two name
	dpcache rm --region one name
	assert_silent 1 dpcache get --region one name
	run dpcache get --region two name
	assert_output second
}

@test "put and get of names with newlines, blanks, quotes and invalid UTF-8" {
	local name names=($'two\nlines' ' ' "it's \"so\"" $'\xff\xfe' '*' "$(printf 'x%.0s' {1..5000})")
	for name in "${names[@]}"; do put "value of $name" "$name"; done
	for name in "${names[@]}"; do
		run dpcache get "$name"
		assert_output "value of $name"
	done
}

@test "put and get of a name that begins with a dash, behind --" {
	put value -- --name
	run dpcache get -- --name
	assert_output value
}

@test "put --store sqlite:DIRECTORY: get finds it there and only there" {
	put value --store "sqlite:$PWD/elsewhere" name
	run dpcache get --store "sqlite:$PWD/elsewhere" name
	assert_output value
	assert_silent 1 dpcache get name
}

@test "get with DPCACHE_STORE instead of --store" {
	put value --store "sqlite:$PWD/elsewhere" name
	DPCACHE_STORE=sqlite:$PWD/elsewhere run dpcache get name
	assert_output value
}

# --- one store with run ---

@test "get of what run --key remembered prints its stdout" {
	dpcache run --key name -- sh -c 'echo out; echo err >&2' >out 2>err
	run --separate-stderr dpcache get name
	assert_success
	assert_output out
	assert_equal "$stderr" ''
}

@test "get --region of what run --key --region remembered" {
	dpcache run --key name --region one -- echo out
	run dpcache get --region one name
	assert_output out
	assert_silent 1 dpcache get name
}

@test "run --key of what put remembered prints it and runs nothing" {
	put 'as put' name
	run dpcache run --key name -- sh -c "$(counted runs)"
	assert_success
	assert_output 'as put'
	assert_runs runs 0
}

@test "run --key after rm of the name is a real run" {
	put 'as put' name
	dpcache rm name
	run dpcache run --key name -- echo ran
	assert_output ran
}

@test "get of what run --key remembered of a failure: a miss" {
	run dpcache run --key name --ttl-fail 1h -- sh -c 'echo bad; exit 1'
	assert_failure 1
	assert_silent 1 dpcache get name
}

@test "get does not wait for a run --key at work" {
	run_held --key name
	assert_silent 1 dpcache get name
	end_held
	run dpcache get name
	assert_output 'result 1'
}

# --- wrong usage ---

@test "get, put and rm without a name: exit 125, one line" {
	assert_usage_error dpcache get
	assert_usage_error dpcache put
	assert_usage_error dpcache rm
}

@test "get, put and rm of an empty name: exit 125, one line" {
	put value name
	assert_usage_error dpcache get ''
	assert_usage_error dpcache put ''
	assert_usage_error dpcache rm ''
}

@test "rm of an empty name where no cache is: exit 125, one line" {
	assert_usage_error dpcache rm ''
}

@test "get and put of two names: exit 125, one line" {
	assert_usage_error dpcache get one two
	assert_usage_error dpcache put one two
}

@test "get, put and rm with an unknown option: exit 125, one line" {
	assert_usage_error dpcache get --nonsense name
	assert_usage_error dpcache put --nonsense name
	assert_usage_error dpcache rm --nonsense name
}

@test "get and put with a --ttl that is no duration: exit 125, one line" {
	local bad
	for bad in '' -1 soon 5x 1e3; do
		assert_usage_error dpcache get --ttl "$bad" name
		assert_usage_error dpcache put --ttl "$bad" name
	done
}

@test "get, put and rm with an option that lacks its value: exit 125, one line" {
	assert_usage_error dpcache get --ttl
	assert_usage_error dpcache put --region
	assert_usage_error dpcache rm --store
}

@test "get, put and rm with a --store of unknown kind: exit 125, one line" {
	assert_usage_error dpcache get --store paper:tape name
	assert_usage_error dpcache put --store paper:tape name
	assert_usage_error dpcache rm --store paper:tape name
}

@test "put with an unknown option makes no cache" {
	run dpcache put --nonsense name
	assert_not_exists "$DPCACHE_DIR"
}

#!/usr/bin/env bats

load helpers

put() { # VALUE NAME...
	printf %s "$1" | dpcache put "${@:2}"
}

# --- ls ---

@test "ls where no cache is: exit 0, silent" {
	assert_silent 0 dpcache ls
}

@test "ls where no cache is makes none" {
	own_files 'files in its home'
	dpcache ls
	assert_not_exists "$DPCACHE_DIR"
}

@test "ls --json where no cache is: an empty array" {
	assert_json '. == []' dpcache ls --json
}

@test "ls of an empty cache: exit 0, silent" {
	put value name
	dpcache rm name
	assert_silent 0 dpcache ls
}

@test "ls --json of an empty cache: an empty array" {
	put value name
	dpcache rm name
	assert_json '. == []' dpcache ls --json
}

@test "ls prints a heading and one line for each entry" {
	put value name
	dpcache run -- echo hello
	run dpcache ls
	assert_equal "${#lines[@]}" 3
	assert_line --index 0 --regexp '^KEY .*COMMAND$'
	assert_line --regexp '^[0-9a-f]{32} .* name$'
	assert_line --regexp '^[0-9a-f]{32} .* echo hello$'
}

@test "ls --json: key, as key prints it" {
	dpcache run -- echo hello >out 2>err
	key=$(dpcache key -- echo hello 2>err)
	assert_json ".[0].key == \"$key\"" dpcache ls --json
}

@test "ls --json: command, with its words quoted where needed" {
	dpcache run -- echo 'two words' "it's"
	run jq -r '.[0].command' <(dpcache ls --json)
	assert_output "echo 'two words' 'it'\\''s'"
}

@test "ls --json: size is that of the output" {
	dpcache run -- sh -c 'printf 12345; printf 678 >&2' >out 2>err
	assert_json '.[0].size == 8' dpcache ls --json
}

@test "ls --json: exit status of a failure that is remembered" {
	run dpcache run --ttl-fail 1h -- sh -c 'exit 3'
	assert_json '.[0].exit == 3' dpcache ls --json
}

@test "ls --json: age, left and cost are numbers of seconds" {
	dpcache run --ttl 1h -- true
	assert_json '.[0] | .age >= 0 and .cost >= 0 and .left > 0 and .left <= 3600' dpcache ls --json
}

@test "ls --json: left is null for what lives forever" {
	put value name
	assert_json '.[0].left == null' dpcache ls --json
}

@test "ls --json: left is negative for what has expired" {
	put value --ttl 1ms name
	# shellcheck disable=SC2317  # called by wait_until
	expired() { dpcache ls --json | jq -e '.[0].left < 0'; }
	wait_until expired
}

@test "ls: forever for what lives forever" {
	put value name
	run dpcache ls
	assert_line --index 1 --regexp ' forever '
}

@test "ls --json: hits, one for each" {
	for _ in 1 2 3; do dpcache run -- true; done
	assert_json '.[0].hits == 2' dpcache ls --json
}

@test "ls --json: hits of a value, one for each get" {
	put value name
	dpcache get name
	dpcache get name
	assert_json '.[0].hits == 2' dpcache ls --json
}

@test "ls after invalidate --all lists nothing" {
	put value name
	dpcache invalidate --all
	assert_silent 0 dpcache ls
	assert_json '. == []' dpcache ls --json
}

@test "ls of a label with newlines, tabs and escapes keeps to one line" {
	dpcache run -- true $'two\nlines' $'\ttab' $'\e[31mred'
	run dpcache ls
	assert_equal "${#lines[@]}" 2
	refute_output --partial $'\e'
}

@test "ls --json of a label with newlines, tabs and escapes gives them back" {
	dpcache run -- true $'two\nlines' $'\ttab' $'\e[31mred\x7f'
	run jq -r '.[0].command' <(dpcache ls --json)
	assert_output "true '"$'two\nlines'"' '"$'\ttab'"' '"$'\e[31mred\x7f'"'"
}

@test "ls of a label with invalid UTF-8 prints valid UTF-8" {
	dpcache run -- true $'\xff\xfe\xc3'
	dpcache ls >out
	iconv -f UTF-8 -t UTF-8 out
}

@test "ls of a label with 8-bit control characters prints none" {
	put value $'csi \xc2\x9b31m raw \x9b31m'
	dpcache ls >out
	run grep -aP '\x9b' out
	assert_failure 1
}

@test "ls of a label in UTF-8 prints it" {
	put value 'schöne Grüße'
	run dpcache ls
	assert_line --partial 'schöne Grüße'
}

@test "ls --json of a label with invalid UTF-8 is valid JSON" {
	dpcache run -- true $'\xff\xfe\xc3'
	assert_json '.[0].command | contains("\ufffd")' dpcache ls --json
}

@test "ls and ls --json of a label of 100 kB" {
	dpcache run -- true "$(printf 'x%.0s' {1..100000})"
	run dpcache ls
	assert_success
	assert_equal "${#lines[@]}" 2
	assert_json '.[0].command | startswith("true xxxx")' dpcache ls --json
}

@test "ls of an empty argument quotes it" {
	dpcache run -- true ''
	run dpcache ls
	assert_line --regexp " true ''\$"
}

@test "ls --json of many entries is one array of them all" {
	for i in {1..20}; do put "$i" "name$i"; done
	assert_json 'map(.command) | sort == ([range(1; 21) | "name\(.)"] | sort)' dpcache ls --json
}

@test "ls with a word it does not take: exit 125, one line" {
	assert_usage_error dpcache ls word
}

@test "ls with an unknown option: exit 125, one line" {
	assert_usage_error dpcache ls --nonsense
}

# --- show ---

@test "show of a name prints key, command, exit status and size" {
	put value name
	run dpcache show name
	assert_success
	assert_line --regexp '^key +[0-9a-f]{32}$'
	assert_line --regexp '^command +name$'
	assert_line --regexp '^exit +0$'
	assert_line --regexp '^size +5 bytes$'
}

@test "show of a key that key printed" {
	dpcache run -- echo hello >out 2>err
	run dpcache show "$(dpcache key -- echo hello 2>err)"
	assert_success
	assert_line --regexp '^command +echo hello$'
}

@test "show --json agrees with ls --json" {
	dpcache run -- echo hello >out 2>err
	key=$(dpcache key -- echo hello 2>err)
	listed=$(dpcache ls --json | jq -S '.[0] | del(.age, .left)')
	shown=$(dpcache show --json "$key" | jq -S 'del(.age, .left, .inputs, .notes, .outputs)')
	assert_equal "$shown" "$listed"
}

@test "show --json: inputs, by path and kind" {
	echo content >input
	dpcache run --input input --input missing -- cat input >out 2>err
	key=$(dpcache key --input input --input missing -- cat input 2>err)
	assert_json '.inputs | map(select(.path | endswith("input"))) | length == 1' dpcache show --json "$key"
	assert_json '.inputs | map(select(.path | endswith("missing")) | .kind) == ["absent"]' \
		dpcache show --json "$key"
}

@test "show: one line for each input" {
	echo content >input
	dpcache run --no-exe --input input -- cat input >out 2>err
	run dpcache show "$(dpcache key --no-exe --input input -- cat input 2>err)"
	assert_line --regexp '^input +.*input \(.*\)$'
}

@test "show --inputs: the inputs with their kinds, and nothing else" {
	echo content >input
	dpcache run --no-exe --input input --input missing -- cat input >out 2>err
	run dpcache show --inputs "$(dpcache key --no-exe --input input --input missing -- cat input 2>err)"
	assert_output "input     input (file)
input     missing (absent)"
}

@test "show --json: declared inputs are not traced, and nothing is noted" {
	dpcache run --input missing -- true >out 2>err
	assert_json '(.inputs | length == 2 and all(.traced == false)) and .notes == []' \
		dpcache show --json "$(dpcache key --input missing -- true 2>err)"
}

@test "show of what only leads to the results of a traced command: exit 1, silent" {
	dpcache run --trace -- true >out 2>err
	assert_silent 1 dpcache show "$(dpcache key --trace -- true 2>err)"
}

@test "show of what has expired says so" {
	put value --ttl 1ms name
	# shellcheck disable=SC2317  # called by wait_until
	expired() { dpcache show name | grep -Eq '^left +expired$'; }
	wait_until expired
}

@test "show --region of a name in that region" {
	put value --region one name
	assert_json '.command == "name"' dpcache show --json --region one name
	assert_silent 1 dpcache show name
}

@test "show of a name that looks like a key" {
	put value 00112233445566778899aabbccddeeff
	assert_json '.size == 5' dpcache show --json 00112233445566778899aabbccddeeff
}

@test "show where no cache is: exit 1, silent" {
	assert_silent 1 dpcache show name
}

@test "show of nothing: exit 1, silent" {
	put value other
	assert_silent 1 dpcache show name
	assert_silent 1 dpcache show 00112233445566778899aabbccddeeff
	assert_silent 1 dpcache show --json name
}

@test "show after invalidate --all: exit 1, silent" {
	put value name
	dpcache invalidate --all
	assert_silent 1 dpcache show name
}

@test "show without a key, with two, with an empty one: exit 125, one line" {
	put value name
	assert_usage_error dpcache show
	assert_usage_error dpcache show name other
	assert_usage_error dpcache show ''
}

@test "show with an unknown option: exit 125, one line" {
	assert_usage_error dpcache show --nonsense name
}

# --- stats ---

@test "stats where no cache is: all zero" {
	assert_json '.hits == 0 and .misses == 0 and .entries == 0 and .hit_rate == 0' dpcache stats --json
}

@test "stats where no cache is makes none" {
	own_files 'files in its home'
	dpcache stats
	assert_not_exists "$DPCACHE_DIR"
}

@test "stats --json: one miss, two hits, rate 2/3" {
	for _ in 1 2 3; do dpcache run -- true; done
	assert_json '.misses == 1 and .hits == 2 and .hit_rate > 0.666 and .hit_rate < 0.667' \
		dpcache stats --json
}

@test "stats twice counts nothing twice" {
	for _ in 1 2 3; do dpcache run -- true; done
	dpcache stats
	assert_json '.misses == 1 and .hits == 2' dpcache stats --json
}

@test "stats --json: a failure that is not remembered" {
	run dpcache run -- false
	assert_json '.failures == 1 and .misses == 0' dpcache stats --json
}

@test "stats --json: a result that is not kept" {
	dpcache run --no-write -- true
	assert_json '.uncached == 1 and .misses == 0' dpcache stats --json
}

@test "stats --json: a follower is coalesced" {
	run_held
	dpcache run -- ./slow >out 2>err 3>&- &
	follower=$!
	wait_until is_blocked "$follower"
	end_held
	wait "$follower"
	assert_json '.coalesced == 1 and .misses == 1 and .hits == 0' dpcache stats --json
}

@test "stats --json: entries and bytes" {
	put 12345 one
	put 12345 two
	assert_json '.entries == 2 and .bytes >= 10' dpcache stats --json
}

@test "stats --json: what is invalidated does not count as an entry" {
	put 12345 one
	dpcache invalidate --all
	assert_json '.entries == 0 and .bytes == 0' dpcache stats --json
}

@test "stats --json: saved is what the runs behind the hits took" {
	run_held
	end_held
	cost=$(dpcache ls --json | jq '.[0].cost')
	dpcache run -- ./slow >out 2>err
	dpcache run -- ./slow >out 2>err
	assert_json ".saved >= $cost and .saved <= 2 * $cost + 0.01" dpcache stats --json
}

@test "stats prints a line for each number of --json" {
	dpcache run -- true
	dpcache run -- true
	run dpcache stats
	assert_success
	assert_line --regexp '^hits +1$'
	assert_line --regexp '^misses +1$'
	assert_line --regexp '^hit rate +50\.0 %$'
	assert_equal "${#lines[@]}" "$(dpcache stats --json | jq length)"
}

@test "stats --reset prints the counters, then they are zero" {
	dpcache run -- true
	dpcache run -- true
	assert_json '.hits == 1' dpcache stats --reset --json
	assert_json '.hits == 0 and .misses == 0 and .saved == 0' dpcache stats --json
}

@test "stats --reset leaves the entries" {
	put value name
	dpcache stats --reset
	run dpcache get name
	assert_output value
}

@test "stats with a word it does not take: exit 125, one line" {
	assert_usage_error dpcache stats word
}

@test "stats with an unknown option: exit 125, one line" {
	assert_usage_error dpcache stats --nonsense
}

@test "ls, show and stats of a damaged database: exit 125, one line" {
	own_files 'its database'
	put value name
	checkpoint
	head -c 20000 /dev/urandom >"$DPCACHE_DIR/$DATABASE"
	assert_usage_error dpcache ls
	assert_usage_error dpcache show name
	assert_usage_error dpcache stats
}

@test "ls into a full device: exit 125, one line" {
	put value name
	run --separate-stderr bash -c 'dpcache ls >/dev/full'
	assert_failure 125
	assert_one_warning
}

#!/usr/bin/env bats

load helpers

# The key that run says it used, with the streams arranged as for key below.
key_of_run() {
	dpcache run --status-fd 5 "$@" 5>status >out 2>err || true
	jq -r .key status
}

key() {
	dpcache key "$@" 2>err
}

# --- the key itself ---

@test "key prints 32 hexadecimal digits and a newline" {
	key -- echo hello >printed
	grep -Eqx '[0-9a-f]{32}' printed
	assert_equal "$(stat -c %s printed)" 33
}

@test "key twice: the same" {
	assert_equal "$(key -- echo hello)" "$(key -- echo hello)"
}

@test "key runs nothing" {
	key -- sh -c "$(counted runs)"
	assert_runs runs 0
}

@test "key remembers nothing" {
	key -- echo hello
	assert_json '. == []' dpcache ls --json
}

@test "key equals what run reports" {
	assert_equal "$(key_of_run -- echo hello)" "$(key -- echo hello)"
}

@test "key equals what run reports of a hit" {
	dpcache run -- echo hello >out 2>err
	assert_equal "$(key_of_run -- echo hello)" "$(key -- echo hello)"
	run jq -r .status status
	assert_output hit
}

@test "key with every option that shapes it equals what run reports" {
	echo content >input
	echo another >listed
	echo listed >list
	options=(--env HOME --env UNSET --input input --input absent --inputs-from list --salt salt
		--region region --no-cwd --no-exe --no-path --no-uid --no-locale)
	assert_equal "$(key_of_run "${options[@]}" -- echo hello)" "$(key "${options[@]}" -- echo hello)"
}

@test "key --stdin equals what run --stdin reports" {
	assert_equal "$(echo input | key_of_run --stdin -- cat)" "$(echo input | key --stdin -- cat)"
}

@test "key -c equals what run -c reports" {
	assert_equal "$(key_of_run -c 'echo hello')" "$(key -c 'echo hello')"
}

@test "key --key equals what run --key reports" {
	assert_equal "$(key_of_run --key name -- echo hello)" "$(key --key name -- echo hello)"
}

@test "key -0 reads names that end in NUL" {
	printf 'one\0two\nlines\0' >list
	assert_equal "$(key -0 --inputs-from list -- true)" "$(key --input one --input $'two\nlines' -- true)"
}

@test "key of another stdout, the same file as stderr: another key" {
	one=$(dpcache key -- true 2>/dev/null)
	two=$(dpcache key -- true 2>&1)
	refute [ "$one" = "$two" ]
}

@test "key differs by command, salt, region, stdin and input" {
	echo content >input
	{
		key -- true
		key -- true ''
		key --salt a -- true
		key --salt b -- true
		key --region a -- true
		echo a | key --stdin -- true
		echo b | key --stdin -- true
		key --input input -- true
		echo changed >input
		key --input input -- true
		rm input
		key --input input -- true
	} >keys
	assert_equal "$(sort -u keys | wc -l)" 10
}

@test "key of a command that is not there: exit 127, one line" {
	run -127 --separate-stderr dpcache key -- "$PWD/nothing"
	assert_output ''
	assert_one_warning 'command not found'
}

@test "key of a file that is not executable: exit 126, one line" {
	touch plain
	run --separate-stderr dpcache key -- ./plain
	assert_failure 126
	assert_output ''
	assert_one_warning
}

@test "key --key of a command that is not there prints the key" {
	run dpcache key --key name -- nothing-of-this-name
	assert_success
}

@test "key in a cache directory that cannot be used: exit 125, one line" {
	ln -s "$PWD" "$DPCACHE_DIR"
	assert_usage_error dpcache key -- true
}

@test "key without a command, with an unknown option, with one of run's only: exit 125, one line" {
	assert_usage_error dpcache key
	assert_usage_error dpcache key --nonsense -- true
	assert_usage_error dpcache key --ttl 5m -- true
}

# --- --explain ---

@test "key --explain names the argument, the executable and the working directory" {
	run dpcache key --explain -- true argument
	assert_success
	assert_line 'argument true'
	assert_line 'argument argument'
	assert_line "executable $(type -P true)"
	assert_line "working directory $PWD"
}

@test "key --explain names variables: PATH, the locale's, those of --env, set or not" {
	NAMED=value run dpcache key --explain --env NAMED --env UNSET -- true
	assert_line 'variable PATH'
	assert_line 'variable LC_ALL'
	assert_line 'variable TZ'
	assert_line 'variable NAMED'
	assert_line 'variable UNSET'
}

@test "key --explain names inputs" {
	touch input
	run dpcache key --explain --input input -- true
	assert_line 'input input'
}

@test "key --explain names the logical working directory where it differs" {
	ln -s . link
	PWD=$PWD/link run dpcache key --explain -- true
	assert_line --regexp '^logical working directory .*/link$'
}

@test "key --explain names what the --no- options leave in only" {
	run dpcache key --explain --no-cwd --no-exe --no-path --no-uid --no-locale -- true
	assert_success
	refute_output --regexp 'directory|executable|variable|uid'
}

@test "key --explain never prints a value: of --env, PATH, locale, salt or stdin" {
	mkdir secret-path
	# shellcheck disable=SC2016  # for the inner shell
	NAMED=secret-value TZ=secret-zone LC_ALL=C LC_TIME=secret-time PATH=$PATH:$PWD/secret-path \
		run dpcache key --explain --env NAMED --salt secret-salt --stdin -- true <<<secret-input
	assert_success
	refute_output --partial secret-
}

@test "key --json never prints a value" {
	NAMED=secret-value TZ=secret-zone run dpcache key --json --env NAMED --salt secret-salt -- true
	assert_success
	refute_output --partial secret-
}

@test "run --env stores no value anywhere in the cache" {
	NAMED=secret-value TZ=secret-zone dpcache run --env NAMED -- true
	run grep -rE 'secret-(value|zone)' "$DPCACHE_DIR"
	assert_failure 1
}

@test "key --json: the key and what went into it" {
	key=$(key -- true argument)
	assert_json ".key == \"$key\"" dpcache key --json -- true argument
	assert_json '.parts | map(select(.part == "argument") | .name) == ["true", "argument"]' \
		dpcache key --json -- true argument
}

@test "key --json names what --explain names" {
	dpcache key --explain --env HOME -- true >explained
	jq -r '.parts[] | .part + if .name then " " + .name else "" end' \
		<(dpcache key --json --env HOME -- true) >named
	diff explained named
}

@test "key --json of arguments with newlines and invalid UTF-8 is valid JSON" {
	assert_json '.parts | map(.name) | contains(["two\nlines"])' \
		dpcache key --json -- true $'two\nlines' $'\xff'
}

@test "key --explain of an argument with a newline keeps to one line for each part" {
	plain=$(dpcache key --explain -- true oneline 2>err | wc -l)
	run dpcache key --explain -- true $'two\nlines'
	assert_equal "${#lines[@]}" "$plain"
}

#!/usr/bin/env bats

load helpers

commands() {
	dpcache help | awk '/^  [a-z]/ {print $1}'
}

# The options a command's help lists, without their dashes.
options() { # COMMAND
	dpcache help "$1" | sed -n 's/^  \(    \|-[^ ], \)--\([a-z-]*\).*/\2/p'
	dpcache help "$1" | sed -n 's/^  -\([^ ]\), --.*/\1/p'
}

# The options that a manual page mentions: what is behind Fl, which prints one
# dash, and the long ones of dpcache in examples, up to where its command begins.
options_in() { # PAGE
	sed -e '/^\.\\"/d' -e 's/\\-/-/g' "$1" >page
	grep -oE '\<Fl +(Fl +)?-?[[:alnum:]][[:alnum:]-]*' page | sed -E 's/(Fl +)+-?//'
	grep -oE '\<dpcache [a-z]* *-.*' page | sed -E 's/ (--|-c) .*//' |
		grep -oE -- ' --[[:alnum:]][[:alnum:]-]*' | sed 's/^ --//'
}

pages() {
	[ -e "$ROOT/man/dpcache.1" ] || fail "no man/dpcache.1"
	page=$ROOT/man/dpcache-$1.1
	[ -e "$page" ] || page=$ROOT/man/dpcache.1
}

@test "help lists the commands" {
	run dpcache help
	assert_success
	assert_line --regexp '^  run +'
	assert_line --regexp '^  doctor +'
}

@test "help, --help and -h print the same" {
	diff <(dpcache help) <(dpcache --help)
	diff <(dpcache help) <(dpcache -h)
}

@test "help of every command equals its --help" {
	for command in $(commands); do
		diff <(dpcache help "$command") <(dpcache "$command" --help)
	done
}

@test "help of every command goes to stdout alone" {
	for command in $(commands); do
		run --separate-stderr dpcache help "$command"
		assert_success
		# shellcheck disable=SC2154  # set by run
		assert_equal "$stderr" ''
		assert_line --index 0 --partial "usage: dpcache $command"
	done
}

@test "--help makes no cache" {
	for command in $(commands); do run dpcache "$command" --help; done
	assert_not_exists "$DPCACHE_DIR"
}

@test "run: --help behind the command is the command's own" {
	# shellcheck disable=SC2016  # for the inner shell
	run dpcache run -- sh -c 'echo "its $1"' sh --help
	assert_output 'its --help'
}

@test "every option in a help is taken by its command" {
	for command in $(commands); do
		for option in $(options "$command"); do
			if ((${#option} == 1)); then option=-$option; else option=--$option; fi
			run dpcache "$command" "$option"
			refute_output --partial 'unknown option'
		done
	done
}

@test "every option in a help is in the manual page" {
	for command in $(commands); do
		pages "$command"
		options_in "$page" >known
		for option in $(options "$command"); do
			grep -Fxq -- "$option" known || fail "$page lacks $option of $command"
		done
	done
}

@test "every option in a manual page is in a help" {
	[ -e "$ROOT/man/dpcache.1" ] || fail "no man/dpcache.1"
	for command in $(commands); do options "$command"; done >known
	printf '%s\n' help version h >>known
	for page in "$ROOT"/man/*.1; do
		for option in $(options_in "$page"); do
			grep -Fxq -- "$option" known || fail "$page knows $option, no help does"
		done
	done
}

@test "every command is in dpcache.1" {
	[ -e "$ROOT/man/dpcache.1" ] || fail "no man/dpcache.1"
	for command in $(commands); do
		grep -Eq "(^|[^[:alnum:]])$command([^[:alnum:]]|\$)" "$ROOT/man/dpcache.1" || fail "no $command"
	done
}

@test "version, --version and version --help" {
	run dpcache version
	assert_success
	assert_output --regexp '^dpcache [0-9]+\.[0-9]+\.[0-9]+$'
	dpcache --version | diff - <(dpcache version)
}

@test "no command, an unknown command, help of an unknown command: exit 125, one line" {
	assert_usage_error dpcache
	assert_usage_error dpcache nonsense
	assert_usage_error dpcache --nonsense
	assert_usage_error dpcache help nonsense
}

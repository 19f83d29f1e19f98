# What a store's URL may name, and what comes of one that names nothing that works.
load helpers

setup() {
	common_setup
	unset DPCACHE_STORE
	make_tool
}

# The command runs each time, its output and status intact, and one line says why.
assert_uncached() { # PATTERN OPTION...
	local pattern=$1 before
	before=$(runs runs)
	shift
	for _ in 1 2; do
		run -0 --separate-stderr dpcache run "$@" tool x
		assert_output '<x>'
		assert_one_warning "$pattern"
	done
	assert_runs runs $((before + 2))
}

assert_nothing_made() {
	assert_not_exists "$DPCACHE_DIR"
	assert_equal "$(ls -A)" ''
}

@test "a store of unknown kind: the command runs, one line says what there is" {
	assert_uncached "unknown store 'paper:' (known: sqlite:" --store paper://host
	assert_uncached "unknown store 'sqlite'" --store sqlite
	DPCACHE_STORE=paper:tape assert_uncached "unknown store 'paper:'"
	assert_nothing_made
}

@test "a store of unknown kind: with --require-cache nothing runs" {
	run -125 --separate-stderr dpcache run --require-cache --store paper://host tool
	assert_output ''
	assert_one_warning "unknown store 'paper:'"
	assert_runs runs 0
}

@test "a password in a store's URL is not told" {
	run -0 --separate-stderr dpcache run --store paper://me:secret@host tool
	# shellcheck disable=SC2154  # set by run
	[[ $stderr != *secret* ]] || fail "$stderr"
}

@test "null: every call runs, and no file is made" {
	export DPCACHE_STORE=null:
	for n in 1 2 3; do
		run -0 --separate-stderr dpcache run tool x
		assert_output '<x>'
		assert_equal "$stderr" ''
		assert_runs runs $n
	done
	run -3 dpcache run -- sh -c 'exit 3'
	assert_nothing_made
}

@test "null: is asked and told without an error, and remembers nothing" {
	export DPCACHE_STORE=null:
	echo value | dpcache put name
	assert_silent 1 dpcache get name
	assert_silent 1 dpcache rm name
	assert_silent 0 dpcache invalidate --all
	assert_silent 0 dpcache prune
	assert_silent 0 dpcache ls
	assert_json '. == []' dpcache ls --json
	run -0 dpcache doctor
	assert_line --partial 'null: keeps nothing'
	assert_nothing_made
}

@test "null: with --require-cache nothing runs, for nothing could keep others out" {
	run -125 --separate-stderr dpcache run --require-cache --store null: tool
	assert_one_warning 'keeps nothing'
	assert_runs runs 0
}

@test "doctor lists the engines" {
	run -0 dpcache doctor
	assert_line --regexp '^ok +library +sqlite [0-9.]+'
	assert_json 'map(select(.what == "library")) | length == 2' dpcache doctor --json
}

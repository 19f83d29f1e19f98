# What tests of stores on servers share, beside helpers.bash: a machine is a directory of its
# own (DPCACHE_DIR) on the same server.
# shellcheck disable=SC2154  # set by run

# here COMMAND...: with streams that are two, as they are under run: one is another question.
here() {
	local status=0
	"$@" 2>here.err || status=$?
	cat here.err >&2
	return $status
}

# on MACHINE COMMAND...
on() {
	DPCACHE_DIR=$BATS_TEST_TMPDIR/$1 here "${@:2}"
}

with_option() { # OPTION=VALUE
	export DPCACHE_STORE="$DPCACHE_STORE&$1"
}

# It runs all the same, and one line says why that was needed.
assert_runs_with_word() { # PATTERN COMMAND...
	local before
	before=$(runs runs)
	run -0 --separate-stderr "${@:2}"
	assert_output '<x>'
	assert_one_warning "$1"
	assert_runs runs $((before + 1))
}

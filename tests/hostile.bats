#!/usr/bin/env bats
# dpcache run --trace of programs that do what none should have to: they say and return
# what they do untraced, and what is remembered is right, or nothing is.

load helpers

setup_file() {
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$BATS_FILE_TMPDIR/hostile" \
		"$BATS_TEST_DIRNAME/shim/hostile.c"
}

setup() {
	common_setup
	PATH=$BATS_FILE_TMPDIR:$PATH
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/status
}

# A sanitizer names the process.
outcome() { # [OPTION] COMMAND...
	local status=0 to=$BATS_TEST_TMPDIR/to
	echo one >input
	dpcache run --refresh --cache-exit any "$@" >"$to.out" 2>"$to.err" || status=$?
	sed 's/^==[0-9]*==/==PID==/' "$to.out" "$to.err"
	echo "status $status"
}

# as_untraced COMMAND...: which finds an input that says "one".
as_untraced() {
	local plain
	plain=$(outcome -- "$@")
	if [ -z "${DPC_TEST_CFLAGS:-}" ]; then assert_equal "$(outcome --trace=strict -- "$@")" "$plain"; fi
	assert_equal "$(outcome --trace -- "$@")" "$plain"
}

assert_reason() { # WORDS
	grep -qF -- "$1" "$DPCACHE_STATUS_FILE" || fail "$(<"$DPCACHE_STATUS_FILE")"
}

# remembered COMMAND...: as long as its input is what it was. Ends with $ended.
remembered() {
	echo one >input
	run -"${ended-0}" dpcache run --trace --cache-exit any "$@"
	assert_line one
	run -"${ended-0}" dpcache run --trace --cache-exit any "$@"
	assert_line one
	assert_decision hit
	echo two >input
	run -"${ended-0}" dpcache run --trace --cache-exit any "$@"
	assert_line two
	assert_decision miss
}

@test "hostile: closes every descriptor" {
	as_untraced sh -c 'hostile close-all; echo $?; cat out'
	remembered sh -c 'hostile close-all; echo $?; cat out'
}

@test "hostile: scrubs its environment" {
	local how
	for how in clear null; do
		as_untraced hostile scrub "$how"
		remembered hostile scrub "$how"
	done
	as_untraced env -i /bin/cat input
	remembered env -i /bin/cat input
}

@test "hostile: sets its limits to four" {
	as_untraced hostile limit
	remembered hostile limit
}

@test "hostile: changes its root directory" {
	((EUID == 0)) || skip 'needs root'
	mkdir root
	cp "$(command -v cat)" root/cat
	ldd root/cat | grep -o '/[^ ]*' | xargs cp -L --parents -t root
	echo other >root/input
	as_untraced hostile chroot root
	assert_reason 'changed its root directory'
}

@test "hostile: restricts its own system calls" {
	as_untraced hostile confine
	assert_reason 'restricted its own system calls'
}

@test "hostile: loads a sanitizer" {
	local runtime
	runtime=$(realpath "$(gcc -print-file-name=libasan.so)")
	as_untraced hostile load "$runtime"
	as_untraced env LD_PRELOAD="$runtime" ASAN_OPTIONS=detect_leaks=0 hostile load none
	echo 'int main(void) { char *p = __builtin_malloc(1); return p[1]; }' | gcc -fsanitize=address -x c -o overflow -
	as_untraced sh -c './overflow 2>&1 | grep -o "ERROR: AddressSanitizer: .* on"; cat input'
	remembered sh -c './overflow 2>/dev/null; cat input'
}

@test "hostile: forks ten thousand times" {
	as_untraced hostile fork 10000
	remembered hostile fork 10000
}

@test "hostile: is killed" {
	as_untraced hostile killed
	ended=137 remembered hostile killed
	as_untraced sh -c 'hostile killed; hostile killed & wait $!; echo $?'
	remembered sh -c 'hostile killed; echo $?'
}

@test "hostile: writes a hundred megabytes of paths" {
	as_untraced hostile name 100
	assert_reason 'more than can be recorded'
}

@test "hostile: paths of nearly four KiB, with newlines" {
	hostile descend 18 one
	as_untraced hostile descend 18
	# shellcheck disable=SC2016  # for the inner shell
	remembered sh -c 'hostile descend 18 "$(cat input)"; echo'
	twice dpcache run --trace hostile descend 18
	assert_decision hit
	hostile descend 18 three
	assert_equal "$(dpcache run --trace hostile descend 18)" three
}

@test "hostile: a working directory whose name is longer than any path" {
	hostile descend 30 one
	as_untraced hostile descend 30
	assert_reason 'used a file that has no name'
}

@test "hostile: changes its input while it runs" {
	as_untraced sh -c 'cat input; echo two >input; cat input'
	assert_reason 'looked at'
	as_untraced sh -c 'cat input; (mv input away; echo two >input) & wait; cat input'
	assert_reason 'looked at'
}

@test "hostile: a directory is a link elsewhere when its files are put back" {
	make() { dpcache run --trace --outputs auto sh -c "$(counted runs); mkdir -p made/in; cat input >made/in/file"; }
	echo one >input
	make
	mv made elsewhere
	make
	assert_runs runs 1
	assert_equal "$(<made/in/file)" one
	rm -r made
	ln -s elsewhere made
	echo mine >elsewhere/in/file
	make
	assert_runs runs 2
}

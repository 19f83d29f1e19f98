#!/usr/bin/env bats

load helpers

# What is built, as it is; and not as a part of the make that may run these tests.
make_quietly() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" -o all BUILD="$BUILD" "$@" 3>&-
}

# Into PREFIX itself, with nothing of the build tree on PATH.
install_here() {
	prefix=$BATS_TEST_TMPDIR/prefix
	make_quietly install PREFIX="$prefix"
	PATH=$prefix/bin:/usr/bin:/bin
}

write_program() {
	cat >program.c <<-'C'
		#include <dpcache.h>
		#include <stdio.h>
		#include <string.h>

		int main(void)
		{
			dpc_cache *cache;
			dpc_error err;
			uint8_t *value;
			uint64_t size;
			if (dpc_cache_open(&cache, NULL, &err) != DPC_OK ||
			    dpc_cache_put(cache, "name", 4, "from C", 6, DPC_FOREVER, &err) != DPC_OK ||
			    dpc_cache_get(&value, &size, cache, "name", 4, -1, &err) != DPC_OK) {
				fprintf(stderr, "%s\n", err.message);
				return 1;
			}
			printf("%.*s\n", (int)size, (const char *)value);
			dpc_free(value);
			dpc_cache_close(cache);
			return 0;
		}
	C
}

compile() { # PKG-CONFIG-OPTIONS...
	# shellcheck disable=SC2046  # words are meant
	# What the library was built with beyond the usual: a sanitizer, say.
	# shellcheck disable=SC2086
	cc -Wall -Wextra -Werror ${DPC_TEST_CFLAGS-} program.c -o program \
		$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" dpcache)
}

@test "make install: the installed dpcache finds its core" {
	install_here
	run dpcache run -- sh -c "$(counted runs); echo hello"
	assert_success
	assert_output hello
	assert_runs runs 1
}

@test "make install: the installed dpcache remembers" {
	install_here
	for _ in 1 2; do dpcache run -- sh -c "$(counted runs)"; done
	assert_runs runs 1
}

# Is there a GDBM in what was built?
with_gdbm() {
	[ -e "$BUILD/dpcache-store-gdbm.so" ] || skip 'no gdbm in this build'
}

@test "make install: the installed dpcache loads an engine" {
	with_gdbm
	install_here
	for _ in 1 2; do dpcache run --store gdbm: -- sh -c "$(counted runs)"; done
	assert_runs runs 1
	assert_exists "$DPCACHE_DIR/cache.gdbm"
}

@test "make install: the installed dpcache, called through a symbolic link" {
	install_here
	mkdir bin
	ln -s "$prefix/bin/dpcache" bin/dpc
	run bin/dpc version
	assert_success
}

@test "make install DESTDIR: everything below it, as if PREFIX were the root's" {
	make_quietly install PREFIX=/opt/dp DESTDIR="$PWD/stage"
	assert_equal "$(ls stage)" opt
	assert_exists stage/opt/dp/bin/dpcache
	assert_exists stage/opt/dp/libexec/dpcache/dpcache-core
	assert_exists stage/opt/dp/libexec/dpcache/dpcache-core-shared
	assert_exists stage/opt/dp/lib/libdpcache.so.0
	assert_exists stage/opt/dp/include/dpcache.h
	run grep '^prefix=' stage/opt/dp/lib/pkgconfig/dpcache.pc
	assert_output prefix=/opt/dp
}

@test "make install DESTDIR: dpcache works from there" {
	make_quietly install PREFIX=/opt/dp DESTDIR="$PWD/stage"
	run env PATH=/usr/bin:/bin stage/opt/dp/bin/dpcache run -- echo hello
	assert_success
	assert_output hello
}

@test "make install: all pages of man/" {
	install_here
	diff <(cd "$ROOT/man" && find . -name '*.1' | sort) <(cd "$prefix/share/man/man1" && find . -type f | sort)
	diff <(cd "$ROOT/man" && find . -name '*.3' | sort) <(cd "$prefix/share/man/man3" && find . -type f | sort)
}

@test "make install twice: the second is as good" {
	install_here
	install_here
	run dpcache version
	assert_success
}

@test "pkg-config: a C program compiles, links and makes a round trip" {
	install_here
	write_program
	compile --cflags --libs
	LD_LIBRARY_PATH=$prefix/lib run ./program
	assert_success
	assert_output 'from C'
}

@test "pkg-config: a C program and dpcache get share a value" {
	install_here
	write_program
	compile --cflags --libs
	LD_LIBRARY_PATH=$prefix/lib ./program
	run dpcache get name
	assert_output 'from C'
}

@test "pkg-config: a C program's library loads an engine" {
	with_gdbm
	install_here
	write_program
	compile --cflags --libs
	mkdir elsewhere
	cd elsewhere
	DPCACHE_STORE=gdbm: LD_LIBRARY_PATH=$prefix/lib run ../program
	assert_success
	assert_output 'from C'
	run dpcache get --store gdbm: name
	assert_output 'from C'
}

@test "pkg-config --static: a C program links the archive" {
	install_here
	rm "$prefix"/lib/libdpcache.so*
	write_program
	compile --static --cflags --libs
	run ./program
	assert_success
	assert_output 'from C'
}

@test "pkg-config --modversion is what version prints" {
	install_here
	run env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --modversion dpcache
	assert_output "$(dpcache version | cut -d ' ' -f 2)"
}

@test "libdpcache.so exports dpc_ names of dpcache.h and nothing else" {
	nm -D --defined-only "$BUILD/libdpcache.so.0" | awk '{print $NF}' | sed 's/@.*//' | sort >exported
	grep -oE 'dpc_[a-z_]+\(' "$ROOT/lib/dpcache.h" | tr -d '(' | sort -u >declared
	diff declared exported
}

@test "libdpcache.so needs no path of the build to be found" {
	run readelf -d "$BUILD/libdpcache.so.0"
	assert_line --regexp 'SONAME.*\[libdpcache\.so\.0\]'
	refute_output --regexp 'R(UN)?PATH'
}

@test "make uninstall leaves no file" {
	install_here
	make_quietly uninstall PREFIX="$prefix"
	assert_equal "$(find "$prefix" ! -type d)" ''
}

@test "make uninstall leaves other programs' files" {
	install_here
	touch "$prefix/bin/other" "$prefix/lib/libother.so"
	make_quietly uninstall PREFIX="$prefix"
	assert_exists "$prefix/bin/other"
	assert_exists "$prefix/lib/libother.so"
}

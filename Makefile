# dpcache. The two commands a stranger needs:
#   make try     install what is missing, build, run a slow command twice
#   make check   the same, then every test
# Others: all bench check-stores torture check-programs check-sanitize install uninstall clean format

VERSION = 0.1.0
CC = gcc
PREFIX = /usr/local
DESTDIR =
BUILD = build
# How the front is linked: musl, static, dynamic; auto takes the first there is.
FRONT = auto
CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Werror
# V=1 shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-5s %s\n')
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) $(SANITIZE) -MMD -MP -iquote lib -iquote cmd -iquote lib/remote

# ---- what is built of what ----

ifeq ($(FRONT),auto)
FRONT_KIND := $(shell if command -v musl-gcc >/dev/null 2>&1; then echo musl; \
  elif echo 'int main(void){return 0;}' | $(CC) -static -x c -o /dev/null - 2>/dev/null; then echo static; \
  else echo dynamic; fi)
else
FRONT_KIND := $(FRONT)
endif

# The engines whose libraries are there, besides SQLite.
WITH := $(if $(shell pkg-config --exists lmdb && echo y),lmdb)
STORES = $(wildcard lib/store/sqlite*.c) lib/store/mem.c lib/store/tier.c lib/store/record.c lib/store/places.c $(foreach e,$(WITH),$(wildcard lib/store/$(e)*.c))
STORE_PACKAGES = sqlite3 $(WITH)

# And those that are loaded (lib/plugin.h), each an object of its own. Of one whose
# library is not there nothing is built. What an engine is linked with is told by
# the names that pkg-config knows; where it knows none, by a header and the flags.
LOADABLE =
flags_of = $(if $(filter %.h,$(1)),$(if $(call has_header,$(filter %.h,$(1))),$(filter-out %.h,$(1))),$(shell pkg-config --cflags --libs $(1) 2>/dev/null))
has_header = $(shell echo '#include <$(1)>' | $(CC) -E -x c - >/dev/null 2>&1 && echo y)
define engine
$(1)_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(3)))
$(1)_FLAGS := $(call flags_of,$(2))
LOADABLE += $$(if $$($(1)_OBJ),$$(if $$($(1)_FLAGS),$(1)))
endef
# One line each: name, libraries, sources.
$(eval $(call engine,gdbm,gdbm.h -lgdbm,lib/store/gdbm*.c))
$(eval $(call engine,redis,hiredis openssl libzstd,lib/store/redis*.c lib/remote/*.c))
$(eval $(call engine,memcached,libmemcached libcrypto libzstd,lib/store/memcached*.c $(addprefix lib/remote/,breaker.c envelope.c idle.c sign.c squeeze.c trust.c)))
ENGINES = $(foreach e,$(LOADABLE),$(BUILD)/dpcache-store-$(e).so)

# How a traced command is started: by us as by the shim.
OUTFIT = lib/shim/outfit.c lib/shim/target.c lib/shim/known.c lib/shim/elfile.c
LIB_SRC = $(wildcard lib/*.c) $(STORES) $(OUTFIT)
# The front: nothing that opens a database, starts a process or keeps a result.
CORE_ONLY = lib/vault.c lib/vault_fetch.c lib/vault_traced.c lib/vault_remove.c lib/store.c lib/row.c lib/join.c lib/lease.c lib/plugin.c lib/stats.c lib/recorder.c lib/gather.c lib/capture.c lib/relay.c lib/lead.c \
            lib/keeper.c lib/laggard.c lib/trace.c lib/trace_outfit.c lib/trace_judge.c lib/trace_outputs.c lib/trace_stay.c lib/trace_facts.c lib/trace_around.c lib/trace_rules.c lib/sightings.c lib/sighting.c lib/way.c lib/pathset.c lib/vigil.c lib/manifest.c \
            lib/differ.c lib/differ_inputs.c lib/nearest.c \
            lib/account.c lib/check.c lib/cache.c lib/value.c lib/plain.c lib/held.c lib/state_view.c lib/near.c lib/memory.c lib/process.c lib/scratch.c lib/prune.c
FRONT_SRC = cmd/front.c cmd/become.c cmd/handover.c cmd/onlook.c cmd/refresh.c cmd/options.c cmd/option_tables.c cmd/store_url.c cmd/opt.c cmd/serve.c cmd/report.c \
            $(filter-out $(CORE_ONLY), $(wildcard lib/*.c))
CORE_SRC = $(filter-out cmd/front.c cmd/arena.c cmd/noplugin.c, $(wildcard cmd/*.c))

# The allocator of a front that is all our own; a sanitizer brings one itself.
ifneq ($(FRONT_KIND),dynamic)
FRONT_SRC += cmd/arena.c
endif

# Watches programs that nothing can be loaded into. Static like the front, so that
# nothing is loaded into it either.
WATCHER_SRC = $(wildcard lib/watcher/*.c) lib/siphash.c

LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
CORE_OBJ = $(CORE_SRC:%.c=$(BUILD)/obj/%.o)
FRONT_OBJ = $(FRONT_SRC:%.c=$(BUILD)/front/%.o)
WATCHER_OBJ = $(WATCHER_SRC:%.c=$(BUILD)/front/%.o)
MAN = $(wildcard man/*.1 man/*.3 man/*.7)

STORE_LIBS = $(shell pkg-config --libs $(STORE_PACKAGES))
# The core, too, is static where the libraries are there for it: loading shared
# ones costs each miss half a /bin/true. CORE=dynamic says no. (The linker would
# warn of dlopen: nothing here loads SQLite extensions.) It becomes the shared one,
# dpcache-core-shared, when an engine has to be loaded.
CORE = $(if $(SANITIZE)$(call missing_static,libsqlite3.a)$(if $(WITH),$(call missing_static,liblmdb.a))$(call missing_static,libc.a),dynamic,static)
missing_static = $(if $(filter /%,$(shell $(CC) -print-file-name=$(1))),,$(1))
CORE_LIBS_static = -static -Wl,--no-warnings $(STORE_LIBS) -lm
CORE_LIBS_dynamic = $(STORE_LIBS)
CORE_OBJ_static = $(BUILD)/obj/cmd/noplugin.o

FRONT_CC_musl = musl-gcc
FRONT_CC_static = $(CC)
FRONT_CC_dynamic = $(CC)
FRONT_LD_musl = -static -no-pie $(FRONT_LD_SMALL)
FRONT_LD_static = -static -no-pie $(FRONT_LD_SMALL)
FRONT_LD_dynamic = -no-pie
# A fixed address spares the core relocations at each start.
CORE_LD = -no-pie
# Fewer segments: each costs the start a mapping and a page fault or two.
FRONT_LD_SMALL = -Wl,-z,noseparate-code -Wl,-z,norelro -Wl,--build-id=none
# musl-gcc does not look into /usr/include: the headers it needs are linked to.
FRONT_CFLAGS = -isystem $(BUILD)/include -ffunction-sections -fdata-sections
FRONT_LD = $(FRONT_LD_$(FRONT_KIND)) -Wl,--gc-sections

# What `dpcache run --trace` has loaded into every program: one for each C library.
# Optimised however the rest is built, for it counts on calls that become jumps; and
# never with a sanitizer in it.
SHIMS = $(BUILD)/dpcache-shim.so $(if $(shell command -v musl-gcc),$(BUILD)/dpcache-shim-musl.so)
SHIM_OBJ = $(patsubst %.c,$(BUILD)/shim/%.o,$(call shim_of,glibc))
SHIM_MUSL_OBJ = $(patsubst %.c,$(BUILD)/shim-musl/%.o,$(call shim_of,musl))
# Together, what every process goes through: see shim.ld.
SHIM_FIRST = $(patsubst %,lib/shim/%.c, begin executable library objects log memory string place find rules variants)
shim_of = $(SHIM_FIRST) lib/shim/$(1)/platform.c $(filter-out $(SHIM_FIRST) %/platform.c,$(wildcard lib/shim/*.c lib/shim/$(1)/*.c))
SHIM_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g -MMD -MP -fPIC -fvisibility=hidden \
              -ftls-model=initial-exec -iquote lib/shim
# First of all constructors; its own calls stay its own; cheap to load.
SHIM_LD = -shared -nostartfiles -Wl,-z,initfirst,-z,noseparate-code,-z,norelro,-Bsymbolic,--hash-style=gnu,--build-id=none,-O1,-T,lib/shim/shim.ld

all: $(BUILD)/dpcache $(BUILD)/dpcache-core $(BUILD)/dpcache-core-shared $(ENGINES) $(BUILD)/dpcache-watcher $(BUILD)/libdpcache.so $(BUILD)/libdpcache.a $(BUILD)/dpcache.pc $(SHIMS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@

# What else there is stands in its table of engines.
$(BUILD)/obj/lib/store.o: ALL_CFLAGS += $(if $(filter lmdb,$(WITH)),-DWITH_LMDB)
$(BUILD)/obj/lib/store.o: $(BUILD)/stores.kind
$(BUILD)/stores.kind: FORCE
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = "$(WITH)" ] || echo "$(WITH)" >$@

$(BUILD)/front/%.o: %.c | $(BUILD)/include/xxhash.h $(BUILD)/front.kind
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(FRONT_CC_$(FRONT_KIND)) $(ALL_CFLAGS) $(FRONT_CFLAGS) -c $< -o $@

$(BUILD)/include/xxhash.h:
	@mkdir -p $(@D)
	$(Q)ln -sf "$$(pkg-config --variable=includedir libxxhash)/xxhash.h" $@

# The kernel's: where Debian has them.
KERNEL_HEADERS = $(addprefix $(BUILD)/include/, linux asm asm-generic)
$(KERNEL_HEADERS):
	@mkdir -p $(@D)
	$(Q)ln -sfn "$$(ls -d /usr/include/$(@F) /usr/include/$$($(CC) -print-multiarch)/$(@F) 2>/dev/null | head -n 1)" $@

$(WATCHER_OBJ): | $(KERNEL_HEADERS)

# Objects of one kind of front are no use to another.
$(BUILD)/front.kind: FORCE
	@mkdir -p $(@D)
	@if [ "$$(cat $@ 2>/dev/null)" != "$(FRONT_KIND)" ]; then rm -rf $(BUILD)/front; echo $(FRONT_KIND) >$@; fi

$(BUILD)/dpcache: $(FRONT_OBJ)
	$(say) LINK "$@ ($(FRONT_KIND))"
	$(Q)$(FRONT_CC_$(FRONT_KIND)) $(CFLAGS) $(SANITIZE) $(FRONT_OBJ) -o $@ $(FRONT_LD)

$(BUILD)/dpcache-watcher: $(WATCHER_OBJ)
	$(say) LINK "$@ ($(FRONT_KIND))"
	$(Q)$(FRONT_CC_$(FRONT_KIND)) $(CFLAGS) $(SANITIZE) $(WATCHER_OBJ) -o $@ $(FRONT_LD)

$(BUILD)/libdpcache.a: $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@
	$(Q)ar rcs $@ $(LIB_OBJ)

$(BUILD)/libdpcache.so: $(LIB_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) -shared -Wl,-soname,libdpcache.so.0 $(LIB_OBJ) -o $@.0 $(STORE_LIBS)
	$(Q)ln -sf libdpcache.so.0 $@

$(BUILD)/dpcache-core: $(CORE_OBJ_$(CORE))
$(BUILD)/dpcache-core-shared: CORE = dynamic
$(BUILD)/dpcache-core $(BUILD)/dpcache-core-shared: $(CORE_OBJ) $(BUILD)/libdpcache.a
	$(say) LINK "$@ ($(CORE))"
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(CORE_OBJ) $(CORE_OBJ_$(CORE)) $(BUILD)/libdpcache.a -o $@ $(CORE_LD) $(CORE_LIBS_$(CORE))

# Each with its own copy of what it needs of ours; only dpcache_store can be seen.
ENGINE_LD = -shared -Wl,--as-needed -Wl,--exclude-libs,ALL,-Bsymbolic,--no-undefined
$(foreach e,$(LOADABLE),$(eval $(BUILD)/dpcache-store-$(e).so: $($(e)_OBJ)) \
  $(eval $($(e)_OBJ): ALL_CFLAGS += $(filter -I% -D%,$($(e)_FLAGS))))
$(ENGINES): $(BUILD)/dpcache-store-%.so: $(BUILD)/libdpcache.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $($*_OBJ) $(BUILD)/libdpcache.a -o $@ $(ENGINE_LD) $($*_FLAGS)

$(BUILD)/shim/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(SHIM_CFLAGS) -iquote lib/shim/glibc -c $< -o $@

$(BUILD)/shim-musl/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)musl-gcc $(SHIM_CFLAGS) -iquote lib/shim/musl -c $< -o $@

$(BUILD)/shim/lib/shim/string.o $(BUILD)/shim-musl/lib/shim/string.o: SHIM_CFLAGS += -fno-builtin

$(SHIMS): lib/shim/shim.ld
$(BUILD)/dpcache-shim.so: $(SHIM_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(SHIM_LD) $(SHIM_OBJ) -o $@

$(BUILD)/dpcache-shim-musl.so: $(SHIM_MUSL_OBJ)
	$(say) LINK $@
	$(Q)musl-gcc $(SHIM_LD) $(SHIM_MUSL_OBJ) -o $@

$(BUILD)/dpcache.pc: Makefile
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'Name: dpcache' 'Description: Remember what slow commands answered' \
	  'Version: $(VERSION)' 'Libs: -L$${prefix}/lib -ldpcache' 'Requires.private: $(STORE_PACKAGES)' \
	  'Cflags: -I$${prefix}/include' >$@

-include $(LIB_OBJ:.o=.d) $(CORE_OBJ:.o=.d) $(CORE_OBJ_static:.o=.d) $(foreach e,$(LOADABLE),$($(e)_OBJ:.o=.d)) $(FRONT_OBJ:.o=.d) $(SHIM_OBJ:.o=.d) $(SHIM_MUSL_OBJ:.o=.d) $(WATCHER_OBJ:.o=.d)

# ---- the two commands, and the tests ----

# Debian's names of what is needed to build, and to check.
BUILD_PACKAGES = gcc libc6-dev pkg-config libsqlite3-dev liblmdb-dev libgdbm-dev libhiredis-dev libmemcached-dev libssl-dev libzstd-dev libxxhash-dev musl-tools
CHECK_PACKAGES = $(BUILD_PACKAGES) g++ clang libclang-rt-14-dev clang-tidy cppcheck shellcheck mandoc bats \
                 bats-assert bats-support bats-file libcmocka-dev jq sqlite3 strace faketime parallel spin git redis-server redis-tools memcached openssl

try:
	@tests/need $(BUILD_PACKAGES)
	@$(MAKE) --no-print-directory all
	@tests/try $(BUILD)

check:
	@tests/need $(CHECK_PACKAGES)
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory try check-clang lint check-model check-unit check-bats check-store-sample check-scripts check-fault

# The other compiler has an eye for other things.
check-clang:
	@$(MAKE) --no-print-directory CC=clang FRONT=dynamic BUILD=$(BUILD)/clang all

BATS = $(wildcard tests/*.bats)
check-bats: all
	@$(RUN_BATS) $(BATS)

RUN_BATS = tests/with-servers env DPC_TEST_BUILD=$(abspath $(BUILD)) DPC_TEST_CFLAGS="$(SANITIZE)" bats --jobs 2 --no-parallelize-within-files

# What the engines other than the default one could do differently, and then all of it.
OTHER_STORES = $(addsuffix :,$(WITH) $(filter gdbm redis,$(LOADABLE)))
STORE_SAMPLE = $(addprefix tests/, run.bats get-put-rm.bats prune.bats ls-show-stats.bats invalidate.bats races.bats trace.bats)
check-store-sample: all
	@for url in $(OTHER_STORES); do echo "  BATS  $$url"; env DPC_TEST_STORE=$$url $(RUN_BATS) $(STORE_SAMPLE) || exit 1; done
check-stores: all check-unit
	@for url in sqlite: $(OTHER_STORES); do echo "  BATS  $$url"; env DPC_TEST_STORE=$$url $(RUN_BATS) $(BATS) || exit 1; done

# The same suite under AddressSanitizer and UndefinedBehaviorSanitizer.
check-sanitize:
	@tests/need $(CHECK_PACKAGES)
	@ASAN_OPTIONS=verify_asan_link_order=0 $(MAKE) --no-print-directory FRONT=dynamic BUILD=$(BUILD)/sanitize CFLAGS="-O1 -g -Wno-format-truncation" \
	  SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
	  all check-unit check-bats

# Not the check that wants memcpy_s; nor those of vfork, which knows only execve, and of va_start.
TIDY = -*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-unix.Vfork,-clang-analyzer-valist.*,bugprone-macro-*,bugprone-sizeof-*,bugprone-infinite-loop,bugprone-unused-return-value,bugprone-string-*,bugprone-signal-handler,bugprone-not-null-terminated-result,bugprone-misplaced-*,bugprone-branch-clone,portability-*,performance-*
lint: lint-shim
	@echo '  LINT  manual pages'
	@mandoc -Tlint -W warning $(MAN)
	@echo '  LINT  shell'
	@shellcheck --shell=bash --severity=warning $(BATS) $(wildcard tests/*.bash) tests/need tests/try tests/with-servers tests/unit/run tests/bench/bench tests/model/check tests/programs/compare tests/programs/fetch \
	  $(wildcard tests/programs/*.sh) .ci/run
	@echo '  LINT  cppcheck'
	@cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem -D_GNU_SOURCE -Ilib -Icmd cmd lib -i lib/shim
	@echo '  LINT  clang-tidy'
	@ls cmd/*.c lib/*.c lib/store/*.c lib/remote/*.c lib/watcher/*.c | xargs -P 2 -n 6 sh -c 'clang-tidy --quiet --warnings-as-errors="*" \
	  --checks="$(TIDY)" "$$@" -- -std=gnu11 -D_GNU_SOURCE -iquote lib -iquote lib/remote -iquote cmd 2>/dev/null' tidy
# In the shim macros stand for whole functions, and addresses come as numbers.
SHIM_TIDY = $(TIDY),-bugprone-macro-parentheses,-performance-no-int-to-ptr
lint-shim:
	@echo '  LINT  shim'
	@cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem --suppress=CastIntegerToAddressAtReturn \
	  -D_GNU_SOURCE -Ilib/shim -Ilib/shim/glibc lib/shim tests/shim -i lib/shim/musl
	@ls lib/shim/*.c lib/shim/glibc/*.c | xargs -P 2 -n 6 sh -c 'clang-tidy --quiet --warnings-as-errors="*" \
	  --checks="$(SHIM_TIDY)" "$$@" -- -std=gnu11 -D_GNU_SOURCE -iquote lib/shim -iquote lib/shim/glibc 2>/dev/null' tidy

-include tests/unit/unit.mk
-include tests/fault/fault.mk
-include tests/model/model.mk
-include tests/bench/bench.mk
-include tests/programs/programs.mk

# ---- installing ----

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/dpcache $(DESTDIR)$(PREFIX)/include \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man3 \
	  $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 755 $(BUILD)/dpcache $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/dpcache-core $(BUILD)/dpcache-core-shared $(BUILD)/dpcache-watcher $(DESTDIR)$(PREFIX)/libexec/dpcache/
	install -m 644 $(SHIMS) $(ENGINES) $(DESTDIR)$(PREFIX)/libexec/dpcache/
	install -m 644 lib/dpcache.h $(DESTDIR)$(PREFIX)/include/
	install -m 755 $(BUILD)/libdpcache.so.0 $(DESTDIR)$(PREFIX)/lib/
	ln -sf libdpcache.so.0 $(DESTDIR)$(PREFIX)/lib/libdpcache.so
	install -m 644 $(BUILD)/libdpcache.a $(DESTDIR)$(PREFIX)/lib/
	sed 's|^prefix=.*|prefix=$(PREFIX)|' $(BUILD)/dpcache.pc >$(DESTDIR)$(PREFIX)/lib/pkgconfig/dpcache.pc
	install -m 644 $(filter %.1, $(MAN)) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(filter %.3, $(MAN)) $(DESTDIR)$(PREFIX)/share/man/man3/
	install -m 644 $(filter %.7, $(MAN)) $(DESTDIR)$(PREFIX)/share/man/man7/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/dpcache \
	  $(addprefix $(DESTDIR)$(PREFIX)/libexec/dpcache/, dpcache-core dpcache-core-shared dpcache-watcher dpcache-shim.so dpcache-shim-musl.so \
	    $(notdir $(ENGINES))) \
	  $(DESTDIR)$(PREFIX)/include/dpcache.h $(DESTDIR)$(PREFIX)/lib/libdpcache.* \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig/dpcache.pc \
	  $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/, $(notdir $(filter %.1, $(MAN)))) \
	  $(addprefix $(DESTDIR)$(PREFIX)/share/man/man3/, $(notdir $(filter %.3, $(MAN)))) \
	  $(addprefix $(DESTDIR)$(PREFIX)/share/man/man7/, $(notdir $(filter %.7, $(MAN))))

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all try check check-clang check-bats check-store-sample check-stores check-sanitize lint lint-shim install uninstall clean FORCE

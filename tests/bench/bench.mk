# make bench: dpcache against its bars, as a Markdown table. See tests/bench/bench.

BENCH = $(BUILD)/bench
# The kinds of front that can be linked here; the script says which are not.
BENCH_KINDS = $(shell command -v musl-gcc >/dev/null 2>&1 && echo musl; \
  echo 'int main(void){return 0;}' | $(CC) -static -x c -o /dev/null - 2>/dev/null && echo static; \
  echo dynamic)

bench: bench-tools bench-fronts
	@tests/bench/bench $(BUILD)

bench-tools: all $(BENCH)/spawn $(BENCH)/lstats $(BENCH)/opens $(BENCH)/opens-static $(BENCH)/watch $(if $(WITH),$(BENCH)/stores)

# Without -Ilib: its spawn.h would stand before the system's.
$(BENCH)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) $< -o $@

# Where there is no static C library, its measure is left out.
$(BENCH)/opens-static: tests/bench/opens.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -static $< -o $@ || rm -f $@

# Against the engines alone, so with their headers; and with the library's, to fill stores.
STORES_BENCH = $(filter-out $(if $(filter redis,$(LOADABLE)),,%_redis.c), $(wildcard tests/bench/stores*.[ch]))
$(BENCH)/stores: $(STORES_BENCH) $(BUILD)/libdpcache.a $(ENGINES)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) $(if $(filter redis,$(LOADABLE)),-DWITH_REDIS $(redis_FLAGS)) \
	  -iquote lib $(filter %.c %.a,$^) -o $@ $(STORE_LIBS) -lm $(if $(filter redis,$(LOADABLE)),$(redis_FLAGS))
	$(Q)$(foreach e,$(ENGINES),ln -sf ../$(notdir $(e)) $(@D)/ &&) :

# The shim's log in words; it knows the wire.
$(BENCH)/watch: tests/shim/watch.c lib/shim/wire.h
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -iquote lib $< -o $@

# Each kind in a directory of its own, beside a link to the core.
bench-fronts: all
	@for kind in $(BENCH_KINDS); do \
	  $(MAKE) --no-print-directory FRONT=$$kind BUILD=$(BUILD)/bench-$$kind $(BUILD)/bench-$$kind/dpcache && \
	  ln -sf ../dpcache-core $(BUILD)/bench-$$kind/dpcache-core || exit 1; \
	done

.PHONY: bench bench-tools bench-fronts

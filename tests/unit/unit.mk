# Unit tests, to be included by the top Makefile: one program per room of lib.
#   make check-unit                 all of them, stopping at the first that fails
#   make check-unit UNIT=tuple      one of them

UNIT = *
# Engines that are not built in have nothing of their own to be asked.
UNIT_ENGINES = conformance sqlite $(WITH) $(LOADABLE)
UNIT_ABSENT = $(filter-out $(UNIT_ENGINES:%=tests/unit/test_store_%.c), $(wildcard tests/unit/test_store_*.c)) \
              $(if $(filter redis,$(LOADABLE)),,tests/unit/test_remote.c)
UNIT_SRC = $(filter-out $(UNIT_ABSENT), $(wildcard tests/unit/test_$(UNIT).c))
UNIT_BIN = $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
UNIT_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wstrict-prototypes -Wshadow -Werror \
              $(CFLAGS) $(SANITIZE) -MMD -MP -Ilib -Ilib/remote -Icmd -Itests/unit
UNIT_LIBS = -lcmocka $(STORE_LIBS) -lm

$(BUILD)/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(UNIT_CFLAGS) -c $< -o $@

$(filter $(BUILD)/unit/test_store%, $(UNIT_BIN)): $(BUILD)/unit/stored.o
# The engine that counts what it is asked.
$(BUILD)/unit/test_plain: $(BUILD)/unit/counted.o
$(BUILD)/unit/test_plain: UNIT_LIBS += -Wl,--wrap=store_sqlite
$(BUILD)/unit/test_opt: $(BUILD)/obj/cmd/opt.o
$(BUILD)/unit/test_watcher: $(filter-out %/main.o %/siphash.o, $(WATCHER_SRC:%.c=$(BUILD)/obj/%.o))
$(BUILD)/unit/test_inputs: $(BUILD)/obj/cmd/inputs.o $(BUILD)/obj/cmd/text.o
$(BUILD)/unit/test_difference: $(BUILD)/obj/cmd/difference.o $(BUILD)/obj/cmd/text.o

# What engines on servers have in common.
$(BUILD)/unit/test_remote: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard lib/remote/*.c))
$(BUILD)/unit/test_remote: UNIT_LIBS += $(redis_FLAGS)

# Where they look for what is loaded.
$(filter $(BUILD)/unit/test_store%, $(UNIT_BIN)): $(ENGINES:$(BUILD)/%=$(BUILD)/unit/%)
$(BUILD)/unit/dpcache-store-%.so: $(BUILD)/dpcache-store-%.so
	@mkdir -p $(@D)
	$(Q)ln -sf ../$(@F) $@
$(foreach e,$(LOADABLE),$(eval $(BUILD)/unit/test_store_$(e): UNIT_LIBS += $($(e)_FLAGS)))

$(UNIT_BIN): %: %.o $(BUILD)/unit/support.o $(BUILD)/libdpcache.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(filter %.o, $^) $(BUILD)/libdpcache.a -o $@ $(UNIT_LIBS)

# None is to take make's own job tokens.
check-unit: $(UNIT_BIN)
	@CC="$(CC)" sh tests/unit/check-header
	@MAKEFLAGS= tests/with-servers tests/unit/run $(UNIT_BIN)

-include $(UNIT_BIN:=.d) $(BUILD)/unit/support.d $(BUILD)/unit/stored.d $(BUILD)/unit/counted.d

# Kept, so that one changed test costs one compilation.
.SECONDARY: $(UNIT_BIN:=.o) $(BUILD)/unit/support.o $(BUILD)/unit/stored.o $(BUILD)/unit/counted.o
.PHONY: check-unit

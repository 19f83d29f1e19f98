# Unit tests, to be included by the top Makefile: one program per room of lib.
#   make check-unit                 all of them, stopping at the first that fails
#   make check-unit UNIT=tuple      one of them

UNIT = *
UNIT_SRC = $(wildcard tests/unit/test_$(UNIT).c)
UNIT_BIN = $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
UNIT_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wstrict-prototypes -Wshadow -Werror \
              $(CFLAGS) $(SANITIZE) -MMD -MP -Ilib -Icmd -Itests/unit
UNIT_LIBS = -lcmocka $(shell pkg-config --libs sqlite3)

$(BUILD)/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c $< -o $@

$(BUILD)/unit/test_opt: $(BUILD)/obj/cmd/opt.o

$(BUILD)/unit/test_%: $(BUILD)/unit/test_%.o $(BUILD)/unit/support.o $(BUILD)/libdpcache.a
	$(CC) $(CFLAGS) $(SANITIZE) $(filter %.o, $^) $(BUILD)/libdpcache.a -o $@ $(UNIT_LIBS)

check-unit: $(UNIT_BIN)
	CC="$(CC)" sh tests/unit/check-header
	@for t in $(UNIT_BIN); do echo "== $$t"; $$t || exit 1; done

-include $(UNIT_BIN:=.d) $(BUILD)/unit/support.d

# Kept, so that one changed test costs one compilation.
.SECONDARY: $(UNIT_BIN:=.o) $(BUILD)/unit/support.o
.PHONY: check-unit

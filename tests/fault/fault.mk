# The torture: hundreds of callers, killed and stopped at random. See tests/fault/torture.c.
#   make check-fault                a sample of it, half a minute at most
#   make torture                    five minutes
#   make torture SEED=7 ROUNDS=3    as a failure says, to repeat it

FAULT = $(BUILD)/fault
FAULT_SECONDS = 300
FAULT_CHECK_SECONDS = 20
# A number of rounds given says how long; else the time does.
FAULT_ROUNDS = $(if $(ROUNDS),$(ROUNDS),1000000)
FAULT_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) $(SANITIZE) -MMD -MP -iquote tests/fault
FAULT_OBJ = $(patsubst tests/fault/%.c,$(FAULT)/%.o,$(filter-out %/worker.c,$(wildcard tests/fault/*.c)))

$(FAULT)/%.o: tests/fault/%.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(FAULT_CFLAGS) -c $< -o $@

$(FAULT)/torture: $(FAULT_OBJ)
$(FAULT)/worker: $(FAULT)/worker.o $(FAULT)/proc.o $(FAULT)/said.o
$(FAULT)/torture $(FAULT)/worker:
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $^ -o $@

fault-tools: all $(FAULT)/torture $(FAULT)/worker

check-fault: fault-tools
	@SEED=$(SEED) ROUNDS=$(FAULT_ROUNDS) SECONDS=$(FAULT_CHECK_SECONDS) $(FAULT)/torture $(BUILD) $(FAULT)/worker

torture: fault-tools
	@SEED=$(SEED) ROUNDS=$(FAULT_ROUNDS) SECONDS=$(FAULT_SECONDS) $(FAULT)/torture $(BUILD) $(FAULT)/worker

-include $(FAULT_OBJ:.o=.d) $(FAULT)/worker.d
.SECONDARY: $(FAULT)/worker.o
.PHONY: check-fault torture fault-tools

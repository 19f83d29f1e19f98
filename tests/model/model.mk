# make check-model: a model of the protocol, searched through by spin. See dpcache.pml.

check-model:
	@tests/model/check $(BUILD) "$(CC)"

.PHONY: check-model

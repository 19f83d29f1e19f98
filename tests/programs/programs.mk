# Real programs, traced and not. See tests/programs/compare.
#   make check-scripts     scripts that use common tools: ten seconds
#   make check-programs    besides, test suites of programs, whose sources are fetched

PROGRAMS = $(BUILD)/programs
# What a script does with common tools; and programs' own test suites, whose sources are fetched.
PROGRAM_SCRIPTS = files history
PROGRAM_SUITES = make git perl python
PROGRAM_PACKAGES = $(BUILD_PACKAGES) dpkg-dev git perl python3.11 zlib1g-dev

check-scripts: all
	@for name in $(PROGRAM_SCRIPTS); do \
	  tests/programs/compare $(BUILD) tests/programs/$$name.sh --trace --trace=strict || exit 1; done

check-programs: check-scripts
	@tests/need $(PROGRAM_PACKAGES)
	@for name in $(PROGRAM_SUITES); do \
	  if ! tests/programs/fetch $(PROGRAMS) $$name; then echo "  SKIP  $$name: it cannot be fetched"; continue; fi; \
	  tests/programs/compare $(BUILD) tests/programs/$$name.sh || exit 1; done

.PHONY: check-scripts check-programs

# Everything a user or a contributor runs. `make scan` and `make test` set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD ?= fixtures/builds/demo-app/build.apk fixtures/builds/demo-ios/build.ipa

.DEFAULT_GOAL := help
.PHONY: help scan test lint docs bench fuzz fixtures package clean

help:
	@echo "make scan             judge the two demo builds; make scan BUILD=path for your own"
	@echo "make test             run every test"
	@echo "make lint             ruff, mypy, import-linter"
	@echo "make docs             write docs/checks and the JSON Schema again from the code"
	@echo "make bench            measure CPU seconds and memory of a scan"
	@echo "make fuzz             feed hostile bytes to every parser; make fuzz FUZZ='axml --seconds 60'"
	@echo "make fixtures         build every fixture again (needs Android and LLVM tools)"
	@echo "make package          build the wheel and the source archive into dist/"

# One set-up for users and one for contributors; each is made again when pyproject.toml changes.
$(VENV)/.scan: pyproject.toml
	@echo "Setting up a virtual environment in $(VENV) (about a minute, once) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.scan
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# A block is an answer here, not a failure of make: only the gate's own command carries exit codes.
scan: $(VENV)/.scan
	@$(BIN)/gate scan $(BUILD); code=$$?; echo; echo "gate scan ended with exit code $$code"; \
	 test $$code -eq 0 -o $$code -eq 1

test: $(VENV)/.dev
	@$(BIN)/python -m pytest

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(VENV)/.dev
	@$(BIN)/python tools/make_docs.py

bench: $(VENV)/.scan
	@$(BIN)/python tools/bench.py $(BENCH)

# A seeded loop chooses the inputs; atheris does, by coverage, where somebody has installed it with
# $(BIN)/python -m pip install atheris, which needs a wheel of it for this platform or clang.
fuzz: $(VENV)/.scan
	@$(BIN)/python tools/fuzz.py $(FUZZ)

fixtures: $(VENV)/.dev
	@$(BIN)/python tools/make_fixtures.py

package: $(VENV)/.dev
	@$(BIN)/python -m build --outdir dist .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

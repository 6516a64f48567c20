# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := .make/ready
WORKERS ?= 2

.PHONY: picture demo test check bench wheel soak clean

demo: $(READY)
	$(BIN)/allowlist demo

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term:skip-covered $(PYTEST)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.bench

picture: $(READY)
	$(BIN)/python -m allowlist_tui.picture tui/review.svg

soak: $(READY)
	$(BIN)/python -m tests.soak

wheel: $(READY)
	$(BIN)/python -m build --wheel

$(READY): pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	mkdir -p .make && touch $(READY)

clean:
	rm -rf .make $(VENV) build dist

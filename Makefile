# make demo — the main job, end to end.   make test — every check.   Both set themselves up first.
PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
TORCH  ?= torch==2.13.0
EXTRAS ?= all,sdv,pyod
GROUPS ?= dev datasets
# torch comes from local wheels where pip has been told of some, else from the index that fits this machine (CPU or CUDA).
WHEELS := $(or $(PIP_FIND_LINKS),$(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null))
FROM   ?= $(if $(WHEELS),$(foreach place,$(WHEELS),--find-links $(place)),--torch-backend=auto)
PYTEST ?= -n auto --dist worksteal

.PHONY: setup demo test lint typecheck pytest wheel lock clean
setup: $(VENV)/.ready

demo: setup
	@$(VENV)/bin/genapps demo

test: setup lint typecheck pytest

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

typecheck: setup
	$(VENV)/bin/mypy

# One thread a process: the tests themselves fill the processors.
pytest: setup
	OMP_NUM_THREADS=1 $(PY) -m pytest $(PYTEST)

# What users install, away from this folder: alone, then with the extra of each domain.
wheel: setup
	rm -rf dist build/wheel
	$(UV) build -q --wheel -o dist
	$(VENV)/bin/check-wheel-contents dist
	$(PYTHON) -m venv --without-pip build/wheel
	$(UV) pip install -q -p build/wheel/bin/python $(FROM) -c constraints.txt "$(TORCH)" dist/*.whl
	.ci/wheel build/wheel base
	$(UV) pip install -q -p build/wheel/bin/python $(FROM) -c constraints.txt "$(TORCH)" "$$(ls $(CURDIR)/dist/*.whl)[all]"
	.ci/wheel build/wheel all

# Pins for every platform and Python, without torch and its CUDA: those are chosen per machine (docs/decisions/002).
lock: setup
	echo "torch ; sys_platform == 'never'" > $(VENV)/no-torch.txt
	$(UV) pip compile -q pyproject.toml --universal --upgrade --extra all --extra sdv --extra pyod --group dev --group datasets \
	  --overrides $(VENV)/no-torch.txt --no-emit-package torch --no-header --no-annotate -o $(VENV)/constraints.txt
	sed -e "s/ and sys_platform == 'never'//" -e "s/ ; sys_platform == 'never'//" $(VENV)/constraints.txt > constraints.txt

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "genapps needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q uv==0.13.9
	$(UV) pip install -q -p $(PY) $(FROM) -c constraints.txt "$(TORCH)" -e '.[$(EXTRAS)]' $(foreach group,$(GROUPS),--group $(group))
	@touch $@

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

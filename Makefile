# make demo — the main job, end to end.   make test — every check.   Both set themselves up first.
VENV  ?= .venv
PY    := $(VENV)/bin/python
UV    := $(VENV)/bin/uv
TORCH ?= torch==2.13.0
# torch comes from local wheels where pip has been told of some, else from the index that fits this machine (CPU or CUDA).
WHEELS := $(or $(PIP_FIND_LINKS),$(shell python3 -m pip config get global.find-links 2>/dev/null))
FROM   ?= $(if $(WHEELS),$(foreach place,$(WHEELS),--find-links $(place)),--torch-backend=auto)

.PHONY: setup demo test lint typecheck pytest lock clean
setup: $(VENV)/.ready

demo: setup
	@$(VENV)/bin/genapps demo

test: setup lint typecheck pytest

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

typecheck: setup
	$(VENV)/bin/mypy

pytest: setup
	$(PY) -m pytest $(PYTEST)

# Pins for every platform and Python, without torch and its CUDA: those are chosen per machine (docs/decisions/002).
lock: setup
	echo "torch ; sys_platform == 'never'" > $(VENV)/no-torch.txt
	$(UV) pip compile -q pyproject.toml --universal --upgrade --extra all --extra sdv --group dev --group datasets \
	  --overrides $(VENV)/no-torch.txt --no-emit-package torch --no-header --no-annotate -o $(VENV)/constraints.txt
	sed -e "s/ and sys_platform == 'never'//" -e "s/ ; sys_platform == 'never'//" $(VENV)/constraints.txt > constraints.txt

$(VENV)/.ready: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PY) -m pip install -q uv==0.13.9
	$(UV) pip install -q -p $(PY) $(FROM) -c constraints.txt "$(TORCH)" -e '.[all,sdv]' --group dev --group datasets
	@touch $@

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# make        install, fetch MNIST, train mlp and cnn, evaluate, write plots and both pages
# make test   install what tests need, run all of them
# make lint   formatting and rules of the code
# make clean  remove what make made, but not the data and not the runs
# Everything is safe to repeat: what is there already is not made again.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet

RUNS := results/runs/mlp/fast/seed0/test.json results/runs/cnn/fast/seed0/test.json
ALL_RUNS := $(shell find results/runs -name test.json 2>/dev/null)
PAGES := task3_MNIST/model_comparison.html task3_MNIST/model_inference.html
CODE := $(wildcard task3_MNIST/*.py task3_MNIST/core/*.py task3_MNIST/report/*.py \
	task3_MNIST/report/templates/* task3_MNIST/report/static/*)

.PHONY: all test lint clean
.DELETE_ON_ERROR:

all: $(PAGES)
	@echo
	@echo "Open these two files in a browser:"
	@for page in $(PAGES); do echo "  $(CURDIR)/$$page"; done
	@echo "Plots are in results/plots and in the run folders under results/runs."

# one after the other: training uses every core, and its seconds are reported
.NOTPARALLEL:

results/runs/mlp/%/test.json: | .venv/runtime
	$(PY) task3_MNIST/train_mlp.py

results/runs/cnn/%/test.json: | .venv/runtime
	$(PY) task3_MNIST/train_cnn.py

task3_MNIST/model_comparison.html: $(RUNS) $(ALL_RUNS) $(CODE)
	$(PY) task3_MNIST/visualize_comparison.py

task3_MNIST/model_inference.html: $(RUNS) $(ALL_RUNS) $(CODE)
	$(PY) task3_MNIST/model_inference_visualization.py

test: .venv/dev
	@tests/install_chromium.sh
	$(PY) -m pytest

lint: .venv/dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis results/plots $(PAGES)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is only written once everything before it worked, so a broken install is mended.
.venv/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null || \
		{ echo "error: Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/runtime: requirements.txt | .venv/python
	@echo "Installing the pinned packages: a minute or two, 5.5 GB with PyTorch's CUDA libraries"
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt requirements.txt | .venv/runtime
	$(PIP) -r requirements-dev.txt
	@touch $@

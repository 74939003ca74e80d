# make        install, fetch MNIST, train mlp and cnn (five seeds each), evaluate, plots, both pages
# make test   install what tests need, run all of them
# make lint   formatting and rules of the code
# make help   this list
# make clean  remove what make made, but not the data and not the runs
# make benchmark  train and evaluate every model with both everyday recipes from five seeds: hours,
#             may be stopped and given again; then results/runs/summary.csv and both pages
# make notebook   run task3_MNIST/main.ipynb and keep what it shows, after the reference results changed
# Everything is safe to repeat: what is there already is not made again.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet

RUNS := results/runs/mlp/fast/ensemble.json results/runs/cnn/fast/ensemble.json
COMPARISON := task3_MNIST/model_comparison.html
INFERENCE := task3_MNIST/model_inference.html
# what a page shows and is made by; listed by the shell, since the names of runs may hold
# characters that make cannot have in a name
SOURCES = find results/runs task1_MLP task2_CNN task3_MNIST -type f \( -name test.json -o -name ensemble.json \
	-o -name '*.py' -o -path '*/report/*' \)

# at most two, since pages are timed: each worker needs a core, or its browser would wait for one;
# tests/conftest.py says what belongs together, and in which order
WORKERS := -n auto --maxprocesses 2 --dist loadgroup --no-loadscope-reorder

.PHONY: all help pages test lint clean benchmark notebook always
.DELETE_ON_ERROR:

all: pages
	@echo
	@echo "Open these two files in a browser:"
	@echo "  $(CURDIR)/$(COMPARISON)"
	@echo "  $(CURDIR)/$(INFERENCE)"
	@echo "Plots are in results/plots and in the run folders under results/runs."

help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile

# one after the other: training uses every core, and its seconds are reported
.NOTPARALLEL:

results/runs/mlp/%/ensemble.json: | .venv/runtime
	$(PY) task3_MNIST/train_mlp.py --seeds 5

results/runs/cnn/%/ensemble.json: | .venv/runtime
	$(PY) task3_MNIST/train_cnn.py --seeds 5

pages: $(COMPARISON) $(INFERENCE)

$(COMPARISON): SCRIPT := task3_MNIST/visualize_comparison.py
$(INFERENCE): SCRIPT := task3_MNIST/model_inference_visualization.py
$(COMPARISON) $(INFERENCE): $(RUNS) always
	@if [ -e $@ ] && [ -z "$$($(SOURCES) -newer $@ | head -n 1)" ]; then \
		echo "$@ is up to date."; \
	else \
		set -x; $(PY) $(SCRIPT); \
	fi

test: .venv/dev
	@tools/install_chromium.sh
	$(PY) -m pytest $(WORKERS)

benchmark: | .venv/runtime
	$(PY) task3_MNIST/benchmark.py

notebook: .venv/dev
	$(PY) tools/notebook.py

lint: .venv/dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis results/plots $(COMPARISON) $(INFERENCE)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is only written once everything before it worked: a broken install is repeated.
.venv/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null || \
		{ echo "error: Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/runtime: requirements.txt | .venv/python
	@echo "Installing the pinned packages: a minute or two, 5.5 GB with PyTorch's CUDA libraries"
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt requirements-cluster.txt requirements-export.txt requirements.txt | .venv/runtime
	$(PIP) -r requirements-dev.txt
	@touch $@

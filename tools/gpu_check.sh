#!/bin/sh
# Check on a machine with a GPU that every script works there, and time it: under 8 minutes.
#
#     tools/gpu_check.sh [FOLDER]
#
# FOLDER holds MNIST's four .gz files; without it, data/ is used, and MNIST is fetched if missing.
# Prints a line a step: what it measured, or the end of what it printed if it failed. A step that
# needs a package which is not installed is named and passed over. What speedrun.py wrote is kept
# in results/gpu_check, in files named after the card. From the environment:
#     PYTHON=...   the Python with PyTorch (default: .venv/bin/python if it is there, else python3)
#     RUNS=1       processes of each speedrun.py (default: 5)
#     DEVICE=cpu EPOCHS=1   try this script where there is no GPU, each training cut short
set -u

DEVICE=${DEVICE:-cuda}
RUNS=${RUNS:-5}
cut=${EPOCHS:+--epochs $EPOCHS}
here=$(pwd)
given=${1:-}
case $given in "" | /*) ;; *) given=$here/$given ;; esac
cd "$(dirname "$0")/.." || exit 1
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
fi

card=$("$PYTHON" -c '
import sys, torch
if sys.argv[1] == "cuda" and not torch.cuda.is_available():
    sys.exit(f"PyTorch {torch.__version__} finds no CUDA here")
print(torch.cuda.get_device_name() if sys.argv[1] == "cuda" else sys.argv[1])
' "$DEVICE" 2>&1) || { echo "error: $(echo "$card" | tail -n 1): name another Python with PYTHON=..., or try this script with DEVICE=cpu"; exit 1; }
echo "$card, $("$PYTHON" -c 'import platform, torch; print(f"PyTorch {torch.__version__}, Python {platform.python_version()}")')"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
data=data
if [ -n "$given" ]; then
    data=$work/data
    mkdir -p "$data/MNIST/raw"
    for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
        if [ ! -f "$given/$name-ubyte.gz" ]; then
            echo "error: $given has no $name-ubyte.gz: name the folder of MNIST's four .gz files"
            exit 1
        fi
        ln -s "$given/$name-ubyte.gz" "$data/MNIST/raw/"
    done
fi
results=$work/runs
log=$work/log
passed=0
failed=0
over=0

# step NAME PATTERN COMMAND...: run a command, and print what matches in its output
step() {
    local name pattern begun result figure # or they would overwrite those of the same name below
    name=$1 pattern=$2
    shift 2
    begun=$(date +%s)
    if "$@" >"$log" 2>&1 && grep -qE "$pattern" "$log"; then
        passed=$((passed + 1))
        result=passed
        figure=$(grep -oE "$pattern" "$log" | paste -s -d ';' - | sed 's/;/; /g')
    elif grep -q "No module named" "$log"; then
        over=$((over + 1))
        result="passed over"
        figure="not installed: $(grep -o "No module named.*" "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        result=FAILED
        figure=$(tail -n 15 "$log")
    fi
    echo "$result  $name ($(($(date +%s) - begun)) s): $figure"
}

python() { "$PYTHON" "$@" --device "$DEVICE" --data "$data"; }

# Write a test image to a file, and name it: what predict.py is asked for.
digit() {
    "$PYTHON" -c '
import sys
from pathlib import Path
from PIL import Image
from task3_MNIST.datasets.splits import load_test
test = load_test("mnist", Path(sys.argv[1]))
Image.fromarray(test.images[0, 0].numpy()).save(sys.argv[2])
print(f"the first test image is a {test.labels[0]}")
' "$data" "$work/digit.png"
}

# Kill a training once an epoch is saved, and give the same command again.
resume() {
    set -- "$PYTHON" task3_MNIST/train_cnn.py --recipe classic --epochs 4 --device "$DEVICE" \
        --data "$data" --results "$work/killed"
    "$@" &
    process=$!
    until [ -n "$(find "$work/killed" -name checkpoint.pt 2>/dev/null)" ]; do
        kill -0 "$process" || return 1
        sleep 0.1
    done
    kill -9 "$process"
    wait "$process"
    if [ -n "$(find "$work/killed" -name summary.json)" ]; then
        echo "it was complete before it was killed"
        return 1
    fi
    echo "killed: $(cat "$work"/killed/cnn/*/seed0/metrics.jsonl | wc -l) of 4 epochs"
    "$@" && [ "$(cat "$work"/killed/cnn/*/seed0/metrics.jsonl | wc -l)" -eq 4 ]
}

trained='trained [0-9]+ epochs in [0-9.]+ s|^test accuracy [0-9.]+%'
for family in mlp cnn; do
    for recipe in fast classic; do
        step "train $family, $recipe" "$trained" \
            python "task3_MNIST/train_$family.py" --recipe $recipe $cut --results "$results"
    done
    step "train $family, strong" "$trained" \
        python "task3_MNIST/train_$family.py" --recipe strong --epochs 2 $cut --results "$results"
done
step evaluate 'test accuracy [0-9.]+%|[0-9.]+ ms an image alone|[0-9,]+ images/s' \
    python task3_MNIST/evaluate.py --tta 1 "$results/cnn"
step "a test image as a file" 'the first .*' digit
step predict 'mlp says .*' "$PYTHON" task3_MNIST/predict.py "$work/digit.png" --results "$results"
step "tune, 3 trials" 'the best: .*' \
    python task3_MNIST/tune.py --trials 3 --epochs 3 --results "$work/study"
step robustness 'shift .*|rotation .*' \
    python task3_MNIST/robustness.py "$results/cnn" --kinds rotation noise attack
step "study, small" 'label_noise: .*' \
    python task3_MNIST/study.py label_noise --quick --results "$work/studies" \
    --out "$work/studies.html"
step "benchmark, 2 jobs" '^[0-9]+/[0-9]+ .*' \
    python task3_MNIST/benchmark.py --models linear cnn_fast --recipes fast --seeds 1 --jobs 2 \
    --no-pages --results "$work/grid"
step "resume after a kill" "killed: .*|$trained" resume
card_file=$(echo "$card" | tr -cs 'A-Za-z0-9.\n' '-')
for model in cnn_whitened mlp; do
    step "speedrun $model, $RUNS runs" '(test_accuracy|seconds|in-memory) .*' \
        python task3_MNIST/speedrun.py --model $model --recipe sprint --runs "$RUNS" \
        --rivals in-memory --out "results/gpu_check/$model-sprint-$card_file.json"
done

[ "$over" -eq 0 ] || echo "$over passed over, for packages that are not installed"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

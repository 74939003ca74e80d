"""What the files of a run folder must hold, so that whoever reads one can trust it.

`docs/run_folder.md` says what the keys mean. Each check returns the first thing wrong, as the end
of a sentence that starts with the file's name, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from task3_MNIST.models import registry, sklearn_baselines

SCHEMA = 1
CLASSES = 10
MOST = 1e15  # no figure here comes near: beyond it something was altered, and charts overflow

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def _family(value: Any) -> bool:
    return isinstance(value, str) and value in (*registry.FAMILIES, sklearn_baselines.FAMILY)


def _dict(value: Any) -> bool:
    return isinstance(value, dict)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST


def _whole(value: Any) -> bool:
    return _number(value) and isinstance(value, int)


def _positive(value: Any) -> bool:
    return _whole(value) and value > 0


def _fraction(value: Any) -> bool:
    return _number(value) and value <= 1


def _none(value: Any) -> bool:
    return value is None


def _or_none(check: Check) -> Check:
    """Return the check of a figure that a run may not have: null, but there."""
    return lambda value: value is None or check(value)


def _counts(value: Any) -> bool:
    """Return whether it is a confusion matrix: a row of counts for each class."""
    return (
        _list_of(value, lambda row: _list_of(row, _whole) and len(row) == CLASSES)
        and len(value) == CLASSES
    )


def _list_of(value: Any, check: Check) -> bool:
    return isinstance(value, list) and all(check(part) for part in value)


def _each(**keys: Check) -> Check:
    """Return the check of a list of dicts that have these keys."""
    return lambda value: _list_of(value, lambda part: _wrong(part, keys) is None)


CONFIG = {
    **{"model": _text, "family": _family, "dataset": _text, "recipe": _text, "name": _text},
    **{"seed": _whole, "config": _dict},
}
SUMMARY = {
    **{"parameters": _whole, "flops": _whole, "model_bytes": _whole, "train_seconds": _number},
    **{"images_per_second": _number, "epochs": _positive, "selected_epoch": _positive},
    **{"val_accuracy": _or_none(_fraction), "val_loss": _or_none(_number)},
}
# a baseline has no epochs, and few have a fixed number of values and operations
BASELINE_SUMMARY = {
    **SUMMARY,
    **dict.fromkeys(("parameters", "flops"), _or_none(_whole)),
    **dict.fromkeys(("images_per_second", "epochs", "selected_epoch"), _none),
}
TEST = {
    **{"test_accuracy": _fraction, "correct": _whole, "n": _positive, "confusion": _counts},
    # a classifier without probabilities has neither
    **{"test_loss": _or_none(_number), "ece": _or_none(_fraction)},
    **{"latency_seconds": _number, "latency_seconds_p95": _number, "throughput": _number},
    "reliability": _each(confidence=_fraction, accuracy=_fraction, count=_whole),
}
KEPT_EPOCHS = _each(epoch=_positive, test_loss=_number, test_accuracy=_fraction)
HALVES = _each(half_accuracies=lambda value: _list_of(value, _fraction) and len(value) == 2)
SHIFTED = {"pixels": _positive, "test_accuracy": _fraction, "test_loss": _number}
ENSEMBLE = {
    **{"seeds": lambda value: _list_of(value, _whole), "test_accuracy": _fraction},
    **{"test_loss": _or_none(_number), "correct": _whole, "n": _positive, "ece": _fraction},
}
METRICS = {
    **{"epoch": _positive, "train_loss": _number, "train_accuracy": _fraction},
    **{"val_loss": _or_none(_number), "val_accuracy": _or_none(_fraction), "seconds": _number},
}


def config_fault(content: Any) -> str | None:
    """Return what is wrong with the content of `config.json`."""
    fault = version_fault(content) or _wrong(content, CONFIG)
    if not fault and not _text(content.get("recipe_file", "none")):
        return "has no usable recipe_file"
    return fault


def summary_fault(content: Any) -> str | None:
    """Return what is wrong with the content of `summary.json`."""
    if isinstance(content, dict) and content.get("epochs", 0) is None:
        return _wrong(content, BASELINE_SUMMARY)
    fault = _wrong(content, SUMMARY)
    if not fault and content["selected_epoch"] > content["epochs"]:
        return "selects an epoch after the last"
    return fault


def test_fault(content: Any) -> str | None:
    """Return what is wrong with the content of `test.json`."""
    fault = version_fault(content) or _wrong(content, TEST)
    if fault:
        return fault
    if content["correct"] > content["n"]:
        return "has more images right than images"
    epochs = content.get("epochs", [])
    # runs of before have no accuracies of the two halves of the writers
    if not (KEPT_EPOCHS(epochs) and HALVES([row for row in epochs if "half_accuracies" in row])):
        return "has no usable epochs"
    shifted = content.get("shift_averaged")
    return None if shifted is None or not _wrong(shifted, SHIFTED) else "has no usable shifts"


def ensemble_fault(content: Any) -> str | None:
    """Return what is wrong with the content of `ensemble.json`."""
    return version_fault(content) or _wrong(content, ENSEMBLE)


def history_fault(history: Any) -> str | None:
    """Return what is wrong with the epochs of `metrics.jsonl` or of a checkpoint."""
    if not isinstance(history, list):
        return "has no list of epochs"
    for number, metrics in enumerate(history, start=1):
        fault = _wrong(metrics, METRICS)
        if fault or metrics["epoch"] != number:
            return f"{fault or 'is out of order'} in epoch {number}"
    return None


def checkpoint_fault(content: Any, epochs: int) -> str | None:
    """Return what is wrong with a checkpoint of a run of so many epochs, but for its tensors."""
    kinds = {"model": _dict, "optimizer": _dict, "selected": _dict}
    fault = _wrong(content, kinds) or history_fault(content.get("history"))
    if fault:
        return fault
    trained = len(content["history"])
    if not 0 < trained <= epochs:
        return f"has {trained} epochs, not 1 to {epochs}"
    fault = _wrong(content["selected"], {"epoch": _positive, "state_dict": _dict})
    if not fault and content["selected"]["epoch"] > trained:
        return "selects an epoch after the last"
    return fault


def version_fault(content: Any) -> str | None:
    """Return what is wrong with the `schema` of a file that has one."""
    found = content.get("schema") if isinstance(content, dict) else SCHEMA
    return None if found == SCHEMA else f"has schema {_short(found)}, not {SCHEMA}"


def _wrong(content: Any, checks: Mapping[str, Check]) -> str | None:
    if not isinstance(content, dict):
        return "does not hold named values"
    missing = [key for key in checks if key not in content]
    if missing:
        return f"lacks {', '.join(missing)}"
    wrong = [key for key, check in checks.items() if not check(content[key])]
    return f"has no usable {', '.join(wrong)}" if wrong else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 20 else f"{text[:19]}…"

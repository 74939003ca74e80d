"""The scripts of the pages: they share one scope, so each adds one name to it at most."""

import re

import pytest

from task3_MNIST.report.html import HERE

SCRIPTS = sorted(HERE.rglob("*.js"))
MODULE = re.compile(r"(const [A-Z]\w* = )?\((?:async )?function \(.*\) \{.*\}\)\(.*\);", re.DOTALL)


def without_comments(text):
    """Return the code without comments that stand on lines of their own."""
    return re.sub(r"^\s*(//[^\n]*|/\*.*?\*/)\n", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_one_function_and_its_result_the_only_global(path):
    code = without_comments(path.read_text(encoding="utf-8")).strip()
    assert MODULE.fullmatch(code)
    inner = code.splitlines()[1:-1]
    assert [line for line in inner if line and not line.startswith(" ")] == []


def test_no_two_scripts_have_the_same_global():
    texts = [path.read_text(encoding="utf-8") for path in SCRIPTS]
    names = [name for text in texts for name in re.findall(r"^const (\w+)", text, re.MULTILINE)]
    assert len(names) == len(set(names)) > 20

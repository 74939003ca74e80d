"""The README's layout is the code's: nothing imports from further down its list."""

import ast
import re

from tests.scripts import REPOSITORY

CORE = REPOSITORY / "task3_MNIST" / "core"


def order():
    """Return the modules of core in the order of the README's table."""
    table = (REPOSITORY / "README.md").read_text(encoding="utf-8").split("`core/` in the order")[1]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [
        name.removesuffix(".py").rstrip("/") for row in rows for name in re.findall(r"`(.+?)`", row)
    ]


def imported(path):
    """Return the modules of core that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("task3_MNIST"):
            module = node.module.removeprefix("task3_MNIST.core").lstrip(".")
            yield from [module.split(".")[0]] if module else [name.name for name in node.names]


def modules():
    """Return (module, file) of every file of core; a package counts as one module."""
    for path in sorted(CORE.rglob("*.py")):
        if path.parent == CORE and path.stem == "__init__":
            continue
        yield (path.stem if path.parent == CORE else path.parent.name), path


def test_the_readme_lists_every_module_of_core_once():
    assert sorted(order()) == sorted({module for module, _ in modules()})


def test_no_module_imports_from_further_down_the_list():
    place = {module: index for index, module in enumerate(order())}
    upward = [
        f"{module} imports {other}"
        for module, path in modules()
        for other in imported(path)
        if place[other] > place[module]
    ]
    assert upward == []


def test_core_knows_nothing_of_the_pages():
    assert not [
        path for _, path in modules() if "task3_MNIST.report" in path.read_text(encoding="utf-8")
    ]


def taken(tree):
    """Yield the names that code imports, and the attributes that it takes of anything but self."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            yield from (f"{getattr(node, 'module', '')}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self":
            yield node.attr


DOCUMENTED = re.compile(r"__\w+__|_exit|_replace")  # public for all their underscore


def test_no_private_name_of_another_package_is_used():
    """Hold the code to what NumPy and PyTorch promise: `numpy._core` may move without a word."""
    private = [
        f"{path.name}: {name}"
        for folder in ("task1_MLP", "task2_CNN", "task3_MNIST")
        for path in (REPOSITORY / folder).rglob("*.py")
        for name in taken(ast.parse(path.read_text(encoding="utf-8")))
        for part in name.split(".")
        if part.startswith("_") and not DOCUMENTED.fullmatch(part)
    ]
    assert private == []


def test_nothing_needs_docstrings_or_asserts_which_python_can_leave_out():
    """`python -OO` runs what `python` does."""
    needed = [
        path.name
        for folder in ("task1_MLP", "task2_CNN", "task3_MNIST")
        for path in (REPOSITORY / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) or "__doc__" in vars(node).values()
    ]
    assert needed == []

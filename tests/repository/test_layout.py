"""The layout: a folder imports only from folders above it, and no folder is a crowd."""

import ast
import re

from tests.helpers.scripts import REPOSITORY

PRODUCT = REPOSITORY / "task3_MNIST"
# What is below imports from what is above, never the other way; scripts come last.
ORDER = (
    *("task1_MLP.models", "task2_CNN.models"),
    *("errors", "files", "formatting"),
    *("datasets", "models", "training", "runs", "evaluation", "plots", "exports"),
    *("experiments", "report", "cli"),
)
CROWD = 12  # Python files in a folder, its __init__.py apart


def room(module):
    """Return the part of `ORDER` that a module belongs to; scripts belong to none."""
    parts = module.removeprefix("task3_MNIST.").split(".")
    return module if module in ORDER else parts[0]


def modules():
    """Return (name, file) of every module of the product."""
    for task in ("task1_MLP", "task2_CNN", "task3_MNIST"):
        for path in sorted((REPOSITORY / task).rglob("*.py")):
            name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported(path):
    """Return the modules of the product that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("task"):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def place(module):
    """Return how far down a module is; a name in a module is where the module is."""
    found = [ORDER.index(part) for part in ORDER if room(module) == part]
    found += [n for n, part in enumerate(ORDER) if module.startswith(f"{part}.")]
    return found[0] if found else len(ORDER)


def test_nothing_imports_from_further_down():
    upward = [
        f"{name} imports {other}"
        for name, path in modules()
        for other in imported(path)
        if place(other) > place(name)
    ]
    assert upward == []


def test_nothing_imports_a_script():
    scripts = {name for name, path in modules() if place(name) == len(ORDER)}
    assert len(scripts) > 10
    imports = [
        f"{name} imports {other}"
        for name, path in modules()
        for other in imported(path)
        if other in scripts or other.rpartition(".")[0] in scripts
    ]
    assert imports == []


def test_every_room_of_the_order_is_there_and_every_folder_is_in_it():
    rooms = {room(name) for name, path in modules() if place(name) < len(ORDER)}
    assert rooms == set(ORDER)
    folders = {path.name for path in PRODUCT.iterdir() if any(path.rglob("*.py"))}
    assert folders <= {*ORDER, *(path.name for path in PRODUCT.glob("*.py"))}


def test_no_folder_is_a_crowd():
    folders = {path.parent for _, path in modules()} - {PRODUCT}
    crowded = {str(folder) for folder in folders if len(list(folder.glob("[!_]*.py"))) > CROWD}
    assert crowded == set()


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

"""Imports point one way, commands start light, and nothing that could run a stranger's code is ever called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOMAINS = sorted(path.name for path in (ROOT / "domains").iterdir() if path.name.startswith("genapps_"))
SOURCES = sorted([*(ROOT / "genapps").rglob("*.py"), *(ROOT / "domains").rglob("*.py")])
EVERYTHING = sorted(
    {*SOURCES, *(path for folder in ("benchmarks", "datasets") for path in (ROOT / folder).rglob("*.py"))}
)
HEAVY = {
    "numpy",
    "torch",
    "pandas",
    "sklearn",
    "scipy",
    "pyarrow",
    "polars",
    "jinja2",
    "sdv",
    "safetensors",
    "librosa",
    "soundfile",
    "mido",
}
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_ATTRIBUTES = {
    ("torch", "load"),
    ("torch", "save"),
    ("np", "load"),
    ("numpy", "load"),
    ("os", "system"),
    ("os", "popen"),
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "domains" else parts[0]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    return frozenset(imports(tree_of(path)))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in the tree, relative ones with their dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def imports_at_start(statements: list[ast.AST]) -> Iterator[str]:
    """What importing the module itself imports: not the insides of functions, nor what only a type checker sees."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)
        for part in ("body", "orelse", "finalbody", "handlers"):
            yield from imports_at_start(getattr(node, part, []))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_arrows_point_one_way(path: Path) -> None:
    tops = {name.split(".")[0] for name in imported(path)}
    assert "" not in tops, "relative imports hide where an arrow points"
    own = {package_of(path)}
    assert not (tops & set(DOMAINS)) - own, "the core knows no domain, and a domain knows no other"
    assert not tops & {"tests", "benchmarks", "datasets"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "domains" if package_of(path) in DOMAINS else ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def talks(path: Path, *modules: str) -> bool:
    """Whether a file imports one of these modules, or something inside one."""
    return any(f"{name}.".startswith(f"{module}.") for name in imported(path) for module in modules)


# What starts with the command, and all that belongs to it, be it loaded only when a result is printed.
STARTERS = [path for path in SOURCES if talks(path, "click") or module_of(path).startswith("genapps.cli")]
COMMANDS = [path for path in SOURCES if path in STARTERS or talks(path, "genapps.cli")]
DOORS = [
    path
    for path in SOURCES
    if path.name == "__init__.py" and package_of(path) in DOMAINS and len(module_of(path).split(".")) == 1
]


@pytest.mark.parametrize("path", [*STARTERS, *DOORS], ids=name_of)
def test_commands_start_light(path: Path) -> None:
    names = set(imports_at_start(tree_of(path).body))
    assert not {name.split(".")[0] for name in names} & HEAVY


@pytest.mark.parametrize("path", [path for path in SOURCES if path not in COMMANDS], ids=name_of)
def test_tasks_do_not_know_the_command(path: Path) -> None:
    assert not talks(path, *(module_of(command) for command in COMMANDS))


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_nothing_runs_a_strangers_code(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & UNSAFE_MODULES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = node.func
            where = f"{name_of(path)}:{node.lineno}"
            if isinstance(called, ast.Name):
                assert called.id not in UNSAFE_CALLS, where
            elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                assert (called.value.id, called.attr) not in UNSAFE_ATTRIBUTES, where
            assert not any(word.arg == "shell" for word in node.keywords), where
            assert not any(
                word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords
            ), where


def test_the_tests_see_the_tree() -> None:
    assert DOMAINS
    assert len(SOURCES) > 20
    assert {"root.py", "console.py"} <= {path.name for path in STARTERS}
    assert len(DOORS) == len(DOMAINS)
    assert [
        *imports_at_start(
            ast.parse("if TYPE_CHECKING:\n import a\ntry:\n import b\nexcept E:\n pass\ndef f():\n import c").body
        )
    ] == ["b"]

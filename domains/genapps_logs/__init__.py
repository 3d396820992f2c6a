"""Logs: recognize the form of their lines, mine the templates of their messages, and say what is unlike a
normal log.

The names below are loaded when first used, so that `genapps logs --help` imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genapps_logs.detection import Detected, detect
    from genapps_logs.miner import Miner, MinerSettings, Template
    from genapps_logs.model import TemplateModel
    from genapps_logs.tasks import Mined, templates

_HOMES = {
    "Detected": "detection",
    "Mined": "tasks",
    "Miner": "miner",
    "MinerSettings": "miner",
    "Template": "miner",
    "TemplateModel": "model",
    "detect": "detection",
    "templates": "tasks",
}

__all__ = ["Detected", "Mined", "Miner", "MinerSettings", "Template", "TemplateModel", "detect", "templates"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

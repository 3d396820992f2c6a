"""Logs: recognize the form of their lines, mine the templates of their messages, and say what is unlike a
normal log.

The names below are loaded when first used, so that `genapps logs --help` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genapps.lazy import lazily

if TYPE_CHECKING:
    from genapps_logs.detection import Detected, detect
    from genapps_logs.findings import Finding, Sign
    from genapps_logs.fitting import Fitted, fit
    from genapps_logs.judging import LogJudge
    from genapps_logs.learnt import LogModel
    from genapps_logs.miner import Miner, MinerSettings, Template
    from genapps_logs.model import TemplateModel
    from genapps_logs.tasks import Mined, templates
    from genapps_logs.watching import watch

_HOMES = {
    "Detected": "detection",
    "Finding": "findings",
    "Fitted": "fitting",
    "LogJudge": "judging",
    "LogModel": "learnt",
    "Mined": "tasks",
    "Miner": "miner",
    "MinerSettings": "miner",
    "Sign": "findings",
    "Template": "miner",
    "TemplateModel": "model",
    "detect": "detection",
    "fit": "fitting",
    "templates": "tasks",
    "watch": "watching",
}

__all__ = [
    "Detected",
    "Finding",
    "Fitted",
    "LogJudge",
    "LogModel",
    "Mined",
    "Miner",
    "MinerSettings",
    "Sign",
    "Template",
    "TemplateModel",
    "detect",
    "fit",
    "templates",
    "watch",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)

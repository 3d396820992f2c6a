"""Learnt templates in one file, to be used on other logs: text and numbers, nothing that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError
from genapps.io.artifact import Artifact, read_artifact, write_artifact
from genapps_logs.formats import NAMES
from genapps_logs.merging import Evidence
from genapps_logs.miner import MinerSettings, Template
from genapps_logs.names import is_learnt

DOMAIN = "logs"
FAMILY = "templates"
EXAMPLE = 500  # characters of an example line that are kept


@dataclass(frozen=True)
class TemplateModel:
    """What was learnt from a log: the format of its lines and the templates of its messages."""

    format: str
    templates: tuple[Template, ...]
    settings: MinerSettings
    lines: int
    accepted: frozenset[str] = frozenset()  # names of templates that are normal however rare

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file. Raises as `write_artifact` does."""
        write_artifact(path, *self.parts())

    def parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What is written: arrays and a header."""
        header: dict[str, Any] = {
            "family": FAMILY,
            "domain": DOMAIN,
            "format": self.format,
            "model": {"config": asdict(self.settings), "next": _next_number(self.templates)},
            "templates": [[t.id, t.example[:EXAMPLE], *t.tokens] for t in self.templates],
            "accepted": sorted(self.accepted),
            "provenance": {"lines": self.lines, "templates": len(self.templates)},
        }
        counts = np.array([t.before + t.count for t in self.templates], dtype=np.int64)
        return {"templates/count": counts}, header

    @classmethod
    def load(cls, path: str | Path) -> TemplateModel:
        """Read what `save` wrote. Raises as `read_artifact` does, and InputError for a model of other data."""
        return cls.of(read_artifact(path), path)

    @classmethod
    def of(cls, artifact: Artifact, path: str | Path) -> TemplateModel:
        """The templates of a model file that was read; what else it holds is left. Raises as `load` does."""
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("family") != FAMILY:
            raise InputError(f"{path}: no model of a log; one is written by: genapps logs fit LOG -o FILE")
        try:
            return cls._of(header, artifact.tensors["templates/count"].tolist())
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(f"{path}: the model file does not hold what it should; save it again") from error

    @classmethod
    def _of(cls, header: dict[str, Any], counts: list[int]) -> TemplateModel:
        templates = []
        for (name, example, *tokens), count in zip(header["templates"], counts, strict=True):
            if not all(isinstance(text, str) for text in (name, example, *tokens)):
                raise TypeError("templates are text")
            templates.append(Template(tuple(tokens), name, int(count), example))
        if header["format"] not in NAMES:
            raise ValueError("no such format")
        config = header["model"]["config"]
        settings = MinerSettings(config["max_templates"], Evidence(**config["evidence"]))
        lines, accepted = int(header["provenance"]["lines"]), frozenset(map(str, header["accepted"]))
        return cls(header["format"], tuple(templates), settings, lines, accepted)


def number(templates: Sequence[Template]) -> None:
    """Give every template without a name the next free one: T1, T2, ..., in the given order."""
    following = _next_number(templates)
    for template in templates:
        if not template.id:
            template.id = f"T{following}"
            following += 1


def _next_number(templates: Sequence[Template]) -> int:
    taken = [int(t.id[1:]) for t in templates if is_learnt(t.id)]
    return max(taken, default=0) + 1

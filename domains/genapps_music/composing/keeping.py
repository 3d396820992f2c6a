"""What a stopped run keeps, so that the next one goes on: a part that is done, beside the checkpoint of the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genapps.errors import InputError
from genapps.io.artifact import SUFFIX, read_artifact, write_artifact
from genapps.models.base import Family
from genapps.spaces import Space
from genapps_music.model import DOMAIN, composer

_TASK = "part"


def place_of(checkpoint: Path) -> Path:
    """Where a part lies that is done, beside its checkpoint."""
    return Path(f"{checkpoint}.done{SUFFIX}")


def keep(checkpoint: Path, family: str, part: Family, of: Mapping[str, Any]) -> None:
    """Write a part that is done; of: what it was learnt from and how, as plain JSON."""
    tensors, settings = part.state()
    header = {"domain": DOMAIN, "task": _TASK, "family": family, "model": settings, "of": dict(of)}
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    write_artifact(place_of(checkpoint), arrays, header)


def kept(checkpoint: Path, family: str, space: Space, of: Mapping[str, Any]) -> Family | None:
    """The part that an earlier run has done, None where there is none. Raises InputError for one of other pieces."""
    place = place_of(checkpoint)
    if not place.exists():
        return None
    found = read_artifact(place)
    if found.header.get("task") != _TASK or found.header.get("of") != dict(of):
        raise InputError(f"{place}: kept of other pieces or settings; give the same ones, or leave --resume out")
    tensors = {name: torch.from_numpy(array) for name, array in found.tensors.items()}
    return composer(family).from_state(space, tensors, found.header["model"])

"""What is normal of one or more series, in one file: arrays and JSON, nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.config import from_json, to_json
from genapps.errors import InputError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_timeseries.detection.learning import Accepted, Normal
from genapps_timeseries.detection.wishes import Wishes
from genapps_timeseries.scoring.detector import Detector
from genapps_timeseries.series import Clock

DOMAIN = "timeseries"
_ARRAYS = ("values", "times", "reference", "middle", "spread", "longest", "dirty")


@dataclass(frozen=True)
class SeriesModel:
    """What was learnt of series, by their names, and what was asked of alarms."""

    normals: dict[str, Normal]
    wishes: Wishes
    provenance: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file. Raises as `write_artifact` does."""
        tree: dict[str, NDArray[Any]] = {}
        cards = []
        for number, normal in enumerate(self.normals.values()):
            arrays, card = _stored(normal)
            tree |= {f"series/{number}/{name}": array for name, array in arrays.items()}
            cards.append(card)
        header = {
            "family": self.wishes.family,
            "domain": DOMAIN,
            "model": {"config": to_json(self.wishes), "series": cards},
            "provenance": self.provenance,
        }
        write_artifact(path, tree, header)

    @classmethod
    def load(cls, path: str | Path) -> SeriesModel:
        """Read what `save` wrote. Raises as `read_artifact` does, and InputError for a model of other data."""
        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            other = header.get("domain", "something else")
            raise InputError(
                f"{path}: a model of {other}; what is normal of series is written by: genapps timeseries fit"
            )
        try:
            cards = header["model"]["series"]
            normals = [_restored(_under(artifact.tensors, f"series/{k}/"), card) for k, card in enumerate(cards)]
            wishes = from_json(Wishes, header["model"]["config"], str(path))
            return cls({normal.name: normal for normal in normals}, wishes, dict(header["provenance"]))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(f"{path}: the model file does not hold what it should; fit it again") from error


def _stored(normal: Normal) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    arrays: dict[str, NDArray[Any]] = {name: np.asarray(getattr(normal, name)) for name in _ARRAYS}
    arrays |= {f"residual/{c}": values for c, values in enumerate(normal.residuals)}
    arrays |= {f"accepted/{k}": event.values for k, event in enumerate(normal.accepted)}
    found, settings = normal.detector.state()
    arrays |= {f"detector/{name}": array for name, array in found.items()}
    card = {
        "name": normal.name,
        "channels": list(normal.channels),
        "clock": asdict(normal.clock),
        "window": normal.window,
        "accepted": [list(event.channels) for event in normal.accepted],
        "rows": len(normal.values),
        "detector": settings,
    }
    return arrays, card


def _restored(arrays: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> Normal:
    channels = tuple(map(str, card["channels"]))
    return Normal(
        channels=channels,
        clock=Clock(**card["clock"]),
        detector=Detector.from_state(_under(arrays, "detector/"), card["detector"]),
        **{name: arrays[name] for name in _ARRAYS},
        residuals=tuple(arrays[f"residual/{c}"] for c in range(len(channels))),
        window=int(card["window"]),
        name=str(card["name"]),
        accepted=tuple(
            Accepted(arrays[f"accepted/{k}"], tuple(map(str, names))) for k, names in enumerate(card["accepted"])
        ),
    )


def _under(arrays: Mapping[str, NDArray[Any]], start: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}

"""All that was learnt of a normal log, in one file: templates, sessions, rates, and what stands in variable places."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError
from genapps.io.artifact import Artifact, read_artifact, write_artifact
from genapps_logs import sequences
from genapps_logs.model import TemplateModel
from genapps_logs.parameters import Place
from genapps_logs.rates import RateModel, tally_of
from genapps_logs.sequences import SequenceModel

Places = dict[str, list[Place]]  # of each template by its name, in order


@dataclass
class LogModel:
    """What a normal log is like; a part is None or empty where it was not learnt, or could not be."""

    templates: TemplateModel
    sequences: SequenceModel | None = None
    rates: RateModel | None = None
    places: Places = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()  # names of findings that are normal
    whole: bool = False  # whether more than templates was learnt at all

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file. Raises as `write_artifact` does."""
        write_artifact(path, *self.parts())

    def parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What is written: arrays and a header."""
        arrays, header = self.templates.parts()
        header["accepted"] = sorted(self.accepted)
        if self.whole:
            header["places"] = {name: [place.state() for place in places] for name, places in self.places.items()}
            if self.sequences is not None:
                header["sequences"], found = sequences.to_json(self.sequences)
                arrays |= {f"sequences/{name}": array for name, array in found.items()}
            if self.rates is not None:
                header["rates"], found = self.rates.to_json()
                arrays |= {f"rates/{name}": array for name, array in found.items()}
        return arrays, header

    @classmethod
    def load(cls, path: str | Path) -> LogModel:
        """Read what `save` wrote, or `TemplateModel.save`. Raises as these do."""
        return cls.of(read_artifact(path), path)

    @classmethod
    def of(cls, artifact: Artifact, path: str | Path) -> LogModel:
        """The model that a file holds which was read. Raises as `load` does."""
        templates = TemplateModel.of(artifact, path)
        try:
            return cls._of(templates, artifact.header, artifact.tensors)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(f"{path}: the model file does not hold what it should; fit it again") from error

    @classmethod
    def _of(cls, templates: TemplateModel, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> LogModel:
        made = cls(templates, accepted=templates.accepted, whole="places" in header)
        if not made.whole:
            return made
        made.places = {
            str(name): [Place.restore(state) for state in states] for name, states in header["places"].items()
        }
        if "sequences" in header:
            made.sequences = sequences.from_json(header["sequences"], _below(arrays, "sequences/"))
        if "rates" in header:
            made.rates = RateModel.fit(tally_of(header["rates"], _below(arrays, "rates/")))
        return made

    def accepting(self, names: frozenset[str], templates: TemplateModel) -> LogModel:
        """The same, with more findings that are normal and perhaps more templates."""
        return replace(self, templates=templates, accepted=self.accepted | names)


def _below(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

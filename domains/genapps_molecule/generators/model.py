"""A generator of molecules as it is kept: the codes of SMILES, a network over them, and what is known of its training.

One file holds it: the weights with half precision, the training set as a filter of hashes that answers whether a
molecule was in it, for a user's own set the fingerprints that answer which of them is nearest, and a card that says how
it was trained, on what, and what it reaches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genapps.errors import InputError, UsageError
from genapps.models import Autoregressive
from genapps.spaces import Tokens
from genapps_molecule.chemistry import KEEP, Treatment
from genapps_molecule.language.grammar import Syntax
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.traits.novelty import Members, Training

DOMAIN, TASK = "molecule", "propose"
SHIPPED = Path(__file__).parents[1] / "samples" / "shipped.genapps"
CANONICAL, RANDOMIZED = 0, 1  # the classes of texts: as RDKit writes a molecule, and begun at any of its atoms
_WEIGHTS = "model/"


@dataclass(frozen=True)
class SmilesModel:
    """A vocabulary, a fitted network over its codes, the treatment of what it learnt, and what is known of that.

    members: whether a molecule was in the training set. training: which molecule of it is nearest, for sets small
    enough to keep. card: plain JSON.
    """

    vocabulary: Vocabulary
    model: Autoregressive
    treatment: Treatment = KEEP
    members: Members | None = None
    training: Training | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def syntax(self) -> Syntax:
        """The grammar of the vocabulary."""
        return Syntax(self.vocabulary)

    @property
    def longest(self) -> int:
        """How many codes a text may have."""
        space = self.model.space
        assert isinstance(space, Tokens)
        return space.longest

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """n texts in the grammar, whether or not their chemistry holds; each begins with its prompt (n,), if any.

        Without prompts they are canonical in their manner, with prompts they may begin at any atom, where the model
        learnt to. Raises UsageError for a prompt that is too long or no beginning of a SMILES.
        """
        from genapps_molecule.generators.sampling import draw_texts

        return draw_texts(self, n, generator, prompts=prompts, temperature=temperature)

    def class_of(self, prompted: bool) -> int | None:
        """The class to draw from, None where the model learnt none."""
        shares = self.model.engine.shares
        if len(shares) == 1:
            return None
        wanted = RANDOMIZED if prompted else CANONICAL
        return wanted if len(shares) > wanted + 1 and shares[wanted + 1] > 0 else CANONICAL

    def lengthened(self, longest: int) -> SmilesModel:
        """The same for texts of up to so many codes, where these are more."""
        if longest <= self.longest:
            return self
        tensors, settings = self.model.state()
        space = Tokens(len(self.vocabulary), longest)
        return replace(self, model=Autoregressive.from_state(space, tensors, settings))

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file: weights with half precision, so about two bytes each."""
        from genapps.io.artifact import write_artifact

        tensors, settings = self.model.state()
        arrays = {f"{_WEIGHTS}{name}": _halved(name, tensor) for name, tensor in tensors.items()}
        header: dict[str, Any] = {
            "domain": DOMAIN,
            "family": self.model.family,
            "task": TASK,
            "space": self.model.space.to_json(),
            "model": settings,
            "vocabulary": list(self.vocabulary.texts),
            "treatment": asdict(self.treatment),
            "card": dict(self.card),
        }
        for name, part in (("members", self.members), ("training", self.training)):
            if part is not None:
                held, facts = part.state()
                arrays |= {f"{name}/{key}": array for key, array in held.items()}
                header[name] = facts
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> SmilesModel:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact
        from genapps.spaces import space_from_json

        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: not what `genapps molecule fit` writes")
        try:
            vocabulary = Vocabulary(tuple(header["vocabulary"]))
            model = Autoregressive.from_state(
                space_from_json(header["space"]), _whole(_branch(artifact.tensors, _WEIGHTS)), header["model"]
            )
            members = Members.restore(_branch(artifact.tensors, "members/"), header.get("members"))
            training = Training.restore(_branch(artifact.tensors, "training/"), header.get("training"))
            treatment = Treatment(**header["treatment"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: does not hold what a model of molecules must; fit it again") from error
        return cls(vocabulary, model, treatment, members, training, header.get("card", {}))

    @classmethod
    def shipped(cls) -> SmilesModel:
        """The model that comes with the package. Raises UsageError where this installation has none."""
        if not SHIPPED.exists():
            raise UsageError("this installation has no shipped model; make one with: genapps molecule fit FILE")
        return cls.load(SHIPPED)


def _halved(name: str, tensor: torch.Tensor) -> np.ndarray:
    """Weights as float16; facts, of which there are few, as they are."""
    array = tensor.detach().cpu().numpy()
    return array if name.startswith("facts.") else array.astype(np.float16)


def _whole(tensors: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """The inverse of `_halved`, but for the digits that were dropped."""
    whole = {name: torch.from_numpy(array) for name, array in tensors.items()}
    return {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in whole.items()}


def _branch(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}

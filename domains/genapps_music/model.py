"""A composer as it is kept: a codec, one of the six families, two-bar latents, the pieces it learnt, and a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps.models.base import Family
from genapps.spaces import Frames
from genapps_music.codec import Codec, Piece
from genapps_music.score import Score

DOMAIN, TASK = "music", "fit"
FORM = 3  # of what a file holds; to be raised where an older file could not be read, or would be read otherwise
WINDOW = 2  # bars of a latent, and of what families without a sense of order learn at once


@dataclass(frozen=True)
class MusicModel:
    """A fitted family and all that turns what it knows into music.

    latents: a variational autoencoder of two bars, None where none was learnt. learnt, held: the pieces that it learnt
    from, and those it was judged on; reports look for copies in them. card: plain JSON: how it was learnt, and what it
    reaches.
    """

    codec: Codec
    family: str
    part: Family
    latents: Family | None = None
    learnt: tuple[Piece, ...] = ()
    held: tuple[Piece, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, pieces: Sequence[Piece]) -> list[Score]:
        """Pieces of the corpus as they lie on the grid, in their own keys."""
        return [self.codec.score(piece) for piece in pieces]

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        from genapps.io.artifact import write_artifact

        arrays: dict[str, NDArray[Any]] = {}
        settings: dict[str, Any] = {}
        for name, part in (("part", self.part), ("latents", self.latents)):
            if part is not None:
                tensors, settings[name] = part.state()
                arrays |= {f"{name}/{key}": tensor.detach().cpu().numpy() for key, tensor in tensors.items()}
        corpus = {"learnt": self.learnt, "held": self.held}
        above = _above([one.name for pieces in corpus.values() for one in pieces])
        for name, pieces in corpus.items():
            cells = [piece.cells for piece in pieces]
            width = len(self.codec.layout.voices)
            arrays[f"{name}/cells"] = np.concatenate([np.zeros((0, width), np.int16), *cells]).astype(np.int16)
        header = {
            "domain": DOMAIN,
            "task": TASK,
            "form": FORM,
            "family": self.family,
            "codec": self.codec.to_json(),
            "models": settings,
            "pieces": {
                name: [[one.name.removeprefix(above), list(one.starts), one.shift] for one in pieces]
                for name, pieces in corpus.items()
            },
            "card": dict(self.card),
        }
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> MusicModel:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact

        artifact = read_artifact(path, finite=True)
        header, tensors = artifact.header, artifact.tensors
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: {_whose(header)}; give what `genapps music fit` writes")
        if header.get("form") != FORM:
            raise InputError(f"{path}: made by another version of genapps; fit it again")
        try:
            codec, family = Codec.from_json(header["codec"]), header["family"]
            made: dict[str, Family] = {}
            for name, settings in header["models"].items():
                kind = family if name == "part" else "vae"
                own = {k.removeprefix(f"{name}/"): a for k, a in tensors.items() if k.startswith(f"{name}/")}
                states = {key: torch.from_numpy(array) for key, array in own.items()}
                made[name] = composer(kind).from_state(space_of(codec, kind), states, settings)
            corpus = {name: _pieces(tensors[f"{name}/cells"], header["pieces"][name]) for name in ("learnt", "held")}
            card = header.get("card", {})
            return cls(codec, family, made["part"], made.get("latents"), corpus["learnt"], corpus["held"], card)
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError, UsageError) as error:
            raise InputError(f"{path}: does not hold what a model of music must; fit it again") from error

    def with_card(self, **entries: Any) -> MusicModel:
        """The same with more on its card."""
        return replace(self, card={**self.card, **entries})


def composer(family: str) -> type[Family]:
    """The class of a family as music uses it. Raises UsageError for a name that is none."""
    if family == "autoregressive":
        from genapps_music.composing.barred import Composer

        return Composer
    from genapps.models import family_class

    return family_class(family)


def space_of(codec: Codec, family: str) -> Frames:
    """What a family learns: frames of whole pieces, or the cells of two bars where it has no sense of order."""
    space = codec.space
    if family not in ("vae", "gan"):
        return space
    return Frames(space.variables[-len(codec.layout.voices) :], WINDOW * codec.bar)


def _whose(header: Mapping[str, Any]) -> str:
    """What a file holds that is no composer."""
    domain, task = header.get("domain"), header.get("task")
    return f"a part of a stopped {DOMAIN} fit" if domain == DOMAIN else f"a model of {domain}, {task or 'fit'}"


def _above(names: Sequence[str]) -> str:
    """The folder that all pieces lie in, with "/" at its end: whoever is handed the file need not know it."""
    levels = zip(*(name.split("/")[:-1] for name in names), strict=False)
    return "".join(f"{level[0]}/" for level in takewhile(lambda level: len(set(level)) == 1, levels))


def _pieces(cells: NDArray[Any], entries: Sequence[Any]) -> tuple[Piece, ...]:
    found, begin = [], 0
    for name, starts, shift in entries:
        part = cells[begin : begin + starts[-1]].astype(np.int64)
        if len(part) != starts[-1]:
            raise ValueError(f"{name} has {len(part)} of {starts[-1]} steps")
        found.append(Piece(str(name), part, tuple(map(int, starts)), int(shift)))
        begin += starts[-1]
    return tuple(found)

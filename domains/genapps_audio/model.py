"""A generator of sounds as it is kept: a codec, one of the six families, the names of its classes, and a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.base import Family
from genapps.suggest import did_you_mean
from genapps_audio.codec import Codec
from genapps_audio.generation.drawing import draw, draw_codes, space_of
from genapps_audio.generation.recipes import learner_of
from genapps_audio.generation.tokens import LIKELY, TokenView, kinds_of
from genapps_audio.generation.views import View

DOMAIN, TASK = "audio", "fit"
_UNEVEN = 0.04  # deviation of the logarithm of a drawn length beside that of a learnt clip
_LOUDER = 0.1  # and of a loudness
_SHORTEST = 0.03  # seconds
_LONGEST, _HIGHEST, _MOST_FRAMES = 3600.0, 192_000, 100_000  # seconds, samples a second, frames that a file may say


@dataclass(frozen=True)
class Made:
    """Sounds that were drawn: patches (n, W, F) in dB, lengths (n,) in seconds, loudness (n,), classes (n,) or None."""

    patches: Tensor
    seconds: Tensor
    levels: Tensor
    labels: Tensor | None


@dataclass(frozen=True)
class AudioModel:
    """A fitted family and all that turns what it knows into sounds.

    parts: one model, which knows the classes itself where there are some; or several, each of one class. owners: the
    class of each part, and weights the share of its class that it draws. classes: their names by number, none for a
    model without. shares: of each class among the clips. heard: (N, 3) class, seconds and loudness of the clips that
    were learnt. card: plain JSON: what it was learnt from, how, and what it reaches.
    """

    codec: Codec
    family: str
    parts: tuple[Family, ...]
    view: View | TokenView
    heard: Tensor
    owners: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    def labels_for(self, n: int, label: str | Sequence[str] | None, generator: torch.Generator) -> Tensor | None:
        """The class (n,) of each clip to draw: the one asked for, or in the shares of the learnt clips.

        Raises UsageError for a class that was not learnt.
        """
        if label is not None:
            names = [label] * n if isinstance(label, str) else list(label)
            if len(names) != n:
                raise UsageError(f"{len(names)} labels for {n} clips; give one, or one for each")
            return torch.tensor([self._number(name) for name in names], dtype=torch.long)
        if not self.classes:
            return None
        return torch.multinomial(torch.tensor(self.shares), max(n, 1), replacement=True, generator=generator)[:n]

    @torch.no_grad()
    def sample(
        self,
        n: int = 1,
        label: str | Sequence[str] | None = None,
        *,
        seconds: float | None = None,
        temperature: float = 1.0,
        top_p: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Made:
        """New sounds; of one class, of one for each, or of all in their shares.

        seconds: the length of all; drawn as the lengths of their class are, if not given. temperature: below 1 more
        usual sounds. top_p: of a model of tokens, only the likeliest codes that have this share, 0.9 if not given.
        Raises UsageError for a class that was not learnt, or a length or top_p that is not for this model.
        """
        own = generator or torch.Generator().manual_seed(0)
        labels = self.labels_for(n, label, own)
        return self.draw(n, labels, seconds=seconds, temperature=temperature, top_p=top_p, generator=own)

    @torch.no_grad()
    def draw(
        self,
        n: int,
        labels: Tensor | None,
        *,
        seconds: float | None,
        temperature: float,
        top_p: float | None = None,
        generator: torch.Generator,
    ) -> Made:
        """New sounds of classes (n,) by number, None where there are none."""
        self.check_seconds(seconds)
        self.check_top_p(top_p)
        if isinstance(self.view, TokenView):
            lengths, levels = self._lasting(n, labels, seconds, generator)
            kinds = kinds_of(lengths, self.heard[:, 1])
            share = LIKELY if top_p is None else top_p
            codes = draw_codes(self.parts[0], self.view, kinds, labels, temperature, share, generator)
            return Made(self.view.patched(codes), lengths, levels, labels)
        steps = self.codec.frames // self.view.together
        coefficients = torch.zeros(n, steps, self.view.width)
        for part, rows in self._rows(n, labels, generator):
            own = None if labels is None or self.owners else labels[rows]
            coefficients[rows] = draw(
                part, (steps, self.view.width), len(rows), own, len(self.classes), temperature, generator
            )
        lengths, levels = self._lasting(n, labels, seconds, generator)
        return Made(self.view.patched(coefficients), lengths, levels, labels)

    def check_seconds(self, seconds: float | None) -> None:
        """Raise UsageError for a length that would be stretched beyond reason."""
        longest = 4 * float(self.heard[:, 1].max())
        if seconds is not None and not _SHORTEST <= seconds <= longest:
            raise UsageError(f"{seconds:g} seconds; this model makes clips of {_SHORTEST:g} to {longest:.3g} seconds")

    def check_top_p(self, top_p: float | None) -> None:
        """Raise UsageError for a share that is none, or a model that draws no codes."""
        if top_p is not None and not isinstance(self.view, TokenView):
            raise UsageError(
                f"--top-p is for models of tokens (fit --family autoregressive-tokens); this one is of {self.family}"
            )
        if top_p is not None and not 0 < top_p <= 1:
            raise UsageError(f"top-p is {top_p:g}, but must be above 0 and at most 1")

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        from genapps.io.artifact import write_artifact

        arrays: dict[str, Any] = {f"view/{name}": tensor.numpy() for name, tensor in self.view.state().items()}
        arrays["heard"] = self.heard.numpy()
        settings = []
        for k, part in enumerate(self.parts):
            tensors, how = part.state()
            arrays |= {f"part/{k}/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            settings.append(how)
        header = {
            "domain": DOMAIN,
            "family": self.family,
            "task": TASK,
            "codec": self.codec.to_json(),
            "view": self.view.settings(),
            "models": settings,
            "owners": list(self.owners),
            "weights": list(self.weights),
            "classes": list(self.classes),
            "shares": list(self.shares),
            "card": dict(self.card),
        }
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> AudioModel:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact, told_version
        from genapps.models import load

        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            kept = " ".join(str(header[key]) for key in ("domain", "task") if header.get(key))
            raise InputError(f"{path}: a model of {kept!r}; give a file written by 'audio fit'")
        try:
            tensors = {name: torch.from_numpy(array) for name, array in artifact.tensors.items()}
            codec = Codec(**header["codec"])
            _check_codec(codec)
            kind: type[View] | type[TokenView] = TokenView if "tokens" in header["view"] else View
            view = kind.from_state(_under(tensors, "view/"), header["view"])
            classes, shares = tuple(header["classes"]), tuple(header["shares"])
            steps = codec.frames // view.together
            space = (
                view.space(steps)
                if isinstance(view, TokenView)
                else space_of(header["family"], steps, view.width, len(classes))
            )
            parts = [
                load(learner_of(header["family"]), space, _under(tensors, f"part/{k}/"), settings)
                for k, settings in enumerate(header["models"])
            ]
            owners, weights = tuple(header["owners"]), tuple(header["weights"])
            found = cls(codec, header["family"], tuple(parts), view, tensors["heard"], owners, weights, classes, shares,
                        header.get("card", {}))  # fmt: skip
            found._check()
            return found
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError, UsageError) as error:
            raise InputError(
                f"{path}: does not hold what a model of sounds must{told_version(header)}; fit it again"
            ) from error

    def _check(self) -> None:
        """Raise ValueError where what a file held does not go together, so that nothing could be drawn."""
        steps, known = self.codec.frames // self.view.together, range(max(1, len(self.classes)))
        patch = self.view.patched(torch.zeros(1, steps, self.view.width))
        heard, shares = self.heard, (*self.weights, *self.shares)
        if not (
            tuple(patch.shape) == (1, self.codec.frames, self.codec.bins)
            and bool(patch.isfinite().all())
            and len(self.shares) == len(self.classes)
            and heard.dim() == 2
            and heard.shape[1] == 3
            and heard.is_floating_point()
            and bool(heard.isfinite().all() & (heard >= 0).all())
            and 0 < float(heard[:, 1].max()) <= _LONGEST
            and (not self.classes or set(heard[:, 0].tolist()) == {k for k in known if self.shares[k]})
            and len(self.owners) == len(self.weights) == (len(self.parts) if self.owners else 0)
            and (set(self.owners) == set(known) if self.owners else len(self.parts) == 1)
            and all(isinstance(name, str) for name in self.classes)
            and (not self.owners or min(self.weights) > 0)
            and all(isinstance(share, float) and 0 <= share <= 1.000001 for share in shares)
            and isinstance(self.card, dict)
        ):
            raise ValueError("what it holds does not go together")

    def with_card(self, **entries: Any) -> AudioModel:
        """The same with more on its card."""
        return replace(self, card={**self.card, **entries})

    def _number(self, name: str) -> int:
        if not self.classes:
            raise UsageError(f"no class {name!r}: this model was learnt without classes; leave the label out")
        if name not in self.classes:
            there = ", ".join(self.classes[:20]) + (", ..." if len(self.classes) > 20 else "")
            raise UsageError(f"no class {name!r}; there are: {there}.{did_you_mean(name, self.classes)}")
        number = self.classes.index(name)
        if not self.shares[number]:
            raise UsageError(f"class {name!r}: its few clips were held out and none was learnt; fit with more of it")
        return number

    def _rows(self, n: int, labels: Tensor | None, generator: torch.Generator) -> list[tuple[Family, Tensor]]:
        """Each part and the numbers of the clips that are its own."""
        if n == 0:
            return []
        if not self.owners:
            return [(self.parts[0], torch.arange(n))]
        owners, weights = torch.tensor(self.owners), torch.tensor(self.weights)
        wanted = torch.zeros(n, dtype=torch.long) if labels is None else labels
        chances = weights * (owners == wanted[:, None])  # (n, parts)
        chosen = torch.multinomial(chances, 1, generator=generator)[:, 0]
        found = [(part, (chosen == k).nonzero()[:, 0]) for k, part in enumerate(self.parts)]
        return [(part, rows) for part, rows in found if len(rows)]

    def _lasting(
        self, n: int, labels: Tensor | None, seconds: float | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Lengths, as asked for if so, and loudness (n,)."""
        lengths, levels = self._heard(n, labels, generator)
        return lengths if seconds is None else torch.full((n,), float(seconds)), levels

    def _heard(self, n: int, labels: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Lengths and loudness (n,) near those of clips of the same class, within what was heard of it."""
        found = torch.zeros(n, 2)
        classes = torch.zeros(n, dtype=torch.long) if labels is None else labels
        for label in classes.unique().tolist():
            mine = classes == label
            own = self.heard[self.heard[:, 0] == label, 1:] if labels is not None else self.heard[:, 1:]
            drawn = own[torch.randint(len(own), (int(mine.sum()),), generator=generator)]
            moved = drawn * (torch.randn(drawn.shape, generator=generator) * torch.tensor([_UNEVEN, _LOUDER])).exp()
            found[mine] = moved.clamp(own.amin(0), own.amax(0))
        return found[:, 0], found[:, 1]


def _check_codec(codec: Codec) -> None:
    """Raise ValueError for a rate or a size that no fit chooses, before anything is made of it."""
    whole = all(type(value) is int for value in (codec.rate, codec.frames))
    if not whole or not (100 <= codec.rate <= _HIGHEST and 0 < codec.frames <= _MOST_FRAMES):
        raise ValueError("neither a rate nor a size of spectrograms")
    if not 0 < float(codec.longest) <= _LONGEST:
        raise ValueError("no length of clips")


def _under(tensors: Mapping[str, Tensor], begin: str) -> dict[str, Tensor]:
    return {name.removeprefix(begin): tensor for name, tensor in tensors.items() if name.startswith(begin)}

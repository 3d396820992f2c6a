"""What a model reached on clips it did not learn from, beside steady noise and beside other real clips."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from genapps.metrics.frechet import Moments, frechet_distance
from genapps.metrics.reaching import reach
from genapps_audio.codec import Batch
from genapps_audio.evaluation.baseline import noise
from genapps_audio.evaluation.features import accuracy, by_statistics, cepstra
from genapps_audio.model import AudioModel

FEWEST = 30  # held-out clips below which figures say nothing
_MOST = 500  # of each side


@dataclass(frozen=True)
class Reached:
    """Figures of as many drawn sounds as clips were held out, and beside them of other real clips and of steady noise.

    distance: Fréchet's, of mel statistics, to held-out clips. coverage: share of those that are reached. useful: share
    of held-out clips named rightly by a classifier that learnt from drawn sounds, where there are classes. All are of
    spectrograms, before phases are found. None where fewer than 30 clips are held out.
    """

    drawn: int
    distance: float | None = None
    real_distance: float | None = None
    trivial_distance: float | None = None
    coverage: float | None = None
    real_coverage: float | None = None
    trivial_coverage: float | None = None
    useful: float | None = None
    real_useful: float | None = None
    trivial_useful: float | None = None

    @property
    def nothing_learnt(self) -> bool:
        """Whether steady noise is as near to held-out clips."""
        return self.distance is not None and self.distance >= (self.trivial_distance or 0.0)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        few = f"{FEWEST} held-out clips are needed, there are {self.drawn}; 'audio evaluate' takes fewer"
        if self.distance is None:
            return [f"judged       no: {few}"]
        beside = "other real clips {0}, steady noise {1}"
        said = [f"judged on    {self.drawn:,} held-out clips beside as many drawn ones"]
        for name, key, form in (("FD-mel", "distance", ".1f"), ("coverage", "coverage", ".2f")):
            own, real, trivial = (getattr(self, f"{side}{key}") for side in ("", "real_", "trivial_"))
            said.append(f"{name:<12} {own:{form}}; {beside.format(f'{real:{form}}', f'{trivial:{form}}')}")
        if self.useful is not None:
            said.append(
                f"named right  {self.useful:.1%} of held-out clips by what was learnt from drawn ones; "
                f"from real ones {self.real_useful:.1%}, from noise {self.trivial_useful:.1%}"
            )
        return said


@torch.no_grad()
def judge(model: AudioModel, train: Batch, held: Batch | None, seed: int = 0) -> Reached:
    """Judge a model by held-out clips, which it was not given."""
    n = min(len(held), len(train), _MOST) if held is not None else 0
    if held is None or n < FEWEST:
        return Reached(n)
    draws = torch.Generator().manual_seed(seed)
    truth = held.take(torch.randperm(len(held), generator=draws)[:n])
    real = train.take(torch.randperm(len(train), generator=draws)[:n])
    trivial = noise(train, n, draws)
    labels = None if train.labels is None or not model.classes else truth.labels
    made = model.draw(n, labels, seconds=None, temperature=1.0, generator=draws)
    extractor = by_statistics(model.codec)
    rows = extractor.of(truth.patches, truth.seconds)
    figures: dict[str, Any] = {}
    for side, one, known in (("", made, labels), ("real_", real, real.labels), ("trivial_", trivial, trivial.labels)):
        features = extractor.of(one.patches, one.seconds)
        apart = frechet_distance(Moments.of(rows.double().numpy()), Moments.of(features.double().numpy()))
        figures |= {f"{side}distance": apart, f"{side}coverage": reach(rows, features).coverage}
        if labels is not None and known is not None:
            unseen = cepstra(truth.patches, truth.seconds, model.codec), labels
            figures[f"{side}useful"] = accuracy((cepstra(one.patches, one.seconds, model.codec), known), unseen)
    return Reached(n, **figures)

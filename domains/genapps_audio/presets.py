"""Which rate, size and family fit a collection of clips: data, so that they can be read and argued with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from genapps.errors import UsageError
from genapps.wording import counted
from genapps_audio.codec import Codec
from genapps_audio.generation.recipes import BEST

FEWEST = 20  # clips below which a generator has nothing to learn from
MOST_RATE = 22_050  # that is chosen; a higher one has to be asked for
MOST_SECONDS = 10.0  # likewise
_FRAMES = {"cpu": (16, 96), "gpu": (16, 256)}  # fewest and most of a patch
_STEP = 4  # frames come in fours, so that some families can take them together


@dataclass(frozen=True)
class Seen:
    """What is known of a collection before it is learnt.

    count: clips. rates: samples a second of each, or of some. seconds: of sound in each of those. device: "cpu" or
    "gpu".
    """

    count: int
    rates: Sequence[int]
    seconds: Sequence[float]
    device: str = "cpu"


@dataclass(frozen=True)
class Preset:
    """What is chosen, and why: one sentence each in `reasons`."""

    codec: Codec
    family: str
    reasons: tuple[str, ...]


def choose(seen: Seen, *, rate: int | None = None, seconds: float | None = None, family: str | None = None) -> Preset:
    """The codec and family for a collection; what is given is kept. Raises UsageError for no clips."""
    if not seen.rates:
        raise UsageError("no clips to choose a rate for")
    reasons = []
    if rate is None:
        common = Counter(seen.rates).most_common(1)[0][0]
        rate = min(common, MOST_RATE)
        reasons.append(
            f"{rate:,} Hz: what most clips have" if rate == common
            else f"{rate:,} Hz of {common:,}: speech and most sounds have little above half of it; --rate changes it"
        )  # fmt: skip
    ordered = sorted(seen.seconds)
    if seconds is None:
        seconds = min(MOST_SECONDS, max(0.05, ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]))
        if ordered[-1] > MOST_SECONDS:
            reasons.append(f"the first {MOST_SECONDS:g} s of each clip; --seconds changes it")
    codec = Codec(rate, _STEP, seconds)
    usual = min(seconds, ordered[len(ordered) // 2]) * rate / codec.hop
    least, most = _FRAMES[seen.device]
    frames = min(most, max(least, _STEP * round(usual / _STEP)))
    if usual > 1.5 * frames:
        reasons.append(f"{frames} frames a clip, one every {1000 * usual / frames * codec.hop / rate:.0f} ms")
    if family is None:
        family = BEST
        reasons.append(f"{family}: the quickest, and by the figures in docs/benchmarks/audio.md as good as any")
    if seen.count < FEWEST:
        reasons.append(f"only {counted(seen.count, 'clip')}: what is made will be much like them")
    return Preset(Codec(rate, frames, round(seconds, 4)), family, tuple(reasons))

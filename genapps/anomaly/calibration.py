"""From scores to p-values that keep a promised rate of false alarms, on one pass, whether by batch or by stream.

Three things together hold the rate where scores drift, as scores of real series do:

- the p-value is the rank among the last W scores, not among those of a training part long ago (rolling conformal);
- the level at which an alarm is raised follows the rate that was kept: a little lower after each alarm, a little
  higher for each quiet row (Gibbs and Candès, "Adaptive conformal inference under distribution shift", 2021, here on
  the log of the level and between two bounds); the p-value handed out is divided by it: an alarm is always p <= rate;
- an alarm that lasts is not learnt from, so that it neither ends by itself nor hides the next one; a time-out accepts
  a real shift of level. Its first rows are learnt once it is over: without them the highest normal scores would never
  enter the reference, and the rate would creep up. Where asked, rows far beyond the reference are left out of all that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps.anomaly.conformal import exact_length, needed_length
from genapps.anomaly.reference import Reference
from genapps.errors import InputError, UsageError
from genapps.metrics.distributions import Floats, Mask

SHORTEST = 500  # rows of the rolling reference by default, at least
STEP = 0.2  # by which the log of the level falls at an alarm
LOWEST, HIGHEST = math.log(0.5), math.log(4.0)  # the level stays within these factors of the rate
LEARNT = (
    0.5  # rows of an alarm that are learnt when it is over, as a share of the alarms by chance that a reference holds
)
FROZEN, LEAST = 1.5, 30  # rows after which a lasting alarm is learnt from, likewise, and at least
SURE = 0.001  # of the rate: rarer rows are far beyond the reference
FREQUENT = 3.0  # alarms of such rows within a reference, as a share of those by chance, are normal after all


@dataclass(frozen=True)
class Calibration:
    """How scores become p-values.

    rate: promised share of normal rows in alarm, 0..0.5. length: rows of the rolling reference, 0 chooses: as long as
    the given normal part, at least 500 and at least what the rate needs, shortened to a length whose ranks meet the
    rate exactly. patience: rows for which a lasting alarm is not learnt from, 0 learns always, -1 chooses: one and a
    half times the alarms by chance that a reference holds, at least 30, so that a real shift of level costs little;
    more keeps long alarms open, at the price of as many false ones after a shift. gap: an alarm ends after as many
    rows without one. adapt: whether the level follows the rate that was kept. tail: whether the tail may say p-values
    that are smaller than 1 / (W + 1). aloof: rows far beyond the reference are not learnt, so that they neither hide
    what is less extreme for W rows nor move the level, unless they last or come again and again.
    """

    rate: float = 0.001
    length: int = 0
    patience: int = -1
    gap: int = 3
    adapt: bool = True
    tail: bool = True
    aloof: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 0.5:
            raise UsageError(f"a rate of {self.rate} cannot be promised: give a number above 0, at most 0.5")
        if self.length < 0 or self.gap < 1 or self.patience < -1:
            raise UsageError("length must be 0 or more, gap 1 or more, patience -1 or more")

    def rows(self, given: int) -> int:
        """The length W of the rolling reference where `given` normal rows are at hand."""
        return self.length or exact_length(self.rate, max(SHORTEST, given, needed_length(self.rate)))


@dataclass(frozen=True)
class Calibrated:
    """What became of scores (N,).

    p: (N,) p-values; an alarm is p <= rate; NaN where the score was. threshold: (N,) above which the row's score is an
    alarm, infinite where none would be. extrapolated: (N,) where the tail said it. learnt: (N,) where the score went
    into the reference at once.
    """

    p: Floats
    threshold: Floats
    extrapolated: Mask
    learnt: Mask


class Calibrator:
    """Scores in, p-values out, one at a time; memory is bounded by the length of the reference.

    reference: scores (R,) of normal rows, oldest first, held out from whatever the model was fitted to. Raises
    InputError for a reference without a finite score.
    """

    def __init__(self, reference: Any, settings: Calibration | None = None) -> None:
        self.settings = settings or Calibration()
        self._reference = Reference(reference, self.settings.rows(np.size(reference)))
        self._prepare()

    def _prepare(self) -> None:
        self._level = 0.0  # log of the factor between the level and the rate
        self._open = 0  # rows since the alarm began
        self._calm = 0  # rows without an alarm while one is open
        self._held: list[float] = []  # the first rows of an alarm, until it is over
        self._far = False  # whether a row of the open alarm was far beyond the reference
        self._alarms = 0.0  # of such rows, within the last W rows or so
        self.extrapolated = False
        self.learnt = False
        may = self.settings.rate * (self._reference.length + 1)
        self._lessons, self._frequent = max(1, round(LEARNT * may)), FREQUENT * may
        self._fading = 1 - 1 / self._reference.length
        self._patience = max(LEAST, round(FROZEN * may)) if self.settings.patience < 0 else self.settings.patience

    def step(self, score: float) -> float:
        """The p-value of the next row's score; `extrapolated` and `learnt` tell more about it until the next one.

        NaN gives NaN and leaves everything as it was. An infinite score is ranked and never learnt.
        """
        self.extrapolated = self.learnt = False
        if score != score:
            return math.nan
        finite = math.isfinite(score)
        rank, self.extrapolated = self._reference.p(score, tail=self.settings.tail and finite)
        p = min(rank / self.level, 1.0)
        alarm = p <= self.settings.rate
        self._take(score, alarm, alarm and self.settings.aloof and self._is_far(score, rank))
        return p

    def _is_far(self, score: float, rank: float) -> bool:
        """Whether a row in alarm is so far beyond the reference that it is none of its kind."""
        if not self._far and (rank <= SURE * self.settings.rate or score > self._reference.far()):
            self._far = True
            self._alarms += 1
        return self._far and self._alarms <= self._frequent and self._open < self._patience

    def _take(self, score: float, alarm: bool, far: bool) -> None:
        self._alarms *= self._fading
        if alarm:
            self._open, self._calm = self._open + 1, 0
        elif self._open:
            self._open, self._calm = self._open + 1, self._calm + 1
            if self._calm >= self.settings.gap:
                self._open, self._far = 0, False
                self._release()
        if far:
            self._held.clear()
            return
        if not alarm or not self.settings.patience:
            self._learn(score, alarm)
        elif self._open > self._patience:
            self._release()
            self._learn(score, alarm)
        elif len(self._held) < self._lessons:
            self._held.append(score)

    def _release(self) -> None:
        for score in self._held:
            self._learn(score, True)
        self._held.clear()
        self.learnt = False

    def _learn(self, score: float, alarm: bool) -> None:
        if not math.isfinite(score):
            return
        self._reference.learn(score)
        self.learnt = True
        if self.settings.adapt:
            level = self._level + STEP * (self.settings.rate - alarm)
            self._level = min(max(level, LOWEST), HIGHEST)

    def run(self, scores: Any) -> Calibrated:
        """The p-values of scores (N,), one after another, as `step` gives them."""
        values = np.asarray(scores, np.float64).tolist()
        p, threshold = np.empty(len(values)), np.empty(len(values))
        extrapolated, learnt = np.zeros(len(values), bool), np.zeros(len(values), bool)
        for row, score in enumerate(values):
            threshold[row] = self.threshold()
            p[row] = self.step(score)
            extrapolated[row], learnt[row] = self.extrapolated, self.learnt
        return Calibrated(p, threshold, extrapolated, learnt)

    @property
    def level(self) -> float:
        """The factor between the rank at which an alarm is raised now and the promised rate: 0.5..4, at first 1."""
        return math.exp(self._level)

    def threshold(self) -> float:
        """A row whose score is higher is in alarm now; infinite where no score would be."""
        return self._reference.quantile(self.settings.rate * self.level, tail=self.settings.tail)

    def state(self) -> dict[str, Floats]:
        """Everything that was learnt, as plain arrays: `restore` goes on as if nothing had happened."""
        numbers = np.asarray([getattr(self, name) for name in _NUMBERS], np.float64)
        return {**self._reference.state(), "numbers": numbers, "held": np.asarray(self._held, np.float64)}

    @classmethod
    def restore(cls, state: dict[str, Floats], settings: Calibration) -> Calibrator:
        """The calibrator that `state` was taken from. Raises InputError for arrays that are none."""
        numbers = np.asarray(state.get("numbers", ()), np.float64)
        if numbers.shape != (len(_NUMBERS),) or not np.isfinite(numbers).all() or "held" not in state:
            raise InputError("a saved calibration without its numbers: save it again")
        made = cls.__new__(cls)
        made.settings, made._reference = settings, Reference.restore(state)
        made._prepare()
        made._held = np.asarray(state["held"], np.float64).tolist()
        for name, number in zip(_NUMBERS, numbers.tolist(), strict=True):
            setattr(made, name, type(getattr(made, name))(number))
        return made


_NUMBERS = ("_level", "_open", "_calm", "_far", "_alarms")


def calibrate(reference: Any, scores: Any, settings: Calibration | None = None) -> Calibrated:
    """The p-values of scores (N,) after a reference of normal scores (R,), in one call."""
    return Calibrator(reference, settings).run(scores)

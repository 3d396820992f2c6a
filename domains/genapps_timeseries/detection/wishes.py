"""What a person asks of alarms: the settings of detect and fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from genapps.anomaly import Rules
from genapps.errors import UsageError
from genapps_timeseries.scoring.detector import DetectorSettings
from genapps_timeseries.series import Clock

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
LENGTH = re.compile(r"(\d+(?:\.\d+)?) ?(ms|min|s|m|h|d|w)")


@dataclass(frozen=True)
class Span:
    """A length of time: rows, or seconds of the clock."""

    rows: float = 0.0
    seconds: float | None = None

    def of(self, clock: Clock) -> int:
        """Rows, at least one. Raises UsageError for a time where rows have none."""
        if self.seconds is None:
            return max(1, round(self.rows))
        if not clock.seconds:
            raise UsageError(f"{self.seconds:g} seconds: the rows have no date and time here; give a number of rows")
        return max(1, round(self.seconds / clock.seconds))


def span(text: str, option: str) -> Span:
    """Rows ("12") or a time ("90s", "1h30m", "7d"). Raises UsageError for anything else, naming the option."""
    plain = text.strip().lower()
    if re.fullmatch(r"\d+", plain) and int(plain) > 0:
        return Span(float(plain))
    if re.fullmatch(f"(?:{LENGTH.pattern} ?)+", plain):
        seconds = sum(float(number) * SECONDS[unit] for number, unit in LENGTH.findall(plain))
        if seconds > 0:
            return Span(0.0, seconds)
    raise UsageError(f"{option} {text}: give a number of rows, or a time such as 90s, 5m, 24h or 7d")


def _help(text: str, **bounds: float) -> dict[str, str | float]:
    return {"help": text, **bounds}


@dataclass(frozen=True)
class Wishes:
    """Settings of detect and fit; `genapps config timeseries` prints them with their meaning."""

    family: str = field(
        default="ensemble", metadata=_help("ensemble, gmm, hmm, vae, gan, rbm, autoregressive, auto, or pyod:NAME")
    )
    season: str = field(default="auto", metadata=_help("length of the period: auto, rows, or a time such as 24h"))
    seed: int = field(default=0, metadata=_help("the same seed gives the same result", least=0))
    false_alarm_rate: float | None = field(
        default=None, metadata=_help("share of normal rows that may raise an alarm", above=0, most=0.5)
    )
    alarms_per_week: float | None = field(
        default=None,
        metadata=_help("false alarms a week, instead of a rate; 1 if neither is given and rows allow it", above=0),
    )
    min_length: str = field(default="", metadata=_help("shortest event: rows, or a time such as 5m"))
    merge: str = field(
        default="", metadata=_help("alarms at most so far apart are one event: rows or a time; half a period if empty")
    )
    direction: Literal["up", "down", "both"] | None = field(
        default=None, metadata=_help("only values above (up) or below (down) what was expected")
    )

    def check(self) -> None:
        """Raises UsageError for what cannot be asked, before anything is read."""
        if self.false_alarm_rate is not None and self.alarms_per_week is not None:
            raise UsageError("--false-alarm-rate and --alarms-per-week say the same; give one of them")
        if self.false_alarm_rate is not None and not 0 < self.false_alarm_rate <= 0.5:
            raise UsageError(f"--false-alarm-rate {self.false_alarm_rate:g}: give a share above 0, at most 0.5")
        if self.alarms_per_week is not None and not self.alarms_per_week > 0:
            raise UsageError(f"--alarms-per-week {self.alarms_per_week:g}: give a number above 0")
        for option, text in (("--min-length", self.min_length), ("--merge", self.merge)):
            if text:
                span(text, option)
        if self.season != "auto":
            span(self.season, "--season")

    def after(self, before: Wishes) -> Wishes:
        """The same with what was said `before`, where nothing is said now; how it was learnt is as it was."""
        again = self.false_alarm_rate is None and self.alarms_per_week is None
        return replace(
            self,
            family=before.family,
            season=before.season,
            seed=before.seed,
            false_alarm_rate=before.false_alarm_rate if again else self.false_alarm_rate,
            alarms_per_week=before.alarms_per_week if again else self.alarms_per_week,
            min_length=self.min_length or before.min_length,
            merge=self.merge or before.merge,
            direction=self.direction or before.direction,
        )

    def detector(self, clock: Clock) -> DetectorSettings:
        """The settings of the detector of a series."""
        window = 0 if self.season == "auto" else max(2, span(self.season, "--season").of(clock))
        return DetectorSettings(self.family, window, self.seed)

    def rules(self, rate: float, clock: Clock, window: int) -> Rules:
        """When rows in alarm are an event."""
        gap = self.gap(clock, window) * (clock.step or 1.0)
        shortest = span(self.min_length, "--min-length").of(clock) if self.min_length else 1
        return Rules(rate, gap, rows=shortest)

    def wants(self, direction: str) -> bool:
        """Whether an event of that direction counts; one without any always does."""
        return self.direction in (None, "both", direction) or direction == "both"

    def gap(self, clock: Clock, window: int) -> int:
        """Rows that are merged over."""
        return span(self.merge, "--merge").of(clock) if self.merge else max(3, window // 2)

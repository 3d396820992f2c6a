"""Sessions beside normal ones: how strange each is, how rare that is among sessions that were held out, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genapps.anomaly.conformal import needed_length
from genapps.anomaly.reference import Reference
from genapps.errors import UsageError
from genapps.metrics.distributions import Floats
from genapps.suggest import did_you_mean
from genapps_logs import scoring_families
from genapps_logs.grouping import Grouping
from genapps_logs.scoring import END, START, UNKNOWN, Counts, Markov, Scorer, Steps
from genapps_logs.sessions import Ends

AUTO = "counts+markov"  # what wins: benchmarks/anomaly/hdfs.py
SCORERS = ("counts", "markov", *scoring_families.NAMES)
FEWEST = 20  # normal sessions below which none is judged
MOST = 20_000  # normal sessions that are kept
MOST_STEPS = 1_000_000  # of all of them together
_FOLDS = 3
_FOLDS_OF_FAMILIES = 2  # which are slow
_STALE = 2.0  # times the longest silence within normal sessions, after which one is over
_SMALLEST = 1e-300
_UNREACHED = 1e6  # bits of surprise that nothing has
_USUAL = 0.999  # share of the normal sessions whose silences count


def members_of(family: str) -> tuple[str, ...]:
    """The scorers of a name: `auto`, one, or several with + between. Raises UsageError for others."""
    names = tuple((AUTO if family == "auto" else family).split("+"))
    for name in names:
        if name not in SCORERS:
            hint = did_you_mean(name, SCORERS)
            raise UsageError(f"no scorer of sequences {name!r}; there are: auto, {', '.join(SCORERS)}.{hint}")
    return names


def new_scorer(name: str) -> Scorer:
    """A scorer that has learnt nothing yet."""
    if name == "counts":
        return Counts()
    return Markov() if name == "markov" else scoring_families.Family(name)


class Kept:
    """The first sequences of a stream, thinned out evenly where there are too many: bounded memory, no dice."""

    def __init__(self, most: int = MOST, most_steps: int = MOST_STEPS) -> None:
        self.most, self.most_steps = most, most_steps
        self.sequences: list[Steps] = []
        self.seen = 0
        self._every, self._steps = 1, 0
        self._same: dict[Steps, Steps] = {}

    def add(self, steps: Steps) -> None:
        """Take one more."""
        self.seen += 1
        if self.seen % self._every:
            return
        self.sequences.append(self._same.setdefault(steps, steps))
        self._steps += len(steps)
        while len(self.sequences) > self.most or (self._steps > self.most_steps and len(self.sequences) > 1):
            self.sequences = self.sequences[1::2]
            self._every *= 2
            self._steps = sum(map(len, self.sequences))
            self._same = {steps: steps for steps in self.sequences}


@dataclass
class SequenceModel:
    """What normal sessions look like.

    grouping: which lines are of one session. names: the templates, whose codes are 1, 2, ... sequences: normal ones.
    seen: how many there were. held: (R, M) scores of normal sessions by models that had not learnt them, one column a
    scorer. ends: when a session is over.
    """

    grouping: Grouping
    family: str
    names: tuple[str, ...]
    sequences: list[Steps]
    seen: int
    ends: Ends
    held: Floats
    scorers: tuple[Scorer, ...] = ()
    steps: Markov = field(default_factory=Markov)
    counts: Counts = field(default_factory=Counts)

    @classmethod
    def fit(
        cls, sequences: Sequence[Steps], names: Sequence[str], grouping: Grouping, ends: Ends, family: str, seen: int
    ) -> SequenceModel:
        """Learn from normal sequences, and score each of them by a model of the others."""
        wanted, size = members_of(family), len(names)
        held = np.column_stack([held_scores(name, sequences, size) for name in wanted])
        made = cls(grouping, family, tuple(names), list(sequences), seen, ends, held)
        made.scorers = tuple(new_scorer(name).fit(sequences, size) for name in wanted)
        made.prepare()
        return made

    def prepare(self) -> None:
        """Make what reasons are given by, and the scorers that are not kept in a file."""
        size = len(self.names)
        self.steps.fit(self.sequences, size)
        self.counts.fit(self.sequences, size)
        own: dict[str, Scorer] = {"markov": self.steps, "counts": self.counts}
        if self.scorers:
            own = {scorer.name: scorer for scorer in self.scorers} | own
        self.scorers = tuple(own[name] for name in members_of(self.family))

    def score(self, sequences: Sequence[Steps]) -> Floats:
        """How strange each is to each scorer (N, M)."""
        return np.column_stack([scorer.score(sequences) for scorer in self.scorers])

    def codes(self) -> dict[str, int]:
        """The code of each template's name."""
        return {name: code for code, name in enumerate(self.names, 1)}

    def name_of(self, code: int) -> str:
        """The name of what a code stands for, as findings are named by."""
        if code in (START, END):
            return "start" if code == START else "end"
        return "new" if code == UNKNOWN else self.names[code - 1]


def held_scores(name: str, sequences: Sequence[Steps], size: int) -> Floats:
    """The scores (N,) of sequences, each by a scorer that learnt the others' share (cross-fitting)."""
    folds = _FOLDS_OF_FAMILIES if name in scoring_families.NAMES else _FOLDS
    scores = np.zeros(len(sequences))
    for fold in range(min(folds, len(sequences))):
        rest = [steps for place, steps in enumerate(sequences) if place % folds != fold]
        scores[fold::folds] = new_scorer(name).fit(rest or sequences, size).score(sequences[fold::folds])
    return scores


@dataclass(frozen=True)
class SessionPromise:
    """A promised share of normal sessions in alarm, and what came of it among those held out.

    rate: asked. sessions: normal ones at hand. held: the share of one half of them that is in alarm beside the other
    half; None where there are too few to say.
    """

    rate: float
    sessions: int
    held: float | None

    @property
    def possible(self) -> bool:
        """Whether there are enough normal sessions to promise anything."""
        return self.sessions >= needed_length(self.rate)

    def sentence(self) -> str:
        """In words: what was asked, what was kept, or why it cannot be promised."""
        asked = f"asked: {self.rate:.3g} of normal sessions in alarm"
        if not self.possible:
            needed = needed_length(self.rate)
            return f"{asked}; cannot be promised: it takes {needed:,} normal sessions, here are {self.sessions:,}"
        if self.held is None:
            return f"{asked}; not measured: half of {self.sessions:,} normal sessions are too few to hold out"
        return f"{asked}; on held-out normal sessions: {self.held:.2g} of {self.sessions:,}"


class Ranks:
    """Scores of several scorers as one p-value: how rare the rarest of them is, beside held-out scores (R, M).

    The rarest of several p-values is smaller by chance than one alone; what it is worth is learnt from the same
    held-out sessions (as `genapps.anomaly.Panel` does with `least`).
    """

    def __init__(self, held: Floats) -> None:
        self._members = [Reference(column, len(column)) for column in held.T]
        own = np.column_stack([member.own_p() for member in self._members])
        self.held = (-np.log(np.maximum(own, _SMALLEST))).max(axis=1)
        self._whole = Reference(self.held, len(self.held))

    def parts(self, scores: Floats) -> Floats:
        """-log p (M,) of each scorer's score (M,)."""
        pairs = zip(self._members, scores.tolist(), strict=True)
        return -np.log(np.maximum([member.smooth_p(score) for member, score in pairs], _SMALLEST))

    def p(self, statistic: float) -> float:
        """The p-value of the largest of the parts."""
        return self._whole.p(statistic)[0]

    def certain(self, member: int, rate: float) -> float:
        """The least score of one scorer that is an alarm at that rate whatever the others say."""
        low, high = 0.0, 1.0

        def alarms(score: float) -> bool:
            p = self._members[member].smooth_p(score)
            return self.p(-float(np.log(max(p, _SMALLEST)))) <= rate

        while not alarms(high):
            high *= 2
            if high > _UNREACHED:
                return np.inf
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if alarms(middle) else (middle, high)
        return high


def promise_of(held: Floats, rate: float) -> SessionPromise:
    """What can be promised beside held-out scores (R, M), and what comes of it when halves of them judge each other."""
    half = len(held) // 2
    if half < needed_length(rate):
        return SessionPromise(rate, len(held), None)
    parts = held[::2], held[1::2]
    flags = []
    for one, other in (parts, parts[::-1]):
        ranks = Ranks(one)
        flags += [ranks.p(float(ranks.parts(scores).max())) <= rate for scores in other]
    return SessionPromise(rate, len(held), float(np.mean(flags)))


def usual_ends(gaps: Sequence[float], grouping: Grouping) -> Ends:
    """When sessions are over, from the longest silence within each normal one."""
    quiet = _STALE * float(np.quantile(gaps, _USUAL)) if len(gaps) else np.inf
    seconds = grouping.seconds or np.inf
    rows = grouping.rows or np.inf
    if seconds < np.inf or rows < np.inf:
        return Ends(min(quiet, seconds), seconds, rows)
    return Ends(max(quiet, 1.0), seconds, rows)


@dataclass(frozen=True)
class Verdict:
    """Why a session is in alarm.

    p: how rare its score is among held-out normal ones. kind: `step` (something unusual came next), `missing` (it ends
    where something should follow), `count` (another number of lines). id: what is accepted when it is normal.
    """

    id: str
    kind: str
    p: float
    bits: float
    code: int
    reason: str


class Judge:
    """Says which sessions are strange, and why."""

    def __init__(self, model: SequenceModel, rate: float, texts: dict[str, str]) -> None:
        self.model, self.rate, self.texts = model, rate, texts
        self.ranks = Ranks(model.held)
        self._known: dict[Steps, Floats] = {}  # many sessions of a log are the same
        names = [scorer.name for scorer in model.scorers]
        # Bits of one step from which on a session is in alarm whatever else comes.
        self._markov = names.index("markov") if "markov" in names else None
        self.surely = np.inf if self._markov is None else self.ranks.certain(self._markov, rate)

    def step_p(self, bits: float) -> float:
        """The p-value of a session by one of its steps alone."""
        scores = np.zeros(len(self.model.scorers))
        scores[self._markov or 0] = bits
        return self.ranks.p(float(self.ranks.parts(scores)[self._markov or 0]))

    def whole(self, steps: Steps) -> Verdict | None:
        """The verdict on a session that is over; None where it is not strange."""
        parts = self._known.get(steps)
        if parts is None:
            parts = self.ranks.parts(self.model.score([steps])[0])
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[steps] = parts
        p = self.ranks.p(float(parts.max()))
        if p > self.rate:
            return None
        bits = self.model.steps.surprises(steps)
        place = int(np.argmax(bits))
        if self.model.scorers[int(parts.argmax())].name == "counts" and bits[place] < self.surely:
            return self._count(steps, p)
        order = self.model.steps.order
        past = ((START,) * order + steps)[place : place + order]
        return self.at(past, (*steps, END)[place], bits[place], p)

    def at(self, past: Steps, code: int, bits: float, p: float) -> Verdict:
        """The verdict on one step after what came before it."""
        name = self.model.name_of
        before = past[-1]
        expected = self.model.steps.expected(past)
        usual = ", ".join(f"{self._said(other)} ({_percent(share)})" for other, share in expected) or "nothing known"
        where = "at the start" if before == START else f"after {self._said(before)}"
        if code == END:
            reason = f"ends {where}, {bits:.1f} bits; expected {usual}"
        else:
            reason = f"{where} comes {self._said(code)}, {bits:.1f} bits; expected {usual}"
        return Verdict(f"{name(before)}-{name(code)}", "missing" if code == END else "step", p, bits, code, reason)

    def _count(self, steps: Steps, p: float) -> Verdict:
        code, normal, here = self.model.counts.difference(steps)
        reason = (
            f"{self._said(code)} comes {_times(here)} in the session; {_times(normal)} in the most similar normal one"
        )
        kind = "missing" if not here else "count"
        return Verdict(f"{self.model.name_of(code)}x{here}", kind, p, 0.0, code, reason)

    def _said(self, code: int) -> str:
        if code == END:
            return "the end"
        name = self.model.name_of(code)
        text = self.texts.get(name, "")
        return "a new message" if code == UNKNOWN else f"{name} “{_short(text)}”" if text else name


def _short(text: str, most: int = 48) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _times(count: int) -> str:
    return "once" if count == 1 else "never" if not count else f"{count:,} times"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else f"{100 * share:.1f} %"


def to_json(model: SequenceModel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A model as plain JSON and arrays."""
    arrays: dict[str, np.ndarray] = {
        "steps": np.concatenate([np.asarray(steps, np.int32) for steps in model.sequences] or [np.zeros(0, np.int32)]),
        "lengths": np.array([len(steps) for steps in model.sequences], np.int32),
        "held": model.held,
    }
    saved: dict[str, Any] = {}
    for scorer in model.scorers:
        if isinstance(scorer, scoring_families.Family):
            saved[scorer.name], tensors = scorer.state()
            arrays |= {f"{scorer.name}/{name}": array for name, array in tensors.items()}
    ends = {name: value if np.isfinite(value) else None for name, value in vars(model.ends).items()}
    card = {"grouping": model.grouping.to_json(), "family": model.family, "names": list(model.names)}
    return {**card, "seen": model.seen, "ends": ends, "scorers": saved}, arrays


def from_json(card: dict[str, Any], arrays: dict[str, np.ndarray]) -> SequenceModel:
    """What `to_json` gave. Raises what its parts do where they are not what they should be."""
    grouping = Grouping(**card["grouping"])
    lengths = arrays["lengths"].tolist()
    ends = Ends(**{name: np.inf if value is None else float(value) for name, value in card["ends"].items()})
    flat, start = arrays["steps"].tolist(), 0
    sequences: list[Steps] = []
    same: dict[Steps, Steps] = {}
    for length in lengths:
        steps = tuple(flat[start : start + length])
        sequences.append(same.setdefault(steps, steps))
        start += length
    names = tuple(map(str, card["names"]))
    made = SequenceModel(grouping, str(card["family"]), names, sequences, int(card["seen"]), ends, arrays["held"])
    made.scorers = tuple(
        scoring_families.Family.restore(name, saved, _below(arrays, f"{name}/"))
        for name, saved in card["scorers"].items()
    )
    if made.held.shape[1] != len(members_of(made.family)) or len(flat) != start or max(flat, default=0) > len(names):
        raise ValueError("sequences that do not fit their names")
    made.prepare()
    return made


def _below(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

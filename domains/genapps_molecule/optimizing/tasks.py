"""The task `optimize`: search for molecules of a high score within a number of calls, and deliver the best."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.wording import counted
from genapps_molecule.optimizing import state as states
from genapps_molecule.optimizing.delivery import Delivered, deliver
from genapps_molecule.optimizing.fence import Fence, hardest_of
from genapps_molecule.optimizing.first import RESERVE, drawn, of_file, population, texts_of
from genapps_molecule.optimizing.genetic import Breeding, Genetic, parsed
from genapps_molecule.optimizing.ledger import Ledger, area, top_means
from genapps_molecule.optimizing.objective import WRONG_NUMBER, lot_of, notes_of, objective_of
from genapps_molecule.optimizing.search import STOPPED, Around, Search, Strategy
from genapps_molecule.reading.writing import write_molecules
from genapps_molecule.records import Dropped

SAVE_SECONDS = 10.0
METHODS = ("genetic", "guided")


@dataclass(frozen=True)
class Order:
    """What is wanted of a search.

    objective: an expression, or FILE.py:FUNCTION. calls: how often it may be asked. start: a file of first molecules,
    of which `first` are asked, or none: draws of the shipped model, or of `model`. where, filters: what a molecule must
    be to be asked about. hardest: the highest SA score of a child; by the first molecules if None. n: how many are
    delivered; distinct: the highest similarity that two of them may have. novel_to: a file of which none is delivered.
    """

    objective: str
    calls: int = 10_000
    start: str | None = None
    column: str | None = None
    first: int | None = None
    where: str | None = None
    filters: tuple[str, ...] = ()
    method: str = "genetic"
    model: str | None = None
    most_atoms: int = 50
    hardest: float | None = None
    n: int = 100
    distinct: float = 1.0
    novel_to: str | None = None
    seed: int = 0

    @property
    def begin(self) -> int:
        """How many first molecules are asked: a tenth of all calls where nothing else is said, 100 to 250."""
        return min(max(self.calls // 10, 100), 250) if self.first is None else self.first

    def fixed(self) -> dict[str, Any]:
        """What a search that goes on must have been begun with."""
        free = {"calls", "first", "n", "distinct", "novel_to"}
        return {key: _plain(value) for key, value in asdict(self).items() if key not in free}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Optimized:
    """What a search came to.

    failed: calls without a score; reasons: why, the commonest first; top10: the mean of the ten best; area: PMO's area
    under it (`ledger.area`); dropped: rows of the start that hold no molecule.
    """

    order: Order
    calls: int
    failed: int
    reasons: dict[str, int]
    delivered: Delivered
    best: float
    top10: float
    area: float
    ended: str
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...]
    seconds: float

    def lines(self) -> Iterator[str]:
        """For people."""
        yield (
            f"{self.calls:,} calls in {self.seconds:.0f} s: best {self.best:.4f}, mean of the ten best"
            f" {self.top10:.4f}, area {self.area:.4f}"
        )
        if self.calls < self.order.calls:
            yield f"{self.order.calls - self.calls:,} calls were not spent: {self.ended}"
        if self.failed:
            often = ", ".join(f"{count:,} times: {reason}" for reason, count in list(self.reasons.items())[:3])
            yield f"{self.failed:,} molecules have no score ({often})"
        yield f"{len(self.delivered.rows):,} molecules delivered, {self.delivered.alerted:,} of them with alerts"

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        return {
            "objective": self.order.objective,
            "method": self.order.method,
            "seed": self.order.seed,
            "calls": self.calls,
            "failed": self.failed,
            "reasons": self.reasons,
            "best": self.best,
            "top10": self.top10,
            "area_top10": self.area,
            "delivered": len(self.delivered.rows),
            "with_alerts": self.delivered.alerted,
            "diversity": self.delivered.diversity,
            "ended": self.ended,
            "dropped": [{"row": one.row, "text": one.text[:200], "reason": one.reason} for one in self.dropped],
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


def optimize(
    order: Order,
    output: str,
    *,
    state: str | Path | None = None,
    resume: bool = False,
    report: str | Path | None = None,
    three_d: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    calling: Around = nullcontext,
) -> Optimized:
    """Search, and write the best to `output`; with `state` the search can go on later.

    It ends early where `stopped` holds, and where a call is cut short by KeyboardInterrupt: that call is lost, what was
    found before is kept and delivered. All that may take long is done within `calling`, which may have it so.

    Raises KeyboardInterrupt where it was ended before there was a score, UsageError for what was asked wrongly,
    InputError for a start or an objective without a single molecule or score. What fails for one molecule is that
    molecule's reason.
    """
    began = time.monotonic()
    with calling():
        objective, fence = objective_of(order.objective), Fence.of(order.where, order.filters)
        known = texts_of(order.novel_to)
    rng = np.random.default_rng(order.seed)
    breeding = Breeding(most_atoms=order.most_atoms)
    search = Search(objective, strategy_of(order, breeding), rng, Ledger(), [], fence)
    search.lot, search.calling = lot_of(objective), calling
    dropped: list[Dropped] = []
    notes = list(notes_of(objective))
    if resume and state is not None and Path(state).exists():
        states.restore(state, search, order.fixed())
    else:
        with calling():
            search.first, reserve, dropped, note = _first(order, fence, rng, breeding)
        search.begun = len(search.first)
        notes += [note] if note else []
        if isinstance(search.strategy, Genetic):
            search.strategy.reserve = reserve
    hardest = order.hardest
    if hardest is None:
        hardest = hardest_of([parsed(text) for text in (search.ledger.smiles + search.first)[: search.begun]])
    search.allowed = replace(fence, hardest=hardest)
    keeper = _Keeper(order, state, progress)
    ended = search.run(order.calls, keeper, lambda _: stopped())
    keeper.save(search)
    if not len(search.ledger.ranked()):
        if ended == STOPPED:
            raise KeyboardInterrupt
        raise InputError(f"{order.objective!r} has no score for any molecule; the first reason: {_why(search.ledger)}")
    found = _result(order, search, known, ended, dropped, notes, time.monotonic() - began)
    warnings = (*_wrong(search.ledger), *_begun(found, search), *found.delivered.warnings())
    found = replace(found, notes=(*found.notes, *warnings))
    write_molecules(output, found.delivered.mols, found.delivered.columns, three_d=three_d, seed=order.seed)
    if report is not None:
        from genapps_molecule.optimizing.report import write_report

        write_report(report, found, search.ledger)
    return found


def strategy_of(order: Order, breeding: Breeding) -> Strategy:
    """How the next molecules are found. Raises UsageError for an unknown method."""
    if order.method == "genetic":
        return Genetic(breeding)
    if order.method == "guided":
        from genapps_molecule.generators.model import SmilesModel
        from genapps_molecule.optimizing.guided import Guided

        model = SmilesModel.shipped() if order.model is None else SmilesModel.load(order.model)
        return Guided(model, breeding)
    raise UsageError(f"{order.method!r} is no method; there are: {', '.join(METHODS)}")


def _first(
    order: Order, fence: Fence, rng: np.random.Generator, breeding: Breeding
) -> tuple[list[str], list[str], list[Dropped], str]:
    """The first population, a reserve for later ones, the rows of the start that hold no molecule, and a note."""
    dropped: list[Dropped] = []
    if order.start is None:
        source, wanted = drawn(order.seed, order.model), order.begin
    else:
        given, dropped = of_file(order.start, order.column)
        source, wanted = (given[k] for k in rng.permutation(len(given))), min(order.begin, len(given))
    found, note = population(source, wanted, fence, rng, breeding)
    later = islice(source, RESERVE) if order.calls >= 2 * Genetic.patience else ()
    return found, [one.smiles for one in later], dropped, note


class _Keeper:
    """After each lot: tells how far it is, and writes the state from time to time."""

    def __init__(
        self, order: Order, state: str | Path | None, progress: Callable[[int, int, str], None] | None
    ) -> None:
        self.order, self.state, self.progress = order, state, progress
        self.saved = time.monotonic()

    def __call__(self, search: Search) -> None:
        if self.progress is not None:
            self.progress(len(search.ledger), self.order.calls, f"best {search.ledger.best:.4f}")
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self.save(search)

    def save(self, search: Search) -> None:
        """Write the state, if one is wanted."""
        if self.state is not None:
            states.save(self.state, search, self.order.fixed())
        self.saved = time.monotonic()


def _why(ledger: Ledger) -> str:
    return next(iter(ledger.reasons.values()), "none was asked")


def _begun(found: Optimized, search: Search) -> Iterator[str]:
    """Where most of the rows are molecules that the search began from: that, and what helps."""
    calls, start = found.delivered.columns["call"], found.order.start
    old = sum(call <= search.begun for call in calls)
    if start is not None and found.order.novel_to is None and 2 * old > len(calls):
        yield f"{old:,} of {len(calls):,} rows are molecules of {start}; add --novel-to {start} to have others"


def _wrong(ledger: Ledger) -> Iterator[str]:
    """What is wrong with the function itself rather than with molecules, told once."""
    wrong = [reason for reason in ledger.reasons.values() if reason.startswith(WRONG_NUMBER)]
    if wrong:
        yield f"{wrong[0]}; {counted(len(wrong), 'molecule')} of such batches have no score"


def _result(
    order: Order,
    search: Search,
    known: frozenset[str],
    ended: str,
    dropped: list[Dropped],
    notes: list[str],
    seconds: float,
) -> Optimized:
    ledger = search.ledger
    values = ledger.values
    counts: dict[str, int] = {}
    for reason in ledger.reasons.values():
        counts[reason] = counts.get(reason, 0) + 1
    common = dict(sorted(counts.items(), key=lambda pair: -pair[1])[:20])
    top = top_means(values, 10, max(len(values), 1))
    return Optimized(
        order=order,
        calls=len(ledger),
        failed=len(ledger.reasons),
        reasons=common,
        delivered=deliver(ledger, search.objective, order.n, order.distinct, known),
        best=float(np.nanmax(values)),
        top10=float(top[-1]),
        area=area(values, max(order.calls, len(values))),
        ended=ended,
        dropped=tuple(dropped),
        notes=tuple(notes),
        seconds=seconds,
    )

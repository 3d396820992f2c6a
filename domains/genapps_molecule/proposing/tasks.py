"""`propose`: draw, drop what is not wanted, pick the ones to deliver, and say what is known of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from genapps.errors import InputError
from genapps_molecule.generators.sampling import ROUND, Yield
from genapps_molecule.growing.candidates import Made, Source
from genapps_molecule.growing.guided import LEAST_YIELD, Guided
from genapps_molecule.proposing.describing import LOT, described
from genapps_molecule.proposing.picking import Aim, aims_table, diverse, fronts, order_of
from genapps_molecule.proposing.sources import Shape, search, source_of
from genapps_molecule.records import Drawer
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.fingerprints import fingerprints
from genapps_molecule.traits.measures import figures
from genapps_molecule.traits.novelty import Members, Training
from genapps_molecule.traits.ranges import Wish

_LOOK = ROUND  # draws after which the yield is judged
_POOL = 3  # molecules to pick from, for each that is delivered
_IDLE = 40  # generations of a search without any result after which it ends
_PATIENCE = 8 * ROUND  # draws without any result after which there are no more
_DIVERSE = 30_000  # molecules at most among which a diverse set is picked


@dataclass(frozen=True)
class Order:
    """What is asked of `propose`. most: draws at most, seconds: of drawing at most."""

    n: int = 1000
    seed: int = 0
    wish: Wish | None = None
    filters: tuple[str, ...] = ()
    novel_to: frozenset[str] = frozenset()  # canonical SMILES that are not to be delivered
    shape: Shape = field(default_factory=Shape)
    aims: tuple[Aim, ...] = ()
    diverse: bool = False
    temperature: float = 1.0
    most: int = 1_000_000
    seconds: float | None = None


@dataclass(frozen=True)
class Proposed:
    """Canonical SMILES (N,), what is said of each as columns of a table, and what became of the others.

    judged: molecules that a guided search has looked at. notes: sentences for people.
    """

    smiles: list[str]
    columns: dict[str, Any]
    told: Yield
    seconds: float
    judged: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.smiles)

    def lots(self) -> Iterator[tuple[list[Chem.Mol], dict[str, Any]]]:
        """Molecules and columns, some rows at a time."""
        for start in range(0, max(len(self), 1), LOT):
            rows = slice(start, start + LOT)
            mols = [Chem.MolFromSmiles(text) for text in self.smiles[rows]]
            yield mols, {name: values[rows] for name, values in self.columns.items()}

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "molecules": len(self),
            "drawn": self.told.drawn,
            "yield": round(self.told.share, 6),
            "dropped": dict(sorted(self.told.reasons.items(), key=lambda pair: -pair[1])),
            "searched": self.judged,
            "seconds": round(self.seconds, 2),
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        yield f"{len(self):,} molecules"
        if self.told.drawn:
            yield f"of {self.told.drawn:,} draws {self.told.kept:,} were as wished, a yield of {self.told.share:.2%}"
        for reason, count in sorted(self.told.reasons.items(), key=lambda pair: -pair[1])[:8]:
            yield f"  {count:>9,}  {reason}"
        if self.judged:
            yield f"a guided search looked at {self.judged:,} molecules"


def propose(
    drawer: Drawer,
    order: Order,
    *,
    members: Members | None = None,
    training: Training | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    dropped: Callable[[str, str], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Proposed:
    """Molecules as the order wants them.

    members and training say of each molecule what the model learnt it from. dropped takes each molecule that is not
    delivered, and the reason. Where draws yield less than 1 %, and where likeness to a lead is asked for, a guided
    search takes their place. Fewer molecules than asked are delivered where draws or time ran out; a note says so.
    """
    run = _Run(drawer, order, dropped)
    run.fill(progress or (lambda done, total: None), stopped)
    picked = run.picked()
    columns = described(picked, run.source, order.aims, members=members, training=training)
    return Proposed(picked, columns, run.told, time.monotonic() - run.started, run.judged, tuple(run.notes))


class _Run:
    """One order at work: molecules are drawn, and pass or do not, until there are enough."""

    def __init__(self, drawer: Drawer, order: Order, dropped: Callable[[str, str], None] | None) -> None:
        self.drawer, self.order = drawer, order
        self.started = time.monotonic()
        self.told = Yield(dropped=dropped)
        self.rng = np.random.default_rng(order.seed)
        self.alerts = Alerts.named(order.filters) if order.filters else None
        self.source: Source = source_of(drawer, order.shape, order.temperature, dropped)
        self.guided: Guided | None = None
        self.judged = 0
        self.seen: set[str] = set()
        self.pool: list[str] = []
        self.notes: list[str] = []
        self.wanted = order.n * (_POOL if order.diverse or order.aims else 1)

    def fill(self, progress: Callable[[int, int | None], None], stopped: Callable[[], bool]) -> None:
        """Draw until the pool is as large as is wanted, or draws, time or patience are at an end."""
        order, idle, since = self.order, 0, 0
        if order.shape.likeness is not None:
            self._search("molecules like a lead are searched for, not drawn")
        while len(self.pool) < self.wanted and self.told.drawn + self.judged < order.most and not stopped():
            before = len(self.pool)
            self._round()
            idle, since = (0, self.told.drawn) if len(self.pool) > before else (idle + 1, since)
            progress(min(len(self.pool), self.wanted), self.wanted)
            late = order.seconds is not None and time.monotonic() - self.started > order.seconds
            tired = idle >= _IDLE if self.guided is not None else self.told.drawn - since >= _PATIENCE
            if late or tired:
                break
            if self.guided is None and self.told.drawn >= _LOOK and self.told.share < LEAST_YIELD:
                self._search(f"draws yield {self.told.share:.2%}, under {LEAST_YIELD:.0%}: a guided search goes on")
        self.notes += (self.guided or self.source).notes()
        if len(self.pool) < order.n:
            few = f"{len(self.pool):,} of {order.n:,} molecules were found"
            self.notes.append(f"{few}; widen the ranges, drop a filter, or give more time and draws")

    def _search(self, why: str) -> None:
        if self.order.wish is None and self.order.shape.likeness is None:
            return  # nothing that says which molecules are nearer
        order = self.order
        self.guided = search(self.drawer, order.shape, order.wish, self.source, order.temperature, self.alerts)
        self.notes.append(why)

    def _round(self) -> None:
        """Draw once, and take what passes into the pool."""
        missing = self.wanted - len(self.pool)
        if self.guided is not None:
            self._admit(self.guided.draw(missing, self.rng), None)
            self.judged = self.guided.judged
            return
        share = self.told.share if self.told.drawn >= 200 else 0.8
        asked = int(min(max(1.05 * missing / max(share, LEAST_YIELD), 16), 2 * ROUND))
        made = self.source.draw(asked, self.rng)
        self.told.drawn += asked
        self.told.count("no valid chemistry", asked - len(made))
        self._admit(made, self.told)

    def _admit(self, made: Sequence[Made], told: Yield | None) -> None:
        """Add what passes to the pool; cheap tests first. What a search finds is not told as drawn."""
        fresh = []
        for smiles, mol in made:
            if smiles in self.seen or smiles in self.order.novel_to:
                reason = "there before" if smiles in self.seen else "not novel: in --novel-to"
                if told is not None:
                    told.drop(smiles, reason)
            else:
                fresh.append((smiles, mol))
            self.seen.add(smiles)
        for (smiles, mol), reason in zip(fresh, self._reasons([mol for _, mol in fresh]), strict=True):
            kind = _kind(reason)
            if not reason and self.alerts is not None and (hits := self.alerts.hits(mol)):
                reason, kind = f"alert {hits[0]}", f"alert of {hits[0].partition(':')[0]}"
            if not reason:
                if len(self.pool) < self.wanted:
                    self.pool.append(smiles)
            elif told is not None:
                told.drop(smiles, reason, kind)

    def _reasons(self, mols: list[Chem.Mol]) -> list[str]:
        reasons = self.source.accepts(mols)
        if self.order.shape.likeness is not None:
            likely = self.order.shape.likeness.accepts(mols)
            reasons = [first or second for first, second in zip(reasons, likely, strict=True)]
        rows = [row for row, reason in enumerate(reasons) if not reason]
        if self.order.wish is None or not rows:
            return reasons
        table = figures([mols[row] for row in rows], self.order.wish.names)
        for row, missed in zip(rows, self.order.wish.missed(table), strict=True):
            reasons[row] = missed
        return reasons

    def picked(self) -> list[str]:
        """The molecules to deliver, in their order: the best, a diverse set of the better half, or as they came."""
        order, pool = self.order, self.pool
        rows = np.arange(len(pool))
        if order.aims:
            mols = [Chem.MolFromSmiles(text) for text in pool]
            values = aims_table(order.aims, figures(mols, [aim.name for aim in order.aims]))
            rows = order_of(fronts(values), values)[: max(order.n, len(rows) // 2) if order.diverse else order.n]
        if order.diverse:
            rows = rows[:_DIVERSE] if len(rows) > _DIVERSE >= order.n else rows
            chosen = diverse(fingerprints([Chem.MolFromSmiles(pool[i]) for i in rows]), order.n)
            rows = rows[np.sort(chosen) if order.aims else chosen]
        return [pool[i] for i in rows[: order.n]]


def _kind(reason: str) -> str:
    """A reason without the molecule's own figures, so that such can be counted: "not qed>=0.6"."""
    figure, told, wanted = reason.rpartition(", not ")
    what = figure.partition(" is ")[0]
    return f"not {wanted}" if told and what in wanted else f"{what} not {wanted}" if told else reason


def smiles_of(paths: Sequence[Path]) -> frozenset[str]:
    """The canonical SMILES of files. Raises InputError for one that holds none."""
    from genapps_molecule.reading.files import read_molecules
    from genapps_molecule.records import Molecule

    found: set[str] = set()
    for path in paths:
        here = {row.smiles for row in read_molecules(path) if isinstance(row, Molecule)}
        if not here:
            raise InputError(f"--novel-to {path}: no molecule in it")
        found |= here
    return frozenset(found)

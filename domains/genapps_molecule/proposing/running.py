"""One order at work: molecules are drawn, and pass or do not, until there are enough or it is of no use to go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.wording import duration
from genapps_molecule.chemistry import neutral
from genapps_molecule.generators.sampling import ROUND, Yield
from genapps_molecule.growing.candidates import Made, Source
from genapps_molecule.growing.guided import LEAST_YIELD, Guided
from genapps_molecule.proposing.orders import Order
from genapps_molecule.proposing.patience import Patience
from genapps_molecule.proposing.picking import aims_table, diverse, fronts, order_of
from genapps_molecule.proposing.sources import search, source_of
from genapps_molecule.records import Drawer
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.fingerprints import fingerprints
from genapps_molecule.traits.measures import figures

MOST_IDLE = 8 * ROUND  # draws after which there are no more, where they gave nothing new
_LOOK = ROUND  # draws after which the yield is judged
_POOL = 3  # molecules to pick from, for each that is delivered
_DIVERSE = 30_000  # molecules at most among which a diverse set is picked
_SPEED = 200  # draws a second, before it is known
_WORDS = 20.0  # seconds from one sentence about how it goes to the next
_SPARE = "as wished, but not needed"


class Run:
    """Draws what an order asks for; `told` says what became of the draws, `notes` what a person should know."""

    def __init__(
        self, drawer: Drawer, order: Order, dropped: Callable[[str, str], None] | None, say: Callable[[str], None]
    ) -> None:
        self.drawer, self.order, self.say = drawer, order, say
        self.started = self.spoken = time.monotonic()
        self.told = Yield(dropped=dropped)
        self.rng = np.random.default_rng(order.seed)
        self.alerts = Alerts.named(order.filters) if order.filters else None
        self.source: Source = source_of(drawer, order.shape, order.temperature, dropped)
        self.guided: Guided | None = None
        self.seen: set[str] = set()  # neutral, so that no ion of one is another
        self.pool: list[str] = []
        self.drawn = 0  # molecules of the pool that were drawn, before a search began
        self.idle = 0  # draws since one gave anything new
        self.patience = Patience()  # with a search
        self.notes: list[str] = []
        self.wanted = order.n * (_POOL if order.diverse or order.aims else 1)

    @property
    def judged(self) -> int:
        """Molecules that a search has looked at."""
        return self.guided.judged if self.guided is not None else 0

    def fill(self, progress: Callable[[int, int | None], None], stopped: Callable[[], bool]) -> None:
        """Draw until the pool is as large as is wanted, or it is of no use to go on."""
        why = ""
        if self.order.shape.likeness is not None:
            self._search("molecules like a lead are searched for, not drawn")
        while len(self.pool) < self.wanted and not why and not stopped():
            self._round()
            progress(min(len(self.pool), self.wanted), self.wanted)
            self._speak()
            why = self.ended()
            if self.guided is None and not why and self.told.drawn >= _LOOK and self.told.share < LEAST_YIELD:
                self._search(f"draws yield {self.told.share:.2%}, under {LEAST_YIELD:.0%}: a guided search goes on")
        if self.guided is not None:
            self._admit(self.guided.rest())
        self.notes += (self.guided or self.source).notes()
        if len(self.pool) < self.wanted:
            self.notes.append(self._few(why or "it was stopped"))

    def ended(self) -> str:
        """Why no more are drawn, "" where they are: --most, --budget, or nothing new for long."""
        order = self.order
        if self.told.drawn + self.judged >= order.most:
            return f"no more than {order.most:,} were to be drawn or looked at"
        if order.seconds is not None and time.monotonic() - self.started >= order.seconds:
            return f"the time of {duration(order.seconds)} is up"
        if self.guided is not None:
            return self.patience.spent(self.wanted - len(self.pool))
        return f"the last {self.idle:,} draws gave nothing new" if self.idle >= MOST_IDLE else ""

    def _few(self, why: str) -> str:
        """That there are fewer than wanted, why, and what to do about it."""
        order, found = self.order, len(self.pool)
        if found >= order.n:
            return f"the {order.n:,} were picked from {found:,}, not {self.wanted:,}: {why}"
        few = f"{found:,} of {order.n:,} molecules were found: {why}"
        reasons = {reason: count for reason, count in self.told.reasons.items() if reason != _SPARE}
        most = max(reasons, key=lambda reason: reasons[reason], default="")
        hardest = f"; most draws were dropped for {most}" if most else ""
        return f"{few}{hardest}; widen the ranges, drop a filter, or give more time and draws"

    def _speak(self) -> None:
        """Say how far it is, now and then."""
        now = time.monotonic()
        if now - self.spoken < _WORDS:
            return
        self.spoken = now
        looked = f", {self.judged:,} looked at" if self.judged else ""
        drawn = f"{self.told.drawn:,} drawn{looked}" if self.told.drawn else f"{self.judged:,} looked at"
        self.say(f"{len(self.pool):,} of {self.wanted:,} after {duration(round(now - self.started))}: {drawn}")

    def _search(self, why: str) -> None:
        order = self.order
        if order.wish is None and order.shape.likeness is None:
            return  # nothing that says which molecules are nearer
        # A source of its own: what a search draws on its way is not listed.
        source = source_of(self.drawer, order.shape, order.temperature)
        self.guided = search(self.drawer, order.shape, order.wish, source, order.temperature, self.alerts)
        self.drawn = len(self.pool)
        self.notes.append(why)
        self.say(why)

    def _round(self) -> None:
        """Draw once, and take what passes into the pool."""
        before, missing = len(self.pool), self.wanted - len(self.pool)
        left = self.order.most - self.told.drawn - self.judged
        if self.guided is not None:
            self._admit(self.guided.draw(missing, self.rng, left))
            self.patience.add(len(self.pool) - before, self.guided.nearest)
            return
        share = self.told.share if self.told.drawn >= 200 else 0.8
        asked = min(max(1.05 * missing / max(share, LEAST_YIELD), 16), 2 * ROUND)
        drawn = int(min(asked, left, max(self._affordable(), 16)))
        made = self.source.draw(drawn, self.rng)
        self.told.drawn += drawn
        self.told.count("no valid chemistry", drawn - len(made))
        self._admit(made)
        self.idle = 0 if len(self.pool) > before else self.idle + drawn

    def _affordable(self) -> float:
        """Draws that the time left is enough for, at the speed so far."""
        if self.order.seconds is None:
            return np.inf
        spent = time.monotonic() - self.started
        return (self.order.seconds - spent) * (self.told.drawn / spent if self.told.drawn and spent else _SPEED)

    def _admit(self, made: Sequence[Made]) -> None:
        """Add what passes to the pool; cheap tests first."""
        fresh = []
        for smiles, mol in made:
            key = neutral(mol)
            if key in self.seen:
                self._drop(smiles, "there before")
            elif key in self.order.novel_to or smiles in self.order.novel_to:
                self._drop(smiles, "not novel: in --novel-to")
            else:
                fresh.append((smiles, mol))
            self.seen.add(key)
        for (smiles, mol), reason in zip(fresh, self._reasons([mol for _, mol in fresh]), strict=True):
            kind = _kind(reason)
            if not reason and self.alerts is not None and (hits := self.alerts.hits(mol)):
                reason, kind = f"alert {hits[0]}", f"alert of {hits[0].partition(':')[0]}"
            if reason:
                self._drop(smiles, reason, kind)
            elif len(self.pool) < self.wanted:
                self.pool.append(smiles)
            else:
                self._leave(smiles, _SPARE, self.guided is None)

    def _drop(self, smiles: str, reason: str, kind: str = "") -> None:
        """Tell of one that is not taken; what a search finds is listed, and not told as drawn."""
        if self.guided is None:
            self.told.drop(smiles, reason, kind)
        elif self.told.dropped is not None:
            self.told.dropped(smiles, reason)

    def _leave(self, smiles: str, reason: str, drawn: bool) -> None:
        """Tell of one that would do, and is not delivered."""
        if drawn:
            self.told.leave(smiles, reason)
        elif self.told.dropped is not None:
            self.told.dropped(smiles, reason)

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
        """The molecules to deliver: the best, a diverse set of the better half, or as they came; others are told."""
        rows = self._chosen()[: self.order.n]
        chosen, reason = set(rows.tolist()), f"as wished, but not among the {len(rows):,} that were picked"
        for row in range(len(self.pool)):
            if row not in chosen:
                self._leave(self.pool[row], reason, self.guided is None or row < self.drawn)
        return [self.pool[row] for row in rows]

    def _chosen(self) -> NDArray[np.int64]:
        """Rows of the pool, those to deliver first."""
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
        return rows


def _kind(reason: str) -> str:
    """A reason without the molecule's own figures, so that such can be counted: "not qed>=0.6"."""
    figure, told, wanted = reason.rpartition(", not ")
    what = figure.partition(" is ")[0]
    return f"not {wanted}" if told and what in wanted else f"{what} not {wanted}" if told else reason

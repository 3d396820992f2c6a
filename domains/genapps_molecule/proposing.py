"""`propose`: draw, drop what is not wanted, pick the ones to deliver, and say what is known of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps.errors import UsageError
from genapps_molecule.alerts import Alerts
from genapps_molecule.candidates import Made, Source, torch_generator
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.fingerprints import fingerprints
from genapps_molecule.novelty import Members, Training, known_drugs
from genapps_molecule.picking import Aim, aims_table, diverse, fronts, order_of
from genapps_molecule.properties import USUAL, table
from genapps_molecule.ranges import Wish
from genapps_molecule.records import Drawer
from genapps_molecule.sampling import ROUND, Yield

LOOKED_FOR = ("pains", "brenk", "mcf")  # the alerts that every delivered molecule is told of
_LEAST_YIELD = 0.01  # below this share of draws rejection gives way to a guided search
_LOOK = 4 * ROUND  # draws after which the yield is judged
_POOL = 3  # molecules to pick from, for each that is delivered


@dataclass(frozen=True)
class Order:
    """What is asked of `propose`."""

    n: int = 1000
    seed: int = 0
    wish: Wish | None = None
    filters: tuple[str, ...] = ()
    novel_to: frozenset[str] = frozenset()  # canonical SMILES that are not to be delivered
    aims: tuple[Aim, ...] = ()
    diverse: bool = False
    temperature: float = 1.0
    most: int = 1_000_000  # draws
    seconds: float | None = None


@dataclass
class Candidates:
    """Molecules that were accepted, in the order they came."""

    smiles: list[str] = field(default_factory=list)
    mols: list[Chem.Mol] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.smiles)


@dataclass(frozen=True)
class Proposed:
    """Molecules with what is known of each, the columns of a table, and what became of the others.

    columns: by name, (N,) each, in the order they are written. notes: sentences for people.
    """

    smiles: list[str]
    mols: list[Chem.Mol]
    columns: dict[str, Any]
    told: Yield
    seconds: float
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.smiles)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "molecules": len(self),
            "drawn": self.told.drawn,
            "yield": round(self.told.share, 6),
            "dropped": dict(sorted(self.told.reasons.items(), key=lambda pair: -pair[1])),
            "seconds": round(self.seconds, 2),
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        yield f"{len(self):,} molecules of {self.told.drawn:,} draws, a yield of {self.told.share:.1%}"
        for reason, count in sorted(self.told.reasons.items(), key=lambda pair: -pair[1])[:8]:
            yield f"  {count:>9,}  {reason}"


def propose(
    drawer: Drawer,
    order: Order,
    source: Source | None = None,
    *,
    members: Members | None = None,
    training: Training | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    dropped: Callable[[str, str], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Proposed:
    """Molecules as the order wants them, from free draws, or from a source where there is one.

    members and training say of each molecule what the model learnt it from. dropped takes each molecule that is not
    delivered and the reason. Fewer than asked are delivered where the draws or the time ran out, and a note says so.
    """
    started = time.monotonic()
    told = Yield(dropped=dropped)
    rng = np.random.default_rng(order.seed)
    source = source or Free(drawer, order.temperature, told)
    gate = Gate(order, source, told)
    wanted = order.n * (_POOL if order.diverse or order.aims else 1)
    pool, notes = Candidates(), []
    while len(pool) < wanted and told.drawn < order.most and not stopped():
        gate.admit(source.draw(_round(wanted - len(pool), told), rng), pool, wanted)
        if progress is not None:
            progress(min(len(pool), wanted), wanted)
        if order.seconds is not None and time.monotonic() - started > order.seconds:
            break
    if len(pool) < order.n:
        notes.append(f"{len(pool):,} of {order.n:,} molecules were found; allow more draws, or ask for less")
    rows = _picked(pool, order)
    smiles, mols = [pool.smiles[i] for i in rows], [pool.mols[i] for i in rows]
    columns = described(smiles, mols, source, order.aims, members=members, training=training)
    return Proposed(smiles, mols, columns, told, time.monotonic() - started, tuple(notes))


class Free:
    """Draws that nothing but the grammar binds, as a source."""

    columns: tuple[str, ...] = ()

    def __init__(self, drawer: Drawer, temperature: float, told: Yield) -> None:
        self.drawer, self.temperature, self.told = drawer, temperature, told

    def draw(self, n: int, rng: np.random.Generator) -> list[Made]:
        """At most n molecules: those of n texts whose chemistry holds."""
        made = []
        for text in self.drawer.draw(n, torch_generator(rng), temperature=self.temperature):
            try:
                mol = read_smiles(text)
            except Unreadable:
                self.told.drawn += 1
                self.told.drop(text, "no valid chemistry")
                continue
            made.append((canonical(mol), mol))
        return made

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """Whatever there is."""
        return [""] * len(mols)

    def describe(self, mol: Chem.Mol) -> dict[str, str]:
        """Nothing more."""
        return {}


class Gate:
    """What a molecule must pass, cheap tests first."""

    def __init__(self, order: Order, source: Source, told: Yield) -> None:
        self.order, self.source, self.told = order, source, told
        self.alerts = Alerts.named(order.filters) if order.filters else None
        self.seen: set[str] = set()

    def admit(self, made: Sequence[Made], pool: Candidates, wanted: int) -> None:
        """Add what passes to the pool, until it holds as many as are wanted."""
        self.told.drawn += len(made)
        fresh = []
        for smiles, mol in made:
            if smiles in self.seen:
                self.told.drop(smiles, "drawn before")
            elif smiles in self.order.novel_to:
                self.told.drop(smiles, "not novel: in --novel-to")
            else:
                fresh.append((smiles, mol))
            self.seen.add(smiles)
        for (smiles, mol), reason in zip(fresh, self._reasons([mol for _, mol in fresh]), strict=True):
            kind = _kind(reason)
            if not reason and self.alerts is not None and (hits := self.alerts.hits(mol)):
                reason, kind = f"alert {hits[0]}", f"alert of {hits[0].partition(':')[0]}"
            if reason:
                self.told.drop(smiles, reason, kind)
            elif len(pool) < wanted:
                pool.smiles.append(smiles)
                pool.mols.append(mol)

    def _reasons(self, mols: list[Chem.Mol]) -> list[str]:
        reasons = self.source.accepts(mols)
        if self.order.wish is None:
            return reasons
        rows = [row for row, reason in enumerate(reasons) if not reason]
        figures = table([mols[row] for row in rows], self.order.wish.names)
        for row, missed in zip(rows, self.order.wish.missed(figures), strict=True):
            reasons[row] = missed
        return reasons


def _kind(reason: str) -> str:
    """A reason without the molecule's own figures, so that they can be counted: "not qed>=0.6"."""
    _, told, wanted = reason.rpartition(", not ")
    return f"not {wanted}" if told else reason


def _round(missing: int, told: Yield) -> int:
    """How many to draw next: what is missing over the yield so far, within bounds."""
    share = told.share if told.drawn >= 200 else 0.8
    return int(min(max(missing / max(share, 0.01) * 1.05, 64), 2 * ROUND))


def _picked(pool: Candidates, order: Order) -> NDArray[np.int64]:
    """The rows to deliver, in their order."""
    rows = np.arange(len(pool))
    if order.aims:
        values = aims_table(order.aims, table(pool.mols, [aim.name for aim in order.aims]))
        rows = order_of(fronts(values), values)
    if order.diverse:
        # Of ranked ones the better half is picked from.
        kept = rows[: max(order.n, len(rows) // 2)] if order.aims else rows
        picked = diverse(fingerprints([pool.mols[i] for i in kept]), order.n)
        rows = kept[np.sort(picked)] if order.aims else kept[picked]
    return rows[: order.n]


def described(
    smiles: Sequence[str],
    mols: Sequence[Chem.Mol],
    source: Source | None = None,
    aims: Sequence[Aim] = (),
    *,
    members: Members | None = None,
    training: Training | None = None,
) -> dict[str, Any]:
    """The columns of delivered molecules."""
    figures = table(mols, USUAL)
    prints = fingerprints(mols)
    alerts = Alerts.named(LOOKED_FOR)
    columns: dict[str, Any] = {"smiles": list(smiles)}
    if aims:
        columns["front"] = fronts(aims_table(aims, table(mols, [aim.name for aim in aims])))
    columns |= figures
    columns["alerts"] = ["; ".join(alerts.hits(mol)) for mol in mols]
    columns["scaffold"] = [scaffold(mol) for mol in mols]
    columns["nearest_drug"], columns["drug_similarity"] = known_drugs().nearest(prints)
    if training is not None:
        columns["nearest_training"], columns["training_similarity"] = training.nearest(prints)
    if members is not None:
        columns["in_training"] = members.hold(list(smiles))
    if source is not None and source.columns:
        found = [source.describe(mol) for mol in mols]
        columns |= {name: [one.get(name, "") for one in found] for name in source.columns}
    return columns


def scaffold(mol: Chem.Mol) -> str:
    """The rings and what joins them (Bemis and Murcko 1996); empty where there is no ring."""
    try:
        return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol))
    except (ValueError, RuntimeError):
        return ""


def smiles_of(path: str | Path) -> frozenset[str]:
    """The canonical SMILES of a file. Raises UsageError where it holds none."""
    from genapps_molecule.reading import read_molecules
    from genapps_molecule.records import Molecule

    found = frozenset(row.smiles for row in read_molecules(path) if isinstance(row, Molecule))
    if not found:
        raise UsageError(f"{path}: no molecule in it")
    return found

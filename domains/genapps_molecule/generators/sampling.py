"""Texts from a network in the grammar of SMILES, many at once; what does not parse is dropped and drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from rdkit import Chem
from torch import Tensor

from genapps.errors import UsageError
from genapps.threads import threads
from genapps.training.device import products
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.records import Drawer

if TYPE_CHECKING:
    from genapps_molecule.generators.model import SmilesModel

MORE = 40  # codes that may follow a prompt, at least
ROUND = 2048  # texts that are drawn at once
_BLOCK = 1024  # texts of a thread at once: larger blocks are no faster
_FEW = 256  # texts that one thread draws sooner than two


def draw_texts(
    model: SmilesModel,
    n: int,
    generator: torch.Generator,
    *,
    prompts: Sequence[str] | None = None,
    temperature: float = 1.0,
) -> list[str]:
    """`SmilesModel.draw`, by as many threads as torch may have; what is drawn does not depend on how many.

    Each thread draws whole blocks of its own: threads that share each product wait for one another at every step, for
    very long where other processes want the cores. Products are in bfloat16 where the processor has them.
    """
    if prompts is not None and len(prompts) != n:
        raise UsageError(f"{len(prompts)} prompts for {n} texts: give one for each")
    given = model.vocabulary.encode(prompts) if prompts is not None else None
    if given is not None and n:
        model = model.lengthened(int(given.lengths.max()) + MORE)
    label = model.class_of(prompts is not None)

    def block(rows: Tensor, seed: int) -> list[str]:
        with products("auto", torch.device("cpu")):
            codes = model.model.sample(
                len(rows),
                grammar=model.syntax,
                prompt=given.take(rows) if given is not None else None,
                labels=label,
                temperature=temperature,
                generator=torch.Generator().manual_seed(seed),
            )
        return model.vocabulary.decode(codes)

    parts = torch.arange(n).chunk(max(-(-n // _BLOCK), 2 if n >= _FEW else 1)) if n else ()
    seeds = torch.randint(2**62, (len(parts),), generator=generator).tolist()
    drawn = together(block, list(zip(parts, seeds, strict=True)))
    return [text for texts in drawn for text in texts]


def together(work: Callable[..., list[str]], items: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """What `work` makes of each item, in order, by several threads with one core each.

    Nothing is waited for once one of them raises, or Ctrl-C is met: the process is to end at once.
    """
    count = min(torch.get_num_threads(), len(items))
    with threads(1):
        if count <= 1:
            return [work(*item) for item in items]
        pool = ThreadPoolExecutor(count)
        try:
            return list(pool.map(lambda item: work(*item), items))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class Yield:
    """What became of the texts that were drawn; `dropped` takes each one that was not kept, and why.

    spare: those dropped that were as wished, only more than are needed.
    """

    drawn: int = 0
    spare: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # in general words, and how often
    dropped: Callable[[str, str], None] | None = None

    def drop(self, text: str, reason: str, kind: str = "") -> None:
        """Tell of one that was dropped, counted under its kind of reason where the reason is of its own."""
        self.count(kind or reason)
        if self.dropped is not None:
            self.dropped(text, reason)

    def leave(self, text: str, reason: str) -> None:
        """Tell of one that was as wished, and is not needed."""
        self.spare += 1
        self.drop(text, reason)

    def count(self, reason: str, times: int = 1) -> None:
        """Count some that were dropped."""
        if times:
            self.reasons[reason] = self.reasons.get(reason, 0) + times

    @property
    def kept(self) -> int:
        """How many were not dropped."""
        return self.drawn - sum(self.reasons.values())

    @property
    def wished(self) -> int:
        """How many were as wished, needed or not."""
        return self.kept + self.spare

    @property
    def share(self) -> float:
        """The share of draws that were as wished."""
        return self.wished / self.drawn if self.drawn else 1.0


def molecules(
    drawer: Drawer, generator: torch.Generator, told: Yield, *, temperature: float = 1.0, rows: int = ROUND
) -> Iterator[tuple[str, Chem.Mol]]:
    """Molecules as they are drawn, each once, with their canonical SMILES, without end; `told` counts what was not."""
    seen: set[str] = set()
    while True:
        for text in drawer.draw(rows, generator, temperature=temperature):
            told.drawn += 1
            try:
                mol = read_smiles(text)
            except Unreadable:
                told.drop(text, "no valid chemistry")
                continue
            whole = canonical(mol)
            if whole in seen:
                told.drop(whole, "drawn before")
                continue
            seen.add(whole)
            yield whole, mol


def valid(texts: Iterable[str]) -> list[str]:
    """The canonical SMILES of those texts whose chemistry holds, in their order."""
    found: list[str] = []
    for text in texts:
        try:
            found.append(canonical(read_smiles(text)))
        except Unreadable:
            continue
    return found


def judged(model: SmilesModel, n: int, seed: int = 0) -> dict[str, float]:
    """Of n draws the share that is valid, of these the share that is there once, and that the model did not learn."""
    found = valid(draw_texts(model, n, torch.Generator().manual_seed(seed)))
    shares = {"n": n, "valid": len(found) / n, "unique": len(set(found)) / max(len(found), 1)}
    if model.members is not None:
        shares["new"] = 1 - float(model.members.hold(found).mean()) if found else 0.0
    return {name: round(value, 4) for name, value in shares.items()}

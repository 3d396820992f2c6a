"""From an Arrow table to a learnt one: schema, codec, model, and a record of what it took."""

from __future__ import annotations

import hashlib
import platform
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

import genapps
from genapps.errors import InputError, UsageError
from genapps.models import build, family_class
from genapps.threads import threads
from genapps_tabular.checks import check_rows, family_of
from genapps_tabular.codec import TableCodec
from genapps_tabular.config import TabularConfig
from genapps_tabular.model import TableModel, generators
from genapps_tabular.progress import Progress
from genapps_tabular.schema import Schema

FITTING = (0, 1)  # the place of fitting in a run's randomness (genapps_tabular.model.generators)
UNLEARNT = ("identifier", "text", "constant")  # kinds that no model sees
HASHED_ROWS = 65_536  # rows at a time, so that the fingerprint does not depend on how a reader cut the table


@dataclass(frozen=True)
class Effort:
    """What something took: wall and CPU seconds, and the process's peak memory in bytes."""

    seconds: float
    cpu_seconds: float
    peak_memory: int


class Watch:
    """Measures the effort since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Effort:
        """The effort so far."""
        return Effort(time.perf_counter() - self._wall, time.process_time() - self._cpu, peak_memory())


def peak_memory() -> int:
    """The most memory this process has held, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def fingerprint(table: pa.Table) -> str:
    """SHA-256 of names, types and values, however the table is cut into chunks."""
    digest = hashlib.sha256()
    digest.update(str(table.schema.remove_metadata()).encode())
    for column in table.columns:
        for first in range(0, len(table), HASHED_ROWS):
            part = column.slice(first, HASHED_ROWS).combine_chunks()
            batch = pa.record_batch([part], names=["values"])
            digest.update(batch.serialize())
    return digest.hexdigest()


@dataclass(frozen=True)
class Run:
    """How one fit goes: what to call its table, whom to tell how far it is, where to keep a checkpoint.

    reserved: rows that are not learnt but whose identifiers must not come back either.
    """

    name: str = "the table"
    progress: Progress | None = None
    checkpoint: Path | None = None
    resume: bool = False
    reserved: pa.Table | None = None


def fit_table(table: pa.Table, schema: Schema, config: TabularConfig, run: Run | None = None) -> TableModel:
    """Learn all rows of an Arrow table with one family.

    Raises InputError where the table has too few rows or no column to learn from, UsageError for an unknown family.
    """
    run = run or Run()
    family = family_of(config.family)
    check_rows(table, run.name)
    watch = Watch()
    for_codec, for_model = generators(config.seed, *FITTING)
    codec, codes = _encode(table, schema, config, family, for_codec, run.name)
    if run.reserved is not None:
        codec.reserve(run.reserved)
    model = build(family, codec.space, **asdict(getattr(config, family)))
    with threads(config.threads):
        model.fit(
            torch.from_numpy(codes),
            generator=for_model,
            training=config.training,
            progress=run.progress,
            checkpoint=run.checkpoint,
            resume=run.resume,
        )
    return TableModel(codec, model, family, provenance_of(table, config.seed, watch.read()))


def _encode(
    table: pa.Table, schema: Schema, config: TabularConfig, family: str, rng: np.random.Generator, name: str
) -> tuple[TableCodec, np.ndarray]:
    numbers = _coding_of_numbers(table, schema, config, family)
    codec = TableCodec.fit(table, schema, replace(config.codec, numbers=numbers), rng)
    if not codec.space.variables:
        raise InputError(
            f"{name}: no column to learn from: each is constant, empty, an identifier or free text; "
            "give --schema where a column was taken for what it is not"
        )
    return codec, codec.encode(table)


def _coding_of_numbers(
    table: pa.Table, schema: Schema, config: TabularConfig, family: str
) -> Literal["tokens", "mixed"]:
    """How numbers are coded: as the settings say, or as suits the family and the table.

    A mixture takes both codings. Gaussian parts serve tables that are mostly continuous, codes serve the others.
    """
    chosen = config.codec.numbers
    if family_class(family).codec_numbers == "tokens":
        if chosen == "mixed":
            raise UsageError(f"the {family} family needs numbers as codes: set codec.numbers to auto or tokens")
        return "tokens"
    if chosen != "auto":
        return chosen
    sample = table.slice(0, HASHED_ROWS)
    kinds = {column.name: column.kind for column in schema.columns if column.kind not in UNLEARNT}
    continuous = [
        name
        for name, kind in kinds.items()
        if kind == "number" and pc.count_distinct(sample.column(name)).as_py() > config.codec.max_atoms
    ]
    return "mixed" if 2 * len(continuous) >= len(kinds) else "tokens"


def provenance_of(table: pa.Table, seed: int, effort: Effort) -> dict[str, Any]:
    """What was learnt from, by which versions, and what it took."""
    return {
        "rows": len(table),
        "columns": table.num_columns,
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "genapps": genapps.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
        },
        "machine": f"{platform.system()} {platform.machine()}",
        "data_fingerprint": fingerprint(table),
        "seconds": round(effort.seconds, 3),
        "cpu_seconds": round(effort.cpu_seconds, 3),
        "peak_memory_bytes": effort.peak_memory,
    }

"""SDV's own synthesizers behind one function, so that a user can compare: asked for by name, imported only then."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.errors import GenappsError, MissingExtra, UsageError
from genapps_tabular.columns import fit_column, numerals, stamps
from genapps_tabular.columns.base import CodecConfig, Draw, as_text, flat, from_text
from genapps_tabular.columns.calendars import DAY

if TYPE_CHECKING:
    import pandas as pd

    from genapps_tabular.schema import ColumnSchema, Schema

SYNTHESIZERS = {
    "gaussian_copula": "GaussianCopulaSynthesizer",
    "ctgan": "CTGANSynthesizer",
    "tvae": "TVAESynthesizer",
    "copulagan": "CopulaGANSynthesizer",
}
OURS = ("identifier", "text", "constant")  # kinds that hold nothing to learn: our codec's fresh values
MOMENTS = ("datetime", "date", "time")
NANOSECOND_DAYS = 106_000  # the days around 1970 that nanoseconds in 64 bits reach
TABLE = "table"


def fit_sample(
    name: str, table: pa.Table, schema: Schema, n: int, seed: int, **options: Any
) -> tuple[pa.Table, dict[str, Any]]:
    """Fit SDV's synthesizer `name` to a table and draw n rows with the table's own columns and types.

    `options` go to the synthesizer as they are (epochs=100, default_distribution="norm", ...). Identifiers, free text
    and constants are not shown to SDV: their values are our codec's. Words beside numbers or dates come back as
    missing. The second result says what ran, with which settings, and the seconds it took.

    Raises MissingExtra where SDV is not installed, UsageError for an unknown name or option, GenappsError where SDV
    itself fails.
    """
    if name not in SYNTHESIZERS:
        near = get_close_matches(name, SYNTHESIZERS, n=1)
        hint = f"did you mean sdv:{near[0]}?" if near else f"choose from sdv:{', sdv:'.join(SYNTHESIZERS)}"
        raise UsageError(f"unknown family 'sdv:{name}': {hint}")
    load_sdv()
    with _seeded(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began, used = time.perf_counter(), time.process_time()
        peers = [_Column(c, flat(table.column(c.name))) for c in schema.columns if c.kind not in OURS]
        made = {c.name: _fresh(c, table, n, seed) for c in schema.columns if c.kind in OURS}
        if peers:
            frame = _draw(name, peers, n, seed, options)
            made |= {c.schema.name: c.write(frame[c.schema.name]) for c in peers}
    fields = table.schema.remove_metadata()
    return pa.Table.from_arrays([made[c] for c in table.column_names], schema=fields), {
        "family": f"sdv:{name}",
        "settings": options,
        "versions": {"sdv": version("sdv")},
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(time.process_time() - used, 3),
    }


def load_sdv() -> Any:
    """SDV's module of single-table synthesizers. Raises MissingExtra where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import sdv.single_table
    except ImportError as error:
        raise MissingExtra("SDV (source-available licence BUSL-1.1)", "sdv") from error
    return sdv.single_table


@dataclass(frozen=True)
class _Column:
    """A column on its way to pandas and back."""

    schema: ColumnSchema
    array: pa.Array

    @property
    def sdtype(self) -> str:
        """What SDV calls this kind of column."""
        if self.schema.kind == "number":
            return "numerical"
        return "datetime" if self.schema.kind in MOMENTS else "categorical"

    def read(self) -> pd.Series:
        """Float64 for numbers, datetime64 for dates and times, text for the rest."""
        import pandas as pd

        array, schema = self.array, self.schema
        if self.sdtype == "categorical":
            return pd.Series(as_text(array).to_pylist(), dtype=object)
        words = numerals.read_words(array, schema.words + schema.missing) >= 0
        if self.sdtype == "numerical":
            return pd.Series(np.where(words, np.nan, numerals.read(array, schema)))
        return pd.Series(np.where(words, np.datetime64("NaT", "ns"), _moments(array, schema)))

    def write(self, values: pd.Series) -> pa.Array:
        """The inverse of `read`, in the column's own Arrow type."""
        if self.sdtype == "categorical":
            distinct = pa.array([None if v is None or v != v else str(v) for v in values]).dictionary_encode()
            return from_text(distinct.dictionary, self.schema.dtype).take(distinct.indices)
        known = values.notna().to_numpy()
        if self.sdtype == "numerical":
            numbers = values.to_numpy(np.float64)[known]
            whole = bool((numbers == np.round(numbers)).all())
            found = numerals.write(numbers, self.schema, whole)
        else:
            found = _from_moments(values.to_numpy("datetime64[ns]")[known], self.array, self.schema)
        return found.take(pa.array(np.cumsum(known) - 1, mask=~known))


def _unit(schema: ColumnSchema) -> int:
    """Nanoseconds of one unit of a column's sub-second digits."""
    return int(10 ** (9 - (schema.decimals or (6 if "%f" in (schema.format or "") else 0))))


def _moments(array: pa.Array, schema: ColumnSchema) -> NDArray[np.datetime64]:
    """Dates and times (N,) as nanoseconds of local time; NaT where there is none."""
    found = stamps.read(array, schema)
    # SDV counts nanoseconds, which reach from 1677 to 2262: a moment beyond them is as good as missing
    valid = found.valid & (np.abs(found.days) < NANOSECOND_DAYS)
    ticks = (np.where(valid, found.days, 0) * DAY + found.seconds) * 10**9 + found.fraction * _unit(schema)
    return np.where(valid, ticks.astype("datetime64[ns]"), np.datetime64("NaT", "ns"))


def _from_moments(moments: NDArray[np.datetime64], array: pa.Array, schema: ColumnSchema) -> pa.Array:
    """The inverse of `_moments`; offsets that stand in the text are those of the training rows `array`, in order."""
    seconds, rest = np.divmod(moments.astype("datetime64[ns]").astype(np.int64), 10**9)
    days, seconds = np.divmod(seconds, DAY)
    zones = stamps.read(array, schema)
    zone = None
    if zones.zone is not None:
        known = np.flatnonzero(zones.valid)
        zone = zones.zone.take(pa.array(known[np.arange(len(days)) % len(known)]))
    valid = np.ones(len(days), bool)
    return stamps.write(stamps.Moments(days, seconds, rest // _unit(schema), zone, valid), schema)


def _draw(name: str, columns: list[_Column], n: int, seed: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Fit and sample with SDV itself."""
    import pandas as pd
    from sdv.metadata import Metadata

    fields = {c.schema.name: {"sdtype": c.sdtype} for c in columns}
    metadata = Metadata.load_from_dict({"tables": {TABLE: {"columns": fields}}, "relationships": []})
    frame = pd.DataFrame({c.schema.name: c.read() for c in columns})
    try:
        synthesizer = getattr(load_sdv(), SYNTHESIZERS[name])(metadata, **options)
    except TypeError as error:
        raise UsageError(f"sdv:{name}: {error}; see SDV's documentation for its settings") from error
    try:
        synthesizer.fit({TABLE: frame})
        if hasattr(synthesizer, "_set_random_state"):  # without it every first sample has the same seed, SDV's own
            synthesizer._set_random_state(seed)
        return synthesizer.sample(n)[TABLE]
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise GenappsError(f"sdv:{name} failed: {said or type(error).__name__}; try another family") from error


def _fresh(column: ColumnSchema, table: pa.Table, n: int, seed: int) -> pa.Array:
    """Values of a column that holds nothing to learn."""
    generator = np.random.default_rng(seed)
    codec = fit_column(flat(table.column(column.name)), column, CodecConfig(), generator)
    return codec.decode((), n, Draw(generator, seed=seed))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """SDV trains on the global random states of numpy and torch: seeded for a while, then as they were."""
    import torch

    before = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002

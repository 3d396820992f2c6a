"""What `synthesize` learns: the shape of the series and a maker of what is left, whose margins are set right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps.report.measured import Control, Measured
from genapps_timeseries.series import Codes, Floats, Series
from genapps_timeseries.synthesis.counters import Counters
from genapps_timeseries.synthesis.families import Maker, learn_maker, restore_maker
from genapps_timeseries.synthesis.shape import Quantiles, Shape, filled, learn_shape, positions
from genapps_timeseries.synthesis.writing import Layout

FEWEST = 40  # rows of all series together
PROBE = 2_000  # rows drawn to learn a maker's own margins
SERIES = 4  # in so many series
MOST_GAPS = 100  # series whose missing values are remembered
DOMAIN, TASK = "timeseries", "synthesize"


@dataclass(frozen=True)
class SeriesModel:
    """A shape, which channels vary at all, and a maker of these; margins: how the maker's draws are distributed."""

    channels: tuple[str, ...]
    shape: Shape
    live: Codes
    maker: Maker | None
    margins: tuple[Quantiles, ...]

    @property
    def maker_name(self) -> str:
        """The family."""
        return "constant" if self.maker is None else self.maker.family

    def rhythm_names(self) -> tuple[str, ...]:
        """The periods of its rhythms in rows."""
        return tuple(f"{rhythm.period:.4g} rows" for rhythm in self.shape.rhythms)

    def draw(self, position: Floats, count: int, generator: np.random.Generator) -> Floats:
        """New series (count, N, C) at positions (N,) in rows of the clock."""
        rows = len(position)
        drawn = np.zeros((count, rows, len(self.channels)))
        if self.maker is not None:
            made = self.maker.draw(rows, count, generator)
            for k, c in enumerate(self.live):
                drawn[:, :, c] = self.margins[k].normal(made[:, :, k].ravel()).reshape(count, rows)
        return np.stack([self.shape.outside(one, position) for one in drawn])


def learn_series(
    series: Sequence[Series],
    family: str,
    *,
    seed: int = 0,
    budget: float | None = None,
    progress: Callable[[Any], None] | None = None,
) -> SeriesModel:
    """Learn from one series or several of the same channels.

    What a family draws is often too calm; its margins are learnt from a long draw of its own and mapped to the normal
    ones that the shape expects. Raises InputError for fewer than 40 rows or where no channel varies.
    """
    rows = sum(map(len, series))
    if rows < FEWEST:
        raise InputError(f"{rows:,} rows are too few to learn a series from; give at least {FEWEST}")
    shape = learn_shape(series)
    live = np.array([k for k, c in enumerate(shape.channels) if not c.constant], np.int64)
    if not len(live):
        raise InputError("no channel varies, so there is nothing to learn; a constant needs no model")
    inside = [shape.inside(filled(one.values), positions(one))[:, live] for one in series]
    maker = learn_maker(family, inside, seed=seed, budget=budget, progress=progress)
    probe = maker.draw(PROBE, SERIES, np.random.default_rng(seed + 1)).reshape(-1, len(live))
    if not np.isfinite(probe).all():
        raise InputError(f"the family {family} did not learn these series: what it draws is not finite")
    margins = tuple(Quantiles.of(probe[:, k]) for k in range(len(live)))
    return SeriesModel(series[0].channels, shape, live, maker, margins)


@dataclass(frozen=True)
class SavedSeries:
    """A model and what writing new rows takes: layout, clock's ends, usual number of rows, where values were missing.

    Of the series themselves it keeps quantiles, profiles and what the family keeps; `bootstrap` keeps windows.
    """

    model: SeriesModel
    layout: Layout
    rows: int
    first: float
    last: float
    gaps: tuple[NDArray[np.bool_], ...]
    measures: tuple[Measured, ...]
    counters: Counters

    @classmethod
    def of(
        cls,
        model: SeriesModel,
        layout: Layout,
        series: Sequence[Series],
        measures: tuple[Measured, ...],
        counters: Counters,
    ) -> SavedSeries:
        """What was learnt from these series, of whose counters the model knows the steps."""
        gaps = tuple(np.isnan(one.values) for one in series[:MOST_GAPS])
        rows = max(1, round(sum(map(len, series)) / len(series)))
        first, last = min(one.times[0] for one in series), max(one.times[-1] for one in series)
        return cls(model, layout, rows, float(first), float(last), gaps, measures, counters)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file."""
        from genapps.io.artifact import write_artifact

        assert self.model.maker is not None
        made, settings = self.model.maker.state()
        shape, how = self.model.shape.state()
        arrays: dict[str, Any] = {f"maker/{name}": array for name, array in made.items()}
        arrays |= {f"shape/{name}": array for name, array in shape.items()}
        arrays |= {f"margin/{k}": margin.values for k, margin in enumerate(self.model.margins)}
        arrays |= {f"gaps/{k}": mask.astype(np.uint8) for k, mask in enumerate(self.gaps)}
        arrays["live"] = self.model.live
        header = {
            "domain": DOMAIN,
            "family": self.model.maker.family,
            "task": TASK,
            "channels": list(self.model.channels),
            "maker": settings,
            "shape": how,
            "layout": self.layout.to_json(),
            "rows": self.rows,
            "ends": [self.first, self.last],
            "counters": self.counters.to_json(),
            "measures": [measure.to_json() for measure in self.measures],
        }
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> SavedSeries:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact

        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: not what `genapps timeseries synthesize --save` writes")
        tree = _tree(artifact.tensors)
        shape = Shape.restore(tree["shape"], header["shape"])
        maker = restore_maker(header["family"], tree["maker"], header["maker"])
        margins = tuple(Quantiles(tree["margin"][str(k)]) for k in range(len(tree["margin"])))
        live = np.asarray(tree[""]["live"], np.int64)
        model = SeriesModel(tuple(header["channels"]), shape, live, maker, margins)
        gaps = tuple(tree["gaps"][str(k)].astype(bool) for k in range(len(tree["gaps"])))
        measures = tuple(
            Measured(**{**one, "controls": tuple(Control(**c) for c in one["controls"])}) for one in header["measures"]
        )
        first, last = header["ends"]
        counters = Counters.from_json(header["counters"]) if "counters" in header else Counters()
        layout = Layout.from_json(header["layout"])
        return cls(model, layout, header["rows"], first, last, gaps, measures, counters)


def _tree(tensors: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Arrays by the first part of their names."""
    tree: dict[str, dict[str, Any]] = {}
    for name, array in tensors.items():
        branch, _, rest = name.rpartition("/") if name.count("/") == 0 else name.partition("/")
        tree.setdefault(branch, {})[rest] = array
    return tree

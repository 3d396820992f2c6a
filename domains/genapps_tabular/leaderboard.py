"""`--family auto`: every engine tried on the user's own table, judged on rows it did not see, and the best one kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from genapps.errors import GenappsError, InputError
from genapps_tabular.checks import table_families
from genapps_tabular.config import TabularConfig
from genapps_tabular.fitting import Run, Watch, fit_table
from genapps_tabular.judging import FEWEST_TO_SPLIT, Judge, split
from genapps_tabular.progress import Progress, labelled
from genapps_tabular.schema import Schema

TRIED_ROWS = 20_000  # of a longer table, a trial learns and judges this many: enough to rank engines
TRIED_SHARE = 0.3  # of them, unseen
NEARER = 0.55  # a share of rows nearer to training rows above this is memorizing: such an engine comes last


@dataclass(frozen=True)
class Trial:
    """One engine's line of the leaderboard; figures are None where they could not be had, `failed` then says why."""

    family: str
    two_sample_auc: float | None = None
    usefulness: float | None = None
    share_nearer: float | None = None
    seconds: float = 0.0
    failed: str = ""

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Orders trials from best to worst: those that ran, that do not memorize, that are hardest to tell apart."""
        auc = 1.0 if self.two_sample_auc is None else max(self.two_sample_auc, 1 - self.two_sample_auc)
        return bool(self.failed), (self.share_nearer or 0.0) > NEARER, auc


def choose(
    table: pa.Table,
    schema: Schema,
    config: TabularConfig,
    *,
    target: str | None = None,
    progress: Progress | None = None,
) -> tuple[TabularConfig, tuple[Trial, ...]]:
    """Try each engine on a part of the table; returns the settings with the best one's name, and the trials by rank.

    Half of a time budget is for the trials, half for the fit that follows. Below 100 rows nothing can be judged, and
    the mixture is kept, which has the fewest parameters. Raises InputError where no engine can learn the table.
    """
    if len(table) < FEWEST_TO_SPLIT:
        return replace(config, family="gmm"), ()
    judge = Judge(*split(_some(table, config.seed), TRIED_SHARE, config.seed), schema, target, config.seed)
    families = table_families()
    trial = with_budget(config, 0.5 / len(families))
    trials = [_try(judge, replace(trial, family=family), progress) for family in families]
    trials.sort(key=lambda trial: trial.rank)
    if trials[0].failed:
        raise InputError(trials[0].failed)
    return replace(with_budget(config, 0.5), family=trials[0].family), tuple(trials)


def _try(judge: Judge, config: TabularConfig, progress: Progress | None) -> Trial:
    """Fit one engine and judge its rows."""
    watch = Watch()
    try:
        run = Run(progress=labelled(progress, f"trying {config.family}"))
        model = fit_table(judge.train, judge.schema, config, run)
        seconds = watch.read().seconds
        evaluation = judge.model(model, None)
    except GenappsError as error:
        return Trial(config.family, seconds=watch.read().seconds, failed=str(error))
    figures = {measure.key: measure.value for measure in evaluation.measures}
    return Trial(
        config.family, figures.get("two_sample_auc"), figures.get("tstr"), figures.get("share_nearer"), seconds
    )


def with_budget(config: TabularConfig, share: float) -> TabularConfig:
    """The settings with a share of their time budget, where they have one."""
    if config.training.budget is None:
        return config
    return replace(config, training=replace(config.training, budget=config.training.budget * share))


def _some(table: pa.Table, seed: int) -> pa.Table:
    """At most `TRIED_ROWS` rows, drawn by seed."""
    if len(table) <= TRIED_ROWS:
        return table
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0, 4]))
    return table.take(np.sort(generator.choice(len(table), TRIED_ROWS, replace=False)))

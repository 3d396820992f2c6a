"""Results as a person reads them in a terminal, and as plain JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from genapps.report.text import grid, rounded

if TYPE_CHECKING:
    from genapps_tabular.anomalies import Detection
    from genapps_tabular.augmentation import Augmentation
    from genapps_tabular.clusters import Clustering
    from genapps_tabular.embedding import Embedding
    from genapps_tabular.evaluation import Evaluation, Measure
    from genapps_tabular.leaderboard import Trial
    from genapps_tabular.model import TableModel
    from genapps_tabular.tasks import Imputation, Synthesis

WIDTH = 100
MOST_CLUSTERS = 30  # told of, the largest
MOST_NAMES = 10  # of columns in one line
HEADLINE = ("two_sample_auc", "tstr", "column_shapes", "pair_trends", "share_nearer", "exact_copies")


def evaluation_lines(evaluation: Evaluation, *, every: bool = False) -> Iterator[str]:
    """The key figures (or every one) beside their controls, and the verdict."""
    measures = {measure.key: measure for measure in evaluation.measures}
    chosen = list(measures.values()) if every else [measures[key] for key in HEADLINE if key in measures]
    head = ("", "these rows", "other real", "independent", "a copy")
    yield from grid([head, *(_figures(measure) for measure in chosen)])
    yield ""
    yield from wrap(evaluation.verdict.text, WIDTH)


def _figures(measure: Measure) -> tuple[str, ...]:
    aim = {"higher": "higher is better", "lower": "lower is better", "half": "0.5 is ideal"}[measure.better]
    values = (measure.value, measure.ceiling, measure.floor, measure.copied)
    return (f"{measure.name} ({aim})", *(rounded(value) for value in values))


def learnt_line(model: TableModel) -> str:
    """What was learnt, and what it took."""
    facts = model.provenance
    return (
        f"learnt {facts['rows']:,} rows of {facts['columns']} columns with {model.family} in {facts['seconds']:.1f} s "
        f"({facts['cpu_seconds']:.1f} s of CPU, {facts['peak_memory_bytes'] / 2**20:,.0f} MiB)"
    )


def sample_line(model: TableModel, rows: int, seconds: float) -> str:
    """What was made, how fast, and how the model was judged when it learnt."""
    auc = model.measures.get("two_sample_auc")
    judged = (
        "not judged: `genapps tabular evaluate` does"
        if auc is None
        else f"told apart from unseen rows with AUC {auc:.2f}"
    )
    return f"{rows:,} rows in {seconds:.1f} s from a {model.family} model ({judged})"


def trial_lines(trials: Sequence[Trial]) -> Iterator[str]:
    """The leaderboard, best engine first; nothing where there was none."""
    if not trials:
        return
    head = ("engine, best first", "told apart (AUC)", "usefulness", "nearer to training", "seconds")
    rows = [
        (
            trial.family,
            rounded(trial.two_sample_auc),
            rounded(trial.usefulness),
            rounded(trial.share_nearer),
            f"{trial.seconds:.1f}",
        )
        for trial in trials
    ]
    yield from grid([head, *rows])
    for trial in trials:
        if trial.failed:
            yield f"{trial.family} failed: {trial.failed}"


def augmentation_lines(augmentation: Augmentation) -> Iterator[str]:
    """What each variant of the training set scores, with its spread over splits, and the verdict."""
    names = list(augmentation.scores[0].values)
    rows = [
        (
            scores.variant,
            *(f"{scores.mean(name):.3f} ± {scores.spread(name):.3f}" for name in names),
        )
        for scores in augmentation.scores
    ]
    yield from grid([(f"predicting {augmentation.target}", *names), *rows])
    yield ""
    yield from wrap(augmentation.verdict, WIDTH)


def imputation_lines(imputation: Imputation) -> Iterator[str]:
    """How many gaps were filled, and which were left; or that there were none."""
    if not (imputation.filled or imputation.left):
        yield "no gaps: the table is written as it is"
        return
    yield f"{sum(imputation.filled.values()):,} gaps filled in {len(imputation.filled)} columns"
    for name, count in imputation.left.items():
        yield f"column {name!r}: {count:,} gaps left, as nothing in a row tells them"


def empty_lines(names: Sequence[str]) -> Iterator[str]:
    """Which columns hold nothing at all; a schema has no kind of its own for them and calls them constant."""
    if names:
        shown = ", ".join(map(repr, names[:MOST_NAMES])) + (", ..." if len(names) > MOST_NAMES else "")
        yield f"{len(names):,} empty column{'s' * (len(names) > 1)}, with nothing to learn: {shown}"


def cluster_lines(clustering: Clustering) -> Iterator[str]:
    """How many clusters, why so many, how large they are and what sets each apart, whether they hold; the verdict."""
    from genapps.report.measured import measured_lines

    lines = {name: dict(line) for name, line in clustering.search.bic.items()}
    if len(clustering.search.curve) > 1:
        head = ("clusters", *(f"BIC, {name}" for name in lines))
        rows = [
            (str(k), *(f"{line[k]:,.0f}" if k in line else "" for line in lines.values()))
            for k, _ in clustering.search.curve
        ]
        yield from grid([head, *rows])
        yield ""
    for cluster in clustering.clusters[:MOST_CLUSTERS]:
        words = "; ".join(trait.words for trait in cluster.traits)
        size = "1 row" if cluster.size == 1 else f"{cluster.size:,} rows"
        yield f"cluster {cluster.number}: {cluster.share:.1%}, {size}" + (f"; {words}" if words else "")
    if len(clustering.clusters) > MOST_CLUSTERS:
        yield f"... and {len(clustering.clusters) - MOST_CLUSTERS:,} smaller ones"
    yield ""
    yield from measured_lines(clustering.measures, "these clusters")
    yield from wrap(f"{clustering.verdict.word}. {clustering.verdict.text}", WIDTH)


def embedding_lines(embedding: Embedding) -> Iterator[str]:
    """What the features keep, beside their controls, and the verdict."""
    from genapps.report.measured import measured_lines

    yield from measured_lines(embedding.measures, "these features")
    yield from wrap(f"{embedding.verdict.word}. {embedding.verdict.text}", WIDTH)


def detection_lines(detection: Detection, most: int) -> Iterator[str]:
    """The strangest rows and why they are, and what is promised of alarms."""
    if detection.anomalies:
        rows = [
            (f"{found.row:,}", f"{found.score:.2f}", f"{found.p_value:.2g}", found.words)
            for found in detection.anomalies[:most]
        ]
        yield from grid([("row", "score", "p-value", "reason"), *rows])
        if detection.alarms > most:
            yield f"... and {detection.alarms - most:,} more"
        yield ""
    share = detection.alarms / max(detection.written, 1)
    yield f"{detection.alarms:,} of {detection.written:,} rows have an alarm ({share:.2%})"
    yield from wrap(detection.promise.words, WIDTH)


def synthesis_json(synthesis: Synthesis) -> dict[str, Any]:
    """Every figure of a synthesis."""
    return {
        "written": synthesis.written,
        "evaluation": synthesis.evaluation.to_json(),
        "leaderboard": [asdict(trial) for trial in synthesis.trials],
        "notes": synthesis.notes,
    }


def augmentation_json(augmentation: Augmentation) -> dict[str, Any]:
    """Every figure of an augmentation."""
    return {
        "target": augmentation.target,
        "task": augmentation.task,
        "written": augmentation.written,
        "added": augmentation.added,
        "scores": [asdict(scores) for scores in augmentation.scores],
        "gains": [asdict(gain) for gain in augmentation.gains],
        "helped": augmentation.helped,
        "verdict": augmentation.verdict,
        "leaderboard": [asdict(trial) for trial in augmentation.trials],
    }

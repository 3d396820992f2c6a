"""The plain words of the report: what its measures, controls and facts are called and what they mean."""

from __future__ import annotations

GROUPS = {"fidelity": "Fidelity", "usefulness": "Usefulness", "privacy": "Privacy"}

# What the first screen shows of what could be measured, the most telling first.
HEADLINE = ("two_sample_auc", "tstr", "share_nearer", "column_shapes", "pair_trends", "exact_copies")

CONTROLS = {
    "ceiling": (
        "Other real rows",
        "Real rows that the model never saw, judged as if they were synthetic. No synthetic table can be expected to "
        "do better: this is the ceiling.",
    ),
    "floor": (
        "Independent columns",
        "Real columns, each shuffled on its own. Every column is right and every relation between columns is lost: a "
        "synthetic table no better than this has learnt the columns and nothing else.",
    ),
    "copied": (
        "Copy of the training rows",
        "The training rows handed back. Faithful, useful, and no privacy at all: it shows what a privacy measure says "
        "when rows are given away.",
    ),
}

MEANINGS = {
    "two_sample_auc": (
        "A strong classifier is trained to tell synthetic rows from real ones. At 0.5 it can only guess; at 1 it is "
        "always right. It looks at all columns together, so it notices what averages miss."
    ),
    "column_shapes": (
        "Each column on its own: how much of its distribution the two tables share. Independent columns score as well "
        "as real ones, so a good figure here says nothing about relations between columns."
    ),
    "pair_trends": (
        "Each pair of columns: how alike their correlation, or the table of their joint counts, is in both tables. "
        "Relations among three or more columns are not seen."
    ),
    "strong_pair_trends": (
        "The same for those pairs alone that depend on each other strongly in the real rows. Most pairs hardly do, and "
        "their mean hides what happens to the few that matter."
    ),
    "coverage": (
        "The share of real rows that have a synthetic row close by. It falls where kinds of rows are never made."
    ),
    "recall": (
        "The share of real rows that lie where the synthetic rows reach. It falls where the synthetic rows are less "
        "varied than real ones."
    ),
    "distinct_rows": "The share of different rows. It falls where the same row is made again and again.",
    "tstr": (
        "A model that predicts the target is trained on synthetic rows and tested on real rows it never saw. Beside "
        "it: the same model trained on real rows. The gap is what the synthetic table costs."
    ),
    "tstr_rmse": "The error of the same predictions, in the unit of the target.",
    "share_nearer": (
        "For each synthetic row: is the nearest real row one that the model learnt from, or one it never saw? A model "
        "that memorized nothing is at 0.5, a copy of the training rows near 1."
    ),
    "exact_copies": (
        "Rows equal to a training row. In tables of few columns real rows repeat too, so the figure is to be read "
        "beside that of other real rows."
    ),
    "rare_leaks": (
        "A category that hardly any training row has may point to a person. Other real rows show how often such "
        "categories occur anyway; protecting rare categories keeps them from being made at all."
    ),
    "identifiers_copied": (
        "Names, numbers and texts that identify are made anew; any that equals a training row's is counted here."
    ),
}

PROVENANCE = {
    "family": "Model family",
    "seed": "Seed",
    "training_cpu_seconds": "Training, CPU time",
    "cpu_seconds": "Training, CPU time",
    "seconds": "Training time",
    "peak_memory_bytes": "Peak memory",
    "rows": "Rows learnt from",
    "real_rows": "Real rows",
    "synthetic_rows": "Synthetic rows",
    "holdout_rows": "Rows kept unseen",
    "columns": "Columns",
    "created": "Created",
    "data_fingerprint": "Fingerprint of the data",
    "judged_on_other_rows": "Judged on other rows of the same model",
    "versions": "Versions",
}

"""The plain words of the report: what each measure, control and fact is called and means."""

from __future__ import annotations

GROUPS = {"fidelity": "Fidelity", "usefulness": "Usefulness", "privacy": "Privacy"}

# What the first screen shows, if it could be measured, the most telling first.
HEADLINE = (
    "two_sample_auc",
    "tstr",
    "share_nearer",
    "column_shapes",
    "pair_trends",
    "exact_copies",
)

CONTROLS = {
    "ceiling": (
        "Other real rows",
        "Real rows that the model never saw, judged as if they were synthetic. No synthetic table can be expected to do "
        "better: this is the ceiling.",
    ),
    "floor": (
        "Independent columns",
        "Real columns, each shuffled on its own. Every column is right and every relation between columns is lost: a "
        "synthetic table that is no better than this has learnt nothing but the columns.",
    ),
    "copied": (
        "Copy of the training rows",
        "The training rows handed back. Faithful and useful, and no privacy at all: it shows what a privacy measure "
        "says when rows are given away.",
    ),
}

MEANINGS: dict[str, str] = {}

PROVENANCE: dict[str, str] = {}

"""Renders docs/benchmarks/music.md from the committed results: python benchmarks/music/table.py

Likelihoods and families have their own tables; any other result of this room gets one of its figures, under the first
line of its script.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keep

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "benchmarks" / "music.md"
SETS = {"jsb": "JSB chorales", "nottingham": "Nottingham"}
NAMES = {"autoregressive": "autoregressive", "gan": "GAN", "gmm": "GMM", "hmm": "HMM", "rbm": "RBM", "vae": "VAE"}
NAMES |= {"real": "*real test pieces*", "independent keys": "*independent keys*"}
MOST = 9  # columns of a table of other results


def main() -> None:
    """Write the page."""
    PAGE.write_text("\n".join([*head(), *likelihoods(), *families(), *others()]) + "\n")
    print(f"wrote {PAGE}")


def head() -> Iterator[str]:
    """What the page is."""
    yield "# Music: figures\n"
    yield "Rendered by `python benchmarks/music/table.py` from `benchmarks/music/results`. Seconds are of the"
    yield "processor, on one thread, most of them beside other work, which makes them longer at times."


def likelihoods() -> Iterator[str]:
    """The rolls of 2012."""
    rows = keep.read("rolls").get("rows", [])
    if not rows:
        return
    yield "\n## Piano rolls of 2012, likelihood\n"
    yield "Nats a frame of the test part, lower is better (`rolls.py`): minus the log-likelihood of all frames over"
    yield "their number, exact, the length of each piece given, as Boulanger-Lewandowski, Bengio and Vincent 2012 have"
    yield "it; *with ends* counts where a piece ends, too. The network of keys learns, and chords are counted, in the"
    yield "seconds said; all settings were chosen on the validation part. *apart*: of the test pieces that are not"
    yield "also, or nearly, in the training part (less than half of the frames in runs of eight that are there, too)."
    yield "Published: RNN-NADE (HF) of 2012, as others cite it.\n"
    cells = [
        [SETS[row["set"]], f"{row['nats_a_frame']:.3f}", f"{row['network_alone']:.3f}", f"{row['with_ends']:.3f}",
         f"{row['apart']:.3f} ({row['pieces_apart']} of {row['pieces']})", f"{row['published']:.2f}",
         f"{row['cpu_seconds']:.0f}"]
        for row in rows
    ]  # fmt: skip
    yield from table(("set", "nats a frame", "network alone", "with ends", "apart", "published", "CPU seconds"), cells)


def families() -> Iterator[str]:
    """All six on one set."""
    rows = keep.read("families").get("rows", [])
    if not rows:
        return
    yield "\n## All families\n"
    yield "JSB chorales as piano rolls (`families.py`): nats a frame of the test part as above, and what drawn pieces"
    yield "are like: keys a frame, half the difference of the shares of the twelve pitch classes to the training part,"
    yield "percent of chords, and of pairs of a chord and a different one after it, that the training part has, too.\n"
    yield from table(
        ("family", "CPU seconds", "nats a frame", "keys a frame", "pitch classes", "chords known", "pairs known"),
        [family_cells(row) for row in sorted(rows, key=lambda row: row.get("nats_a_frame", 99.0))],
    )


def family_cells(row: Mapping[str, Any]) -> list[str]:
    """One family's line."""
    nats = f"{row['nats_a_frame']:.3f}, {row['kind']}" if "nats_a_frame" in row else "–"
    seconds = f"{row['cpu_seconds']:.0f}" if "cpu_seconds" in row else "–"
    shares = [f"{row['chords_known']:.1f}", f"{row['pairs_known']:.1f}"]
    return [NAMES[row["family"]], seconds, nats, f"{row['keys_a_frame']:.2f}", f"{row['pitch_classes']:.3f}", *shares]


def others() -> Iterator[str]:
    """Every other result: one table of the figures of its rows."""
    for path in sorted((HERE / "results").glob("*.json")):
        rows = [dict(flat(row)) for row in keep.read(path.stem).get("rows", []) if isinstance(row, dict)]
        if path.stem in ("rolls", "families") or not rows:
            continue
        columns = list(dict.fromkeys(name for row in rows for name in row))[:MOST]
        yield f"\n## {title(path.stem)}\n"
        yield f"`{path.stem}.py` says how.\n"
        yield from table(
            [name.replace("_", " ") for name in columns], [[row.get(c, "–") for c in columns] for row in rows]
        )


def flat(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The short figures of a row, and the rate of those that come with an interval."""
    for name, value in row.items():
        if isinstance(value, dict) and "rate" in value:
            yield name, f"{value['rate']:g}"
        elif isinstance(value, bool) or value is None:
            yield name, {True: "yes", False: "no", None: "–"}[value]
        elif isinstance(value, int | float):
            yield name, f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        elif isinstance(value, str) and len(value) <= 40:
            yield name, value.replace("|", "/")


def title(name: str) -> str:
    """The first line of the script that made a result, or the result's name."""
    script = HERE / f"{name}.py"
    said = ast.get_docstring(ast.parse(script.read_text())) if script.exists() else None
    return (said or name).splitlines()[0].rstrip(".")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' --: |' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    main()

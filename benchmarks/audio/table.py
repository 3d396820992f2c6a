"""Renders docs/benchmarks/audio.md from the committed results, whichever there are: python benchmarks/audio/table.py"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from keep import read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "audio.md"
NAMES = {"gmm": "GMM", "hmm": "HMM", "vae": "VAE", "gan": "GAN", "rbm": "RBM", "autoregressive": "autoregressive",
         "autoregressive-tokens": "autoregressive, tokens"}  # fmt: skip
MADE = ("tstr", "fd_mel", "fd_classes", "precision", "recall", "coverage", "copies")
# Result -> (title, what it is); the order of the page. What has no own function below is told by its summary.
PARTS = {
    "digits_made": ("New clips: spoken digits by every family", ""),
    "codes": ("A codec that is learnt in minutes", ""),
    "digits": (
        "Spoken words: a voice that was never heard",
        "Spoken digits of six voices, each held out in turn and learnt from the others (`digits.py`): shares of clips.",
    ),
    "detect_esc": (
        "Odd clips: one environmental class is normal",
        "ESC-10, five classes: 12 normal clips each, told from other classes' (`detect.py`): area under the ROC curve.",
    ),
    "detect_machines": (
        "Odd clips: machines with planted faults",
        "Made machines (`detect.py`): how many normal clips raise an alarm and how many faults are found.",
    ),
    "detect_families": (
        "Odd clips: every family by itself",
        "ESC-10 as above (area under the ROC curve), and faults at -20 dB on three made machines, 24 normal clips of "
        "each learnt (`detect_families.py`). The promised 4 % of 120 normal clips is 5; up to 8 raised an alarm.",
    ),
    "detect_long": ("Odd clips: a recording of many hours", "Read block by block, by the command."),
    "augment": (
        "More clips: what they are worth",
        "Clips changed and added in training (`augment.py`): what accuracy gains by it.",
    ),
    "features": (
        "Features: beside librosa",
        "Cepstra and slopes of 3,000 short clips, and Griffin and Lim's algorithm, on one thread (`features.py`): the "
        "least gain in speed, the greatest difference beside the largest value, convergence in dB after some rounds.",
    ),
}


def main() -> None:
    """Write the page."""
    lines = [*head()]
    for name, (title, told) in PARTS.items():
        found = read(name)
        if not found:
            continue
        lines += ["", f"## {title}", ""]
        own = {"digits_made": digits_made, "codes": codes, "digits": digits, "augment": gains}.get(name)
        lines += [*([told, ""] if told else []), *(own(found) if own else summary(found.get("summary", {})))]
    PAGE.write_text("\n".join(lines).rstrip() + "\n")
    print(f"wrote {PAGE}")


def head() -> Iterator[str]:
    """What the page is."""
    yield "# Sounds: figures\n"
    yield "Rendered by `python benchmarks/audio/table.py` from `benchmarks/audio/results`. Seconds are of the"
    yield "processor, on one thread, most of them beside other work, which makes them longer at times."


def digits_made(found: Mapping[str, Any]) -> Iterator[str]:
    """Every family by the same measures."""
    settings, families = found["settings"], [row for row in found["rows"] if row["family"] in NAMES]
    yield f"{settings['learnt']:,} clips of six speakers learnt by the presets that `genapps audio fit` takes on a CPU."
    yield f"{settings['made']:,} clips made by each are judged beside the {settings['unseen']:,} clips of takes 0 to 4,"
    yield "which no setting was chosen by (`digits_made.py`). *Teaches*: share of those named rightly by a support"
    yield "vector machine that learnt from made clips alone. FD-mel and FD-classes are Fréchet distances, of statistics"
    yield "of mel bands and of a network that learnt the classes of half of the real clips. Copies are made clips"
    yield "nearer to a learnt one than 99 % of unseen clips come. Precision says nothing here: where features tell"
    yield "classes apart, noise lies among real clips, too. All are taken of waves, after phases were found.\n"
    rows = []
    for row in found["rows"]:
        cells = [f"{row[key]:.1f}" if key.startswith("fd_") else f"{row[key]:.3f}" for key in MADE]
        cost = [f"{row[key]:.0f}" if key in row else "–" for key in ("learning_cpu_seconds", "clips_a_cpu_second")]
        rows.append([NAMES.get(row["family"], f"*{row['family'].lower()}*"), *cells, *cost])
    heads = ("", "teaches", "FD-mel", "FD-classes", "precision", "recall", "coverage", "copies", "seconds to learn",
             "clips a second")  # fmt: skip
    yield from table(heads, rows)
    shares = sorted((row["share_of_real"], NAMES[row["family"]]) for row in families)
    yield ""
    yield f"What clips teach beside as many real ones: from {shares[0][0]:.1%} ({shares[0][1]}) to {shares[-1][0]:.1%}"
    yield f"({shares[-1][1]}). {max(row['clipped'] for row in families):.0%} of the made clips are clipped. Presets for"
    yield "a GPU have never been run on one. The VAE's first form, a network over all coefficients drawn without its"
    yield "noise, taught 0.633 of these very clips; the one above replaced it, and was chosen on takes 5 to 9. Clips"
    yield "made from these recordings are not shown, as their licence asks for the same of what is made from them."


def codes(found: Mapping[str, Any]) -> Iterator[str]:
    """The codec beside mu-law and mel bands."""
    settings = found["settings"]
    yield f"{settings['clips']} unseen clips of spoken digits at 8 kHz after {settings['cpu_seconds']:.0f} CPU seconds"
    yield "of learning, without a critic (`codes.py`): distance of logarithms of spectra (lower is nearer), spectral"
    yield "convergence (more negative is nearer), and share of clips whose digit a classifier of real ones still names."
    yield "What has no bits a second was not coded: it shows what unknown phases and fewer bands cost."
    books = [row["log_spectral_db"] for row in found["rows"] if row["name"].startswith("codec, ")]
    gains = ", ".join(f"{one - other:.2f}" for one, other in itertools.pairwise(books))
    used = ", ".join(f"{one:.0f}" for one in settings["used"])
    yield f"Each book after the first brings {gains} dB;"
    yield f"of each book's {settings['shape']['size']} codes {used} are as good as in use."
    yield "A first codec, of strided convolutions over waves, had 8.3 dB by one book and by four after 205 CPU seconds."
    yield "This one is told spectra, and begins as principal components whose clusters are the books.\n"
    rows = [
        [
            row["name"],
            f"{row['bits_a_second']:,.0f}" if row["bits_a_second"] else "–",
            f"{row['log_spectral_db']:.1f}",
            f"{row['convergence_db']:.1f}",
            f"{row['named']:.3f}",
        ]
        for row in found["rows"]
    ]
    yield from table(("", "bits a second", "log-spectral distance, dB", "convergence, dB", "named rightly"), rows)


def by_part(found: Mapping[str, Any]) -> Iterator[str]:
    """A table of each part's rows: what is told of each in one number or word."""
    for part in dict.fromkeys(row["part"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["part"] == part]
        keys = [key for key, value in rows[0].items() if key != "part" and not isinstance(value, Mapping | list)]
        yield f"{words(part).capitalize()}:\n"
        yield from table([words(key) for key in keys], [[cell(row.get(key)) for key in keys] for row in rows])
        yield ""


def digits(found: Mapping[str, Any]) -> Iterator[str]:
    """Words named by way, what was chosen on voices learnt from, and what of other words is rejected, on the mean."""
    rows, told = found["rows"], found["summary"]
    ways = [
        [row["way"], *(f"{100 * row[key]:.1f}" for key in ("mean", "worst")), f"{row['cpu_seconds']:.0f}"]
        for row in rows
        if row["part"] == "words"
    ]
    yield "Words named rightly, percent, by voices that were not learnt; always naming one word has 10.0:\n"
    yield from table(("way", "mean of six voices", "worst voice", "CPU seconds"), sorted(ways, key=lambda row: row[0]))
    chosen = [[row["setting"], f"{100 * row['mean']:.1f}"] for row in rows if row["part"] == "choice"]
    if chosen:
        yield "\nWhat was chosen from, on the five voices that are learnt from, one of these held out, fewer takes:\n"
        yield from table(("setting", "mean"), chosen)
    if "unseen" in told:
        keys = ("known", "unseen", "unseen_where_known_is_5%", "environmental sounds", "white noise")
        yield "\nRejected, percent, three or four digits never learnt; of known words at most 5 are promised to be:\n"
        yield from table(
            ("said by", "known words", "other digits", "the same at exactly 5", "environment", "noise"),
            [[name, *(f"{100 * mean[key]:.1f}" for key in keys)] for name, mean in told["unseen"]["mean"].items()],
        )


def gains(found: Mapping[str, Any]) -> Iterator[str]:
    """A gain and its interval for each set and kind of changes."""
    rows = [
        [words(key), *(f"{100 * value:+.1f}" for value in values)]
        for key, values in found.get("summary", {}).items()
        if isinstance(values, list) and len(values) == 3
    ]
    yield from table(("percentage points", "gain", "95 % from", "to"), rows)


def summary(told: Mapping[str, Any]) -> Iterator[str]:
    """Nested figures as tables, single ones as a list."""
    single = {key: value for key, value in told.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in told.items() if isinstance(value, Mapping)}
    deeper = {key: value for key, value in nested.items() if any(isinstance(one, Mapping) for one in value.values())}
    flat = {key: value for key, value in nested.items() if key not in deeper}
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, value in flat.items():
        groups.setdefault(tuple(value), {})[key] = value
    for keys, rows in groups.items():
        yield from table(
            ("", *map(words, keys)), [[words(k), *(cell(row[c]) for c in keys)] for k, row in rows.items()]
        )
        yield ""
    for key, value in deeper.items():
        yield f"{words(key).capitalize()}:\n"
        yield from summary(value)
    if single:
        yield from (f"- {words(key)}: {cell(value)}" for key, value in single.items())
        yield ""


def words(key: str) -> str:
    """A key as it is read."""
    return str(key).replace("_", " ")


def cell(value: Any) -> str:
    """A figure with as many digits as matter."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(cell(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' --: |' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    main()

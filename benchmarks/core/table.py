"""The committed results of the families as one page: docs/benchmarks/core.md.

python benchmarks/core/table.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from keep import read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "core.md"
INTRO = """# The families, side by side

Written by `python benchmarks/core/table.py` from `benchmarks/core/results/*.json`; do not edit. Times are process CPU
time on one thread, the least of the repeats, every contender in the same run on the same numbers. No figure is copied
from a paper unless it says so.
"""
Row = dict[str, Any]
Columns = dict[str, Callable[[Row], str]]


def number(key: str, digits: int = 1, scale: float = 1.0) -> Callable[[Row], str]:
    """A figure of the row; empty where it has none."""
    return lambda row: "" if row.get(key) is None else f"{row[key] * scale:,.{digits}f}"


def word(key: str) -> Callable[[Row], str]:
    """A text of the row."""
    return lambda row: str(row.get(key, ""))


def pair(value: str, error: str, digits: int = 2) -> Callable[[Row], str]:
    """A figure and its standard error."""
    return lambda row: "" if row.get(value) is None else f"{row[value]:.{digits}f} ± {row[error]:.{digits}f}"


def several(key: str, digits: int = 1) -> Callable[[Row], str]:
    """Several figures: of each peer."""
    return lambda row: " / ".join(f"{x:,.{digits}f}" for x in row.get(key) or ())


def mean_error(rows: Iterable[Row]) -> list[Row]:
    """One row a method: its mean error over the seeds, its best and worst."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["name"], []).append(row)
    return [
        {
            "name": name,
            "seeds": len(found),
            "error": sum(row["error"] for row in found) / len(found),
            "worst": max(row["error"] for row in found),
            "fit_cpu_s": max(row["fit_cpu_s"] for row in found),
        }
        for name, found in groups.items()
    ]


def toys(rows: Iterable[Row]) -> list[Row]:
    """One row a toy and family: the fewest modes and the mean share of good points over the seeds."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["toy"], row["family"]), []).append(row)
    return [
        {
            "toy": toy,
            "family": family,
            "seeds": len(found),
            "modes": " ".join(str(row["modes"]) for row in found),
            "of": found[0]["of"],
            "good": sum(row["good"] for row in found) / len(found),
            "cpu_seconds": max(row.get("cpu_seconds", 0.0) for row in found) or None,
        }
        for (toy, family), found in groups.items()
    ]


def same(rows: Iterable[Row]) -> list[Row]:
    """The rows as they are."""
    return list(rows)


SECTIONS: list[tuple[str, str, str, Callable[[Iterable[Row]], list[Row]], Columns]] = [
    (
        "gmm",
        "Gaussian mixtures: an iteration of EM",
        "Five iterations from the same start. Peak memory is that of the whole process. Asked: full 1M "
        "× 8 ten times as "
        "fast in float64 and twenty in float32, in a third of the memory; 200k × 16 2.5 and 5 times; "
        "diagonal 3.5 and 9.",
        same,
        {
            "work": word("work"),
            "contender": word("contender"),
            "ms": number("ms", 0),
            "times as fast": number("times_faster"),
            "peak MiB": number("peak_mb", 0),
            "log-likelihood a row": number("log_likelihood", 10),
        },
    ),
    (
        "hmm",
        "Hidden Markov models: an iteration of Baum and Welch",
        "Sixteen states, eight variables, diagonal Gaussians. Asked of float64: 15 times hmmlearn's "
        "default and 2.5 times its "
        "faster setting on 1,000 sequences, 12 and 2.5 on one long one; of float32 40 and 6.",
        same,
        {
            "work": word("work"),
            "contender": word("contender"),
            "ms": number("milliseconds"),
            "times as fast as hmmlearn's default / scaling": several("times"),
            "log-likelihood": number("log_likelihood", 6),
        },
    ),
    (
        "rbm_speed",
        "Restricted Boltzmann machines: an epoch, and what it is worth",
        "784 visible and 128 hidden units, batches of 100, PCD-1, float32 both. Asked: 1.1 times as fast, and a better "
        "likelihood after equal CPU time.",
        same,
        {
            "work": word("work"),
            "contender": word("contender"),
            "CPU s": number("cpu_s", 2),
            "times as fast": number("times", 2),
            "nats a row": pair("nats_a_row", "error"),
        },
    ),
    (
        "cache",
        "Autoregressive sampling with a cache",
        "Batch 32, length 256. Asked: ten times as fast as without.",
        same,
        {
            "architecture": word("architecture"),
            "way": word("way"),
            "CPU s": number("seconds", 2),
            "codes a second": number("codes_per_second", 0),
            "times as fast": number("times_faster"),
            "same codes": number("same_codes", 4),
        },
    ),
    (
        "ar_mnist",
        "Binarised MNIST: autoregressive over patches",
        "Training images binarised afresh each epoch, test images once with a fixed seed; all settings "
        "were chosen on the "
        "last 10,000 training images. Exact. Asked: at most 92 nats in 3 CPU minutes, 87 in 10.",
        same,
        {
            "CPU s": number("seconds", 0),
            "steps": number("steps", 0),
            "nats an image": pair("nats", "standard_error"),
        },
    ),
    (
        "conv_mnist",
        "Binarised MNIST: autoregressive by gated convolutions",
        'The same bits and the same rules, pixel by pixel (`network="convolutions"`). Exact.',
        same,
        {
            "channels": number("channels", 0),
            "blocks": number("blocks", 0),
            "CPU s": number("seconds", 0),
            "steps": number("steps", 0),
            "nats an image": pair("nats", "standard_error"),
            "images drawn a CPU s": number("images_a_cpu_second", 0),
        },
    ),
    (
        "vae_mnist",
        "Binarised MNIST: the variational bound",
        "The same bits. A lower bound of the log-likelihood by k importance samples.",
        same,
        {
            "model": word("name"),
            "CPU s": number("fit_cpu_s", 0),
            "ELBO": number("elbo", 2),
            "k = 64": number("iwae_64", 2),
            "k = 512, first 1,000 images": number("iwae_512_first_1000", 2),
        },
    ),
    (
        "rbm_mnist",
        "Binarised MNIST: the likelihood of RBM(500) from both sides",
        "The same bits. Annealed importance sampling tends to flatter, its reverse (from the data's "
        "side) to be too strict: the "
        "truth lies between. Asked: at least −88 nats, and the two within 8 nats.",
        same,
        {
            "model": word("work"),
            "CPU s": number("train_cpu_s", 0),
            "AIS": pair("ais_nats", "ais_error"),
            "reverse AIS": pair("reverse_nats", "reverse_error"),
            "ESS": number("ess", 0),
        },
    ),
    (
        "bins",
        "Collapse, counted: statistically different bins of MNIST",
        "Richardson and Weiss 2018: training images in 100 cells of k-means; a cell counts where the "
        "share of made images "
        "differs from that of real ones at 5 %. Five cells of a hundred differ by chance; the test images are by other "
        "writers.",
        same,
        {
            "model": word("model"),
            "different bins": number("different", 0),
            "of": number("bins", 0),
            "empty": number("empty", 0),
            "CPU s": number("cpu_seconds", 0),
        },
    ),
    (
        "semisupervised",
        "MNIST with 100 labels",
        "Ten labels a digit; the other training images without. Published M1+M2: 3.33 % (Kingma et al. 2014, table 1).",
        mean_error,
        {
            "method": word("name"),
            "seeds": number("seeds", 0),
            "test error, %": number("error", 2, 100),
            "worst seed, %": number("worst", 2, 100),
            "CPU s": number("fit_cpu_s", 0),
        },
    ),
    (
        "toys",
        "Two-dimensional toys",
        "Modes hit on each seed, and the share of points that lie near one. ![The toys](../pictures/toys.svg)",
        toys,
        {
            "toy": word("toy"),
            "family": word("family"),
            "modes, a figure a seed": word("modes"),
            "of": number("of", 0),
            "good points": number("good", 3),
            "CPU s": number("cpu_seconds", 0),
        },
    ),
]


def page() -> str:
    """The whole page."""
    parts = [INTRO]
    for name, title, text, group, columns in SECTIONS:
        result = read(name)
        if not result:
            continue
        made = f"Measured {result['date']} at {result['commit']} on {result['machine']['cores']} cores of "
        made += f"{result['machine']['processor']}: `python benchmarks/core/{name}.py`."
        parts.append(f"## {title}\n\n{text} {made}\n")
        parts.append("\n".join(lines(group(result["rows"]), columns)) + "\n")
    return "\n".join(parts)


def lines(rows: list[Row], columns: Columns) -> list[str]:
    """A table in Markdown."""
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return head + ["| " + " | ".join(cell(row) for cell in columns.values()) + " |" for row in rows]


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())
    print("wrote docs/benchmarks/core.md")


if __name__ == "__main__":
    main()

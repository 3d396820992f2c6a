"""Renders docs/benchmarks/image.md from the committed results: python benchmarks/image/table.py"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keep import read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "image.md"
SETS = {"mnist": "MNIST", "fashion": "Fashion-MNIST", "bits": "MNIST in black and white"}
NAMES = {"gmm": "GMM", "hmm": "HMM", "vae": "VAE", "gan": "GAN", "rbm": "RBM", "real": "*other test images*"}
NAMES |= {"independent pixels": "*independent pixels*"}
ARMS = ("real", "real+classical", "real+classical+generated")


def main() -> None:
    """Write the page."""
    PAGE.write_text("\n".join([*head(), *families(), *lowdata(), *sampling(), *others()]) + "\n")
    print(f"wrote {PAGE}")


def head() -> Iterator[str]:
    """What the page is."""
    yield "# Images: figures\n"
    yield "Rendered by `python benchmarks/image/table.py` from `benchmarks/image/results`. Seconds are of the"
    yield "processor, on one thread, most of them beside other work, which makes them longer at times."


def families() -> Iterator[str]:
    """Each family on each set."""
    rows = read("families").get("rows", [])
    yield "\n## All families\n"
    yield "60,000 training images with their classes, the presets that `genapps image fit` takes on a CPU, as"
    yield "many steps as fill the time (`families.py`). Judged by 2,000 drawn images beside 2,000 test images,"
    yield "in features of a network that learnt to name the classes of that set (so distances of two sets do"
    yield "not compare); likelihood of the first 2,000 test images.\n"
    yield "![Two images of each class by each family](../../benchmarks/image/results/families.png)\n"
    for name, title in SETS.items():
        own = [row for row in rows if row["set"] == name]
        if own:
            yield f"### {title}\n"
            yield from table(HEAD, [family_cells(row) for row in own])
            yield ""
    yield from curve(rows)


HEAD = ("family", "seconds", "likelihood", "FD-self", "precision", "recall", "density", "coverage", "images a second")


def family_cells(row: dict[str, Any]) -> list[str]:
    """One family's line."""
    score = f"{row['score']:.3f} ± {row['standard_error']:.3f} {row['unit']}, {row['kind']}" if "score" in row else "–"
    pace = f"{row['images_a_cpu_second']:,.0f}" if "images_a_cpu_second" in row else "–"
    seconds = f"{row['cpu_seconds']:.0f}" if "cpu_seconds" in row else "–"
    shares = [f"{row[key]:.3f}" for key in ("precision", "recall", "density", "coverage")]
    return [NAMES.get(row["family"], row["family"]), seconds, score, f"{row['fd_self']:.1f}", *shares, pace]


def curve(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """How the autoregressive model came there."""
    for row in rows:
        if row["family"] == "autoregressive" and row["set"] == "bits" and row["curve"]:
            told = ", ".join(f"{score:.1f} after {seconds:.0f} s" for _, seconds, score in row["curve"][1::3])
            yield f"The autoregressive model of bits, on held-out training images: {told} (nats)."


def lowdata() -> Iterator[str]:
    """Ten labels a class."""
    kept = {name: read(f"lowdata_{name}").get("summary", {}).get(name) for name in ("fashion", "mnist")}
    if not any(kept.values()):
        return
    yield "\n## Ten labels a class\n"
    yield "Percent of 4,000 test images named rightly by a classifier that saw 100 images, mean and standard"
    yield "deviation over draws (`lowdata.py`). A plain mix, without choosing, took the same network to 92.3"
    yield "(MNIST) and 71.3 (Fashion-MNIST).\n"
    lines = []
    for name, found in kept.items():
        if not found:
            continue
        cells = [f"{found[arm]['mean']:.1f}" + spread(found[arm]["sd"]) for arm in ARMS]
        lines.append([SETS[name], str(found["draws"]), *cells, f"{found['generated_adds']:+.1f}"])
    yield from table(("set", "draws", "real", "and transforms", "and generated", "generated adds"), lines)


def spread(value: float | None) -> str:
    """A standard deviation behind its mean."""
    return "" if value is None else f" ± {value:.1f}"


def sampling() -> Iterator[str]:
    """How quickly images come."""
    rows = read("sampling").get("rows", [])
    yield "\n## Drawing 28 x 28 images\n"
    yield "Untrained networks of the presets' size (`sampling.py`): a draw costs the same.\n"
    cells = [
        [NAMES.get(row["family"], row["family"]), str(row["levels"] or "real"), str(row["threads"]),
         f"{row['images_a_second']:,.0f}", f"{row['images_a_cpu_second']:,.0f}"]
        for row in rows
    ]  # fmt: skip
    yield from table(("family", "levels", "threads", "a second", "a CPU second"), cells)


def others() -> Iterator[str]:
    """Where the rest stands."""
    yield "\nOdd images, upscaling, painting, labels for many images and the measures under control: beside their"
    yield "commands on [the page of images](../image.md), from the same folder of results."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' --: |' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    main()

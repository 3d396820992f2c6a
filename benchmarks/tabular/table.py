"""The committed results as one page: docs/benchmarks/tabular.md.

python benchmarks/tabular/table.py
"""

from __future__ import annotations

from typing import Any

from record import RESULTS, ROOT, read
from systems import LABELS

DATASETS = ("adult", "default", "magic", "flights")
PAGE = ROOT / "docs" / "benchmarks" / "tabular.md"
HEAD = (
    "system",
    "two-sample AUC, unseen rows (0.5 best)",
    "two-sample AUC, training rows",
    "trained on synthetic",
    "share nearer to training: 1,500 rows / all",
    "copies of training / unseen rows",
    "shapes",
    "trends: default / no thresholds",
    "fit, CPU s",
    "rows per CPU s",
    "peak memory, MiB (imports)",
    "measured",
)
INTRO = """# Synthetic tables, side by side

Written by `python benchmarks/tabular/table.py` from `benchmarks/tabular/results/*.json`; do not edit. Each set is
measured by `python benchmarks/tabular/run.py --dataset NAME --systems all`: every system sees the same training rows,
runs in a process of its own with one thread and no GPU, makes as many rows as it saw, and is judged by the same
judge. No figure is copied from a paper.

How to read it: **other real rows** is the best that can be hoped for, **independent columns** what one gets without
learning any relation, **copy of the training rows** what giving the data away looks like. The headline is how well
gradient boosting tells the rows from real rows that *no system has seen*: against training rows a system that
memorizes is rewarded for it, which is what the second column and the share nearer to training show of the tree
sequences.
"""


def number(value: Any, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def row(name: str, figures: dict[str, Any]) -> list[str]:
    """The cells of one system."""
    label = LABELS.get(name, name)
    notes = [figures["settings"]] if figures.get("settings") else []
    notes += [f"{k} {v}" for k, v in figures.get("versions", {}).items() if k not in ("torch", "genapps")][:1]
    label += f" ({', '.join(notes)})" if notes else ""
    if "skipped" in figures:
        return [label, f"skipped: {figures['skipped']}", *[""] * (len(HEAD) - 3), figures["date"]]
    memory = f"{number(figures.get('memory_mb'), 0)} ({number(figures.get('imports_mb'), 0)})"
    return [
        label,
        number(figures["two_sample_holdout"]),
        number(figures["two_sample_train"]),
        number(figures["tstr"], 4 if (figures["tstr"] or 0) <= 1 else 2),
        f"{number(figures['share_nearer'])} / {number(figures['share_nearer_all'])}",
        f"{figures['copies_train']} / {figures['copies_holdout']}",
        number(figures.get("shapes")),
        f"{number(figures.get('trends'))} / {number(figures.get('trends_no_threshold'))}",
        number(figures.get("fit_cpu_s"), 1),
        number(figures.get("rows_per_cpu_s"), 0),
        memory if "memory_mb" in figures else "–",
        figures["date"],
    ]


def markdown(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def hardware(result: dict[str, Any]) -> str:
    """The machine's class in words."""
    machine = result["machine"]
    memory = f", {machine['memory_gb']} GiB" if machine.get("memory_gb") else ""
    return f"{machine['cores']} cores, {machine['processor']}{memory}, Python {machine['python']}"


def dataset(name: str, result: dict[str, Any]) -> str:
    """The section of one set."""
    rows = result["rows"]
    real = result["trained_on_real"]
    score = f"RMSE of `{result['target']}`, lower is better" if result["task"] == "regression" else "AUC"
    best = number(real, 4 if real <= 1 else 2)
    text = f"## {name}\n\n{rows['train']:,} training rows, {rows['holdout']:,} unseen, {rows['test']:,} test rows, "
    text += f"{result['columns']} columns; trained on synthetic: {score}; trained on real: {best}. "
    text += f"{hardware(result)}.\n\n"
    return text + markdown(HEAD, [row(k, v) for k, v in result["systems"].items()])


def sampling(result: dict[str, Any]) -> str:
    """Rows per second, and memory for n and ten times n."""
    n = result["rows"]
    rows = [
        [
            LABELS[family],
            f"{f['rows_per_cpu_s']:,} (aim {f['limit_rows_per_cpu_s']:,})",
            f"{f[f'command_{n}']['memory_mb']:,.0f}",
            f"{f[f'command_{10 * n}']['memory_mb']:,.0f}",
            f"{10 * n / f[f'command_{10 * n}']['cpu_s']:,.0f}",
        ]
        for family, f in result["families"].items()
    ]
    head = (
        "family",
        "rows per CPU s",
        f"MiB, {n:,} rows",
        f"MiB, {10 * n:,} rows",
        "rows per CPU s, start and CSV included",
    )
    text = "## Sampling\n\n`python benchmarks/tabular/sampling.py`: one core; memory of `genapps tabular sample`. "
    return text + f"{hardware(result)}. {result['date']}.\n\n" + markdown(head, rows)


def scale(result: dict[str, Any]) -> str:
    """Memory of training on a large table."""
    rows = [
        [
            r["format"],
            LABELS[r["family"]],
            f"{r['beyond_imports_mb']:,.0f}",
            f"{r['memory_mb']:,.0f}",
            f"{r['cpu_s']:,.0f}",
        ]
        for r in result["runs"]
    ]
    head = ("file", "family", "MiB beyond `import torch`", "MiB", "CPU s")
    text = f"## A table of {result['rows']:,} rows\n\n`python benchmarks/tabular/scale.py`: {result['protocol']}; "
    return (
        text
        + f"the aim is at most {result['limit_mb']:,} MiB. {hardware(result)}. {result['date']}.\n\n"
        + markdown(head, rows)
    )


def startup(result: dict[str, Any]) -> str:
    """CPU seconds before the command says something."""
    rows = [[f"`genapps {k}`" if k[0] != "c" else k, number(v["cpu_s"])] for k, v in result["cases"].items()]
    text = f"## Start\n\n`python benchmarks/tabular/startup.py`: {result['protocol']}; the aim is at most "
    return (
        text + f"{result['limit_cpu_s']} s. {hardware(result)}. {result['date']}.\n\n" + markdown(("", "CPU s"), rows)
    )


def page() -> str:
    """The page, from whatever results there are."""
    found = {name: read(RESULTS / f"{name}.json") for name in (*DATASETS, "sampling", "scale", "startup")}
    sections = [dataset(name, found[name]) for name in DATASETS if found[name]]
    sections += [render(found[render.__name__]) for render in (sampling, scale, startup) if found[render.__name__]]
    protocol = next((found[name]["protocol"] for name in DATASETS if found[name]), {})
    words = "## Protocol\n\n" + "".join(f"- **{k}**: {v}\n" for k, v in protocol.items())
    return "\n".join([INTRO, *sections, words])


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

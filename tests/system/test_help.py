"""Help is whole, and every example in it and in the README runs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pyarrow.csv as pyarrow_csv
import pyarrow.parquet as pyarrow_parquet
import pytest
from PIL import Image

from genapps.cli import main
from genapps.cli.root import EXAMPLES, root
from genapps_music.reading.files import read_score
from genapps_music.writing.files import write_score

ROOT = Path(__file__).parents[2]


def walk(
    command: click.Command, context: click.Context, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, click.Context(child, info_name=name, parent=context), (*words, name))


COMMANDS = list(walk(root, click.Context(root, info_name="genapps"), ("genapps",)))
LEAVES = [(words, command) for words, command in COMMANDS if not isinstance(command, click.Group)]


def examples_of(command: click.Command) -> list[str]:
    lines = (command.help or "").partition("Examples:")[2].splitlines()
    return [line.strip() for line in lines if line.strip().startswith("genapps ")]


def readme_examples() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = "\n".join(text.split("```")[1::2])
    return re.findall(r"^(genapps .*)$", blocks, re.MULTILINE) + re.findall(r"\| `(genapps .*?)` \|", text)


@pytest.mark.parametrize(
    ("words", "command"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_help_is_whole(words: tuple[str, ...], command: click.Command) -> None:
    first = (command.help or "").strip().splitlines()[0]
    assert re.fullmatch(r"[A-Z].*\.", first), "one sentence first"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, parameter.name
            assert parameter.help.endswith("."), parameter.help


@pytest.mark.parametrize(
    ("words", "command"), LEAVES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_task_has_an_example_of_its_own(words: tuple[str, ...], command: click.Command) -> None:
    assert any(example.startswith(" ".join(words)) for example in examples_of(command))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples speak of."""
    folder = tmp_path_factory.mktemp("desk")
    write_customers(folder / "customers.csv", 240, 0)
    for seed, name in enumerate(["data", "train", "new", "real", "synthetic", "unseen", "clean", "may"], 1):
        write_customers(folder / f"{name}.csv", 240, seed)
    pyarrow_parquet.write_table(pyarrow_csv.read_csv(folder / "customers.csv"), folder / "customers.parquet")
    for name in ("customers", "m", "model"):
        assert (
            main(
                [
                    "tabular",
                    "fit",
                    str(folder / "customers.csv"),
                    "--family",
                    "gmm",
                    "-o",
                    str(folder / f"{name}.genapps"),
                ]
            )
            == 0
        )
    quick = ["--set", "training.epochs=2", "-q", "-o", str(folder / "rows.csv")]
    table = str(folder / "customers.csv")
    assert main(["tabular", "embed", table, *quick, "--save", str(folder / "f.genapps")]) == 0
    clean = ["--train", str(folder / "clean.csv"), "--save", str(folder / "usual.genapps")]
    assert main(["tabular", "detect", table, *quick[2:], *clean]) == 0
    for name in ("app.log", "other.log"):
        shutil.copy(ROOT / "domains" / "genapps_logs" / "samples" / "service.log", folder / name)
    assert main(["logs", "templates", str(folder / "app.log"), "--save", str(folder / "app.genapps")]) == 0
    assert main(["tabular", "schema", str(folder / "customers.csv"), "-o", str(folder / "schema.json")]) == 0
    write_series_desk(folder / "timeseries")
    write_molecule_desk(folder / "molecule")
    write_image_desk(folder / "image")
    write_audio_desk(folder / "audio")
    write_music_desk(folder / "music")
    return folder


def write_audio_desk(folder: Path, rate: int = 8000) -> None:
    """What the examples of sounds speak of: tones that rise and tones that fall, called yes and no."""
    draw = np.random.default_rng(0)
    time = np.arange(rate // 2) / rate
    for label, bend in (("yes", 800.0), ("no", -400.0)):
        for home in (f"clips/{label}", f"made/{label}", f"others/{label}", "good" if label == "yes" else "new"):
            (folder / home).mkdir(parents=True)
            for k in range(14):
                tone = np.sin(2 * np.pi * (draw.uniform(700, 800) + bend / 2 * time) * time)
                heard = 0.3 * tone * np.hanning(len(time)) + 0.003 * draw.standard_normal(len(time))
                write_sound(folder / home / f"{label}{k}.wav", heard, rate)
    shutil.copy(folder / "new" / "no0.wav", folder / "clip.wav")
    clips = str(folder / "clips")
    few = ["--family", "gmm", "--set", "n_components=2", "-q", "-o", str(folder / "voice.genapps")]
    assert main(["audio", "fit", clips, *few]) == 0
    assert main(["audio", "recognize", clips, "-q", "--save", str(folder / "words.genapps")]) == 0
    assert main(["audio", "detect", str(folder / "good"), "-q", "--save", str(folder / "machine.genapps")]) == 0


def write_sound(path: Path, samples: np.ndarray, rate: int) -> None:
    """A WAV file of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def write_music_desk(folder: Path) -> None:
    """What the examples of music speak of: some of the chorales that ship, under many names."""
    shipped = ROOT / "domains" / "genapps_music" / "samples"
    chorales = sorted((shipped / "chorales").iterdir())
    for home, some in (("scores", chorales[:30]), ("new", chorales[30:38]), ("others", chorales[38:46])):
        (folder / home).mkdir(parents=True)
        for one in some:
            shutil.copy(one, folder / home / one.name)
    for name, one in zip(("tune", "other"), chorales, strict=False):
        shutil.copy(one, folder / f"{name}.mid")
    first = read_score(chorales[0])
    write_score(folder / "melody.mid", replace(first, parts=first.parts[:1]))
    few = ["--set", "training.max_steps=3", "--set", "latents.training.max_steps=3"]
    assert main(["music", "fit", str(folder / "scores"), *few, "-q", "-o", str(folder / "bach.genapps")]) == 0


def write_image_desk(folder: Path, side: int = 16) -> None:
    """What the examples of images speak of: discs and squares of many colors, called cats and dogs."""
    draw = np.random.default_rng(0)
    down, across = np.mgrid[:side, :side]
    for label, square in (("cat", False), ("dog", True)):
        (folder / "photos" / label).mkdir(parents=True)
        for k in range(16):
            y, x = draw.uniform(5, side - 5, 2)
            apart = np.maximum(abs(down - y), abs(across - x)) if square else np.hypot(down - y, across - x)
            pixels = np.where((apart < 4)[..., None], draw.integers(150, 255, 3), draw.integers(0, 60, 3))
            picture = Image.fromarray(pixels.astype(np.uint8))
            picture.save(folder / "photos" / label / f"{k}.png")
    for name in ("made", "others"):
        shutil.copytree(folder / "photos", folder / name)
    picture.save(folder / "photo.png")
    hole = np.zeros((side, side), np.uint8)
    hole[6:10, 4:12] = 255
    Image.fromarray(hole).save(folder / "hole.png")
    (folder / "boards").mkdir()
    picture.save(folder / "boards" / "0.png")
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 8, 7]}
    about = {"images": [{"id": 1, "file_name": "0.png"}], "categories": [{"id": 1, "name": "dog"}]}
    (folder / "boards.json").write_text(json.dumps({**about, "annotations": [box]}))
    learn = ["image", "fit", str(folder / "photos"), "--family", "gmm", "-q", "-o", str(folder / "mine.genapps")]
    assert main(learn) == 0
    for name, height in (("painting", np.sin(down / 2) + np.cos(across)), ("texture", np.cos(down * across / 9))):
        colors = (height - height.min())[..., None] * (60, 40, 20)
        Image.fromarray(colors.astype(np.uint8)).save(folder / f"{name}.png")
    for name, label in (("good", "cat"), ("new", "dog")):
        shutil.copytree(folder / "photos" / label, folder / name)
    keep = ["-q", "--save", str(folder / "good.genapps")]
    assert main(["image", "detect", str(folder / "good"), *keep]) == 0
    few = ["-q", "--steps", "1", "--save"]
    write_label_desk(folder)
    assert main(["image", "label", str(folder / "animals"), "--size", "8", *few, str(folder / "labeller.genapps")]) == 0
    assert (
        main(["image", "upscale", str(folder / "photos"), "--no-ensemble", *few, str(folder / "photos2x.genapps")]) == 0
    )
    style = ["--style", str(folder / "painting.png"), *few, str(folder / "style.genapps")]
    assert main(["image", "stylize", "--train", str(folder / "photos"), *style]) == 0


def write_label_desk(folder: Path) -> None:
    """Images of which some lie in their class, and others with a table that knows some."""
    (folder / "animals" / "unlabeled").mkdir(parents=True)
    (folder / "mixed").mkdir()
    known = []
    for label in ("cat", "dog"):
        (folder / "animals" / label).mkdir()
        for k in range(16):
            source = folder / "photos" / label / f"{k}.png"
            home = label if k < 6 else "unlabeled"
            shutil.copy(source, folder / "animals" / home / f"{label}{k}.png")
            shutil.copy(source, folder / "mixed" / f"{label}{k}.png")
            known += [f"{label}{k}.png,{label}"] if k < 6 else []
    (folder / "known.csv").write_text("\n".join(["file,label", *known]) + "\n")


def write_molecule_desk(folder: Path) -> None:
    """What the examples of molecules speak of: known drugs under many names."""
    folder.mkdir()
    table = (ROOT / "domains" / "genapps_molecule" / "data" / "drugs.csv").read_text("utf-8").splitlines()[1:]
    drugs = [line.rsplit(",", 1) for line in table if '"' not in line][:1000:20]
    lines = [f"{smiles} {name}" for name, smiles in drugs]
    for name in ("mine", "my", "large", "known", "hits", "proposed", "actives"):
        (folder / f"{name}.smi").write_text("\n".join(lines) + "\n")
    for name, (_, smiles) in zip(("lead", "LEAD", "A", "B"), drugs, strict=False):
        (folder / f"{name}.smi").write_text(f"{smiles}\n")
    cells = [f"{name},{smiles},{len(smiles) / 10}" for name, smiles in drugs]
    for name in ("mine", "proposed", "assay"):
        (folder / f"{name}.csv").write_text("\n".join(["name,smiles,pIC50", *cells]) + "\n")
    (folder / "own.smarts").write_text("[N+](=O)[O-] nitro\nC(=O)Cl acid chloride\n")
    (folder / "dock.py").write_text("def score(batch):\n    return [float(len(one)) for one in batch]\n")
    assert main(["molecule", "score", str(folder / "mine.smi"), "-q", "-o", str(folder / "mine.sdf")]) == 0
    small = [
        "--set",
        "hidden=16",
        "--set",
        "layers=1",
        "--set",
        "training.max_steps=3",
        "--set",
        "training.min_steps=1",
    ]
    assert main(["molecule", "fit", str(folder / "mine.smi"), "-q", "-o", str(folder / "mine.genapps"), *small]) == 0


def write_series_desk(folder: Path) -> None:
    """What the examples of series speak of: other data under some of the same names."""
    folder.mkdir()
    sample = (ROOT / "domains" / "genapps_timeseries" / "samples" / "machine.csv").read_text("utf-8").splitlines()
    parts = {"sensors": 1700, "new": 600, "sensor": 1200, "machine": 600, "january": 900, "february": 900, "march": 600}
    for start, (name, rows) in enumerate(parts.items()):
        (folder / f"{name}.csv").write_text("\n".join([sample[0], *sample[1 + 7 * start :][:rows]]) + "\n")
    hosts = [f"{line},{host}" for line in sample[1:901] for host in ("web", "db")]
    (folder / "hosts.csv").write_text("\n".join([f"{sample[0]},host", *hosts]) + "\n")
    names = sample[0].split(",")
    records = [dict(zip(names, line.split(","), strict=True)) | {"host": "web"} for line in sample[1:1201]]
    for record in records:
        record["temperature"] = float(record["temperature"] or "nan")
    (folder / "metrics.jsonl").write_text("\n".join(json.dumps(record) for record in records) + "\n")
    write_judged_series(folder)
    learn = ["timeseries", "fit", str(folder / "january.csv"), "-q", "-o", str(folder / "normal.genapps")]
    assert main(learn) == 0


def write_judged_series(folder: Path, rows: int = 400) -> None:
    """Scores of a series, and labels for each row and as windows."""
    draw = np.random.default_rng(0)
    truth = np.zeros(rows, int)
    truth[100:110] = truth[300:330] = 1
    stamps = np.datetime64("2026-01-01T00:00:00") + np.arange(rows) * np.timedelta64(300, "s")
    score = draw.random(rows) + 0.6 * truth
    cells = [f"{t},{s:.4f},{int(s > 1)},{s**2:.4f},{y}" for t, s, y in zip(stamps, score, truth, strict=True)]
    (folder / "scores.csv").write_text("\n".join(["time,score,is_anomaly,distance,truth", *cells]) + "\n")
    (folder / "labels.csv").write_text("\n".join(["label", *map(str, truth)]) + "\n")
    windows = [f"{stamps[a]},{stamps[b]}" for a, b in ((100, 109), (300, 329))]
    (folder / "windows.csv").write_text("\n".join(["start,end", *windows]) + "\n")


def write_customers(path: Path, rows: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 80, rows)
    rich = draw.random(rows) < (age - 10) / 100
    state = draw.choice(["NY", "NJ", "CT"], rows)
    spent = np.where(draw.random(rows) < 0.1, "", np.round(draw.gamma(2.0, 50.0, rows), 2).astype(str))
    lines = [f"{a},{s},{m},{'>50K' if r else '<=50K'}" for a, s, m, r in zip(age, state, spent, rich, strict=True)]
    path.write_text("\n".join(["age,state,spent,income", *lines]) + "\n")


TRAINING = {"synthesize", "fit", "impute", "augment"}
OWN_DESKS = {"timeseries", "molecule", "image", "audio", "music"}  # a result of one example is the input of another
ELSEWHERE = {"adult"}  # needs a file that is not ours to give
ALL_EXAMPLES = sorted(
    {*EXAMPLES, *readme_examples(), *(text for _, command in COMMANDS for text in examples_of(command))}
)


def quick(example: str) -> list[str]:
    """The words of an example, made small: few rows, the instant engine where none is named, no shell redirection."""
    words = shlex.split(example.partition(" > ")[0].replace("50_000_000", "3000").replace("10000", "500"))[1:]
    learnt = words[1:2] == ["impute"] and "--model" in words
    if words[0] == "tabular" and words[1] in TRAINING and "--family" not in words and not learnt:
        words += ["--family", "gmm"]
    if words[1:2] == ["synthesize"] and "auto" in words:
        words = ["5s" if word == "5m" else word for word in words]
    if words[1:2] == ["embed"]:
        words += ["--set", "training.epochs=2"]
    if words[0] == "molecule":
        words = [{"1000": "20", "100": "10", "2000": "100", "1h": "5s"}.get(word, word) for word in words]
        words += ["-n", "20"] if words[1] == "propose" and "-n" not in words else []
        words += ["--set", "training.max_steps=3", "--set", "training.min_steps=1"] if words[1] == "fit" else []
    if words[0] == "image":
        words = [{"100": "10", "1000": "20", "10m": "5s"}.get(word, word) for word in words]
        words += ["--set", "training.max_steps=3", "--set", "training.min_steps=1"] if words[1] == "fit" else []
        words += ["--size", "8"] if words[1] == "fit" and "--size" not in words else []
    if words[:2] == ["image", "augment"]:
        words = [{"500": "20", "200": "20"}.get(word, word) for word in words] + ["--steps", "3"]
        words += ["--set", "max_iter=1", "--set", "n_factors=2"] if "0.3" in words else []
    if words[:2] == ["image", "label"] and "--model" not in words:
        words += ["--steps", "2", "--size", "8"]
    if words[:2] == ["image", "evaluate"] and "--features" not in words:
        words += ["--features", "pixels"]
    if words[:2] == ["audio", "fit"]:
        words = ["5s" if word == "5m" else word for word in words] + (
            ["--set", "training.max_steps=3"] if "--family" in words else ["--family", "gmm"]
        )
    if words[:2] == ["music", "fit"] and "--family" not in words:
        words = ["5s" if word == "10m" else word for word in words]
        words += ["--set", "training.max_steps=3", "--set", "latents.training.max_steps=3"]
    if words[:2] == ["music", "fit"] and "hmm" in words:
        words += ["--set", "max_iter=2", "--set", "latents.training.max_steps=3"]
    if words[:2] == ["music", "compose"]:
        words = ["2" if word in {"20", "3"} else word for word in words]
    if words[1:2] in (["upscale"], ["stylize"]) and "--model" not in words:
        words += ["--steps", "2", *(["--no-ensemble"] if words[1] == "upscale" else [])]
    return [word for word in words if word != "--follow"]  # which waits for ever


@pytest.mark.parametrize("example", ALL_EXAMPLES)
def test_examples_run(
    example: str, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = quick(example)
    if words[0] == "demo" or words[1:2] == ["demo"]:
        pytest.skip("the demo has a test of its own")
    if ELSEWHERE & set(words) and "--from" in words:
        pytest.skip("needs a file that is not ours to give")
    if words[0] in OWN_DESKS:
        desk = shutil.copytree(desk / words[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(desk)
    code = main(words)
    assert code == 0 or (code == 10 and "--fail-on-anomaly" in words), capsys.readouterr().err
    for option in ("-o", "--output", "--report", "--model", "--save"):
        if option in words:
            assert Path(words[words.index(option) + 1]).exists()


def test_there_are_examples_to_run() -> None:
    assert len(ALL_EXAMPLES) >= 20
    assert any("--given" in example for example in ALL_EXAMPLES)
    assert len(readme_examples()) >= 8

"""MNIST with 100 labels by `genapps image label`: 60,000 images in one file, ten of each digit named in a table.

The command learns from all of them, then labels the 10,000 test images by what it saved (`--model`); beside it the same
command with the 100 labelled images alone. The draws are those of benchmarks/core/semisupervised.py, whose settings
drawings are learnt by. `--judge held-out` is for choices: the last 10,000 training images are labelled then, and not
learnt from. Three tenths of the steps go into three lesser models, each of which is not shown a third of the labels;
what they make of these is the accuracy that the command tells of itself.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from keep import read, write
from keeping import commit
from sets import folder
from torch import Tensor

from genapps_image.reading.arrays import read_idx

PER_CLASS = 10
HELD_OUT = 10_000
NAMES = {"alone": "100 labelled images alone", "all": "100 labels and all images"}


def drawn(labels: Tensor, seed: int) -> list[int]:
    """The numbers, from 0, of ten images of each class, as benchmarks/core/semisupervised.py draws them."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for digit in range(10):
        rows = (labels == digit).nonzero()[:, 0]
        parts.append(rows[torch.randperm(len(rows), generator=generator)[:PER_CLASS]])
    return [int(row) for row in torch.cat(parts)]


def array(name: str, file: str) -> np.ndarray:
    """An array of the set."""
    return np.array(read_idx(folder(name) / f"{file}.gz"))


def write_idx(path: Path, images: np.ndarray) -> None:
    """Bytes (N, H, W) as MNIST's own files hold them."""
    head = bytes((0, 0, 8, images.ndim)) + np.array(images.shape, ">u4").tobytes()
    with gzip.GzipFile(path, "wb", 1, mtime=0) as file:
        file.write(head + images.tobytes())


def run(*words: object) -> tuple[dict[str, Any], float]:
    """What the command printed as JSON, and the CPU seconds it took, reading and writing included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "genapps", "image", "label", *map(str, words), "--json", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), spent


def judged(path: Path, truth: np.ndarray) -> dict[str, float | None]:
    """The errors of the rows without a known label, and of the sure ones among them."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["known"] == "no"]
    wrong = np.array([row["label"] != str(truth[int(row["file"]) - 1]) for row in rows])
    chance = np.array([float(row["probability"]) for row in rows])
    sure = chance >= 0.9
    return {
        "n": len(rows),
        "error": round(float(wrong.mean()), 4),
        "sure": round(float(sure.mean()), 4),
        "error_of_sure": round(float(wrong[sure].mean()), 4) if sure.any() else None,
        "mean_probability": round(float(chance.mean()), 4),
    }


def one_seed(place: Path, args: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    """Both contenders with the labels of one seed."""
    images, labels = array(args.set, "train-images-idx3-ubyte"), array(args.set, "train-labels-idx1-ubyte")
    if args.judge == "held-out" or args.quick:
        test, truth = images[-HELD_OUT:], labels[-HELD_OUT:]
        images, labels = images[:-HELD_OUT], labels[:-HELD_OUT]
    else:
        test, truth = array(args.set, "t10k-images-idx3-ubyte"), array(args.set, "t10k-labels-idx1-ubyte")
    if args.quick:
        images, labels, test, truth = images[:2000], labels[:2000], test[:500], truth[:500]
    known = drawn(torch.from_numpy(labels.astype(np.int64)), seed)
    write_idx(place / "train-idx3.gz", images)
    write_idx(place / "test-idx3.gz", test)
    cells = [f"{row + 1},{labels[row]}" for row in known]
    (place / "known.csv").write_text("\n".join(["file,label", *cells]) + "\n")
    np.savez(place / "few.npz", images=images[known], labels=labels[known])
    few, many = place / "few.genapps", place / "many.genapps"
    steps = ("--seed", seed, "--device", args.device, "--steps")
    all_of = ("--labels", place / "known.csv", "-o", place / "train.csv", "--save", many)
    contenders = {
        "alone": (few, (place / "few.npz", "--save", few, *steps, args.alone)),
        "all": (many, (place / "train-idx3.gz", *all_of, *steps, args.steps)),
    }
    found = []
    for short in args.only.split(","):
        (model, words), name = contenders[short], NAMES[short]
        told, learning = run(*words)
        _, asking = run(place / "test-idx3.gz", "--model", model, "-o", place / "test.csv")
        row = {"name": name, "set": args.set, "seed": seed, "commit": commit(), **judged(place / "test.csv", truth)}
        if model == many:
            row["of_training_images"] = judged(place / "train.csv", labels)
        row |= {"told": told["estimate"], "temperature": round(told["temperature"], 3)}
        found.append({**row, "learn_cpu_s": round(learning, 1), "label_cpu_s": round(asking, 1)})
        print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """Parse, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="mnist", choices=["mnist", "fashion"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3100, help="of all models together")
    parser.add_argument("--alone", type=int, default=2160, help="steps where there are no other images")
    parser.add_argument("--only", default="alone,all", help="contenders; rows of others that were kept stay")
    parser.add_argument("--judge", choices=["test", "held-out"], default="test")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--name", default="label", help="of the result")
    parser.add_argument("--quick", action="store_true", help="few images and steps, nothing kept")
    args = parser.parse_args()
    if args.quick:
        args.steps = args.alone = 24
    rows = []
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as place:
            rows += one_seed(Path(place), args, seed)
    if not args.quick and args.judge == "test":
        settings = {"labels": 10 * PER_CLASS, "steps": args.steps, "steps_alone": args.alone, "device": args.device}
        key = lambda row: (row["set"], row["seed"], row["name"])  # noqa: E731
        new = {key(row) for row in rows}
        kept = [row for row in read(args.name).get("rows", []) if key(row) not in new]
        write(args.name, sorted(kept + rows, key=key), {**settings, "protocol": __doc__})


if __name__ == "__main__":
    main()

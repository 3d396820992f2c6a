"""What `--family auto` measured of each family, as a table for people and as plain JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genapps.report.text import clip
from genapps_timeseries.detection.learning import Normal
from genapps_timeseries.scoring.ensemble import Ensemble

SHOWN = 20  # channels of the table
NAMED = 24


def leaderboard(normal: Normal) -> dict[str, dict[str, float]]:
    """Each family's worth by channel, the one that was taken first; of a normal part too short to compare, nothing."""
    if normal.detector.settings.family != "auto":
        return {}
    from genapps_timeseries.members.choosing import Best  # brings torch, which is there where families are

    judges = zip(normal.channels, (channel.judge for channel in normal.detector.channels), strict=True)
    members = [(name, judge.members[0]) for name, judge in judges if isinstance(judge, Ensemble)]
    return {name: dict(member.tried) for name, member in members if isinstance(member, Best)}


def leaderboard_lines(normals: Mapping[str, Normal]) -> Iterator[str]:
    """A row for each channel: the family that was taken, and what each found."""
    found = [
        (clip(f"{series}: {channel}" if series else channel, NAMED), worths)
        for series, normal in normals.items()
        for channel, worths in leaderboard(normal).items()
    ]
    if not found:
        return
    yield "families: area under the precision-recall curve, for anomalies that were put into the normal part"
    known = [worths for _, worths in found if worths]
    families = sorted(known[0], key=lambda name: -sum(worths[name] for worths in known)) if known else []
    rows = [("channel", "taken", *families)]
    for channel, worths in found[:SHOWN]:
        cells = [f"{worths[name]:.3f}" if worths else "-" for name in families]
        rows.append((channel, next(iter(worths), "gmm, not compared"), *cells))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if len(found) > SHOWN:
        yield f"... and {len(found) - SHOWN:,} more channels"

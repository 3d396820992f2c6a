"""What one file may declare before anything of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from genapps.wording import duration as spoken
from genapps_audio.records import Unreadable


@dataclass(frozen=True)
class AudioLimits:
    """seconds: of the longest clip that is read whole. hours: of the longest file that is read block by block. values:
    samples of all channels together that are held at once.
    """

    seconds: float = 1800.0
    hours: float = 1000.0
    channels: int = 64
    lowest_rate: int = 100
    highest_rate: int = 768_000
    values: int = 2**28

    def check(self, frames: int, rate: int, channels: int, *, whole: bool = True) -> None:
        """Refuse what a header declares. Raises Unreadable with the reason and a remedy."""
        if channels < 1 or channels > self.channels:
            raise Unreadable(f"declares {channels:,} channels; 1 to {self.channels} are read")
        if not self.lowest_rate <= rate <= self.highest_rate:
            raise Unreadable(
                f"declares {rate:,} samples a second; {self.lowest_rate:,} to {self.highest_rate:,} are read"
            )
        seconds = frames / rate
        if seconds > 3600 * self.hours:
            raise Unreadable(f"declares {spoken(seconds)} of sound; {spoken(3600 * self.hours)} at most are read")
        if whole and (seconds > self.seconds or frames * channels > self.values):
            raise Unreadable(
                f"{spoken(seconds)} long in {channels} channel{'s' * (channels > 1)}; a clip of "
                f"{spoken(min(self.seconds, self.values / (rate * channels)))} at most is read whole: "
                "cut it into shorter ones"
            )


LIMITS = AudioLimits()

"""Make the pictures of the README: run the demo, open its report in a headless Chromium and take screenshots.

python docs/pictures/make.py               the demo's report, light and dark
python docs/pictures/make.py report.html   the pictures of a report that is there already
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1280, 800
SCHEMES = {"report.png": 1, "report-dark.png": 0}  # Chromium's numbers for a reader who prefers light or dark
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}", "--force-device-scale-factor=2",
)  # fmt: skip


def main() -> None:
    """Make every picture, or say why that cannot be."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("the pictures need Chromium on the path (apt install chromium); those that are there stay as they are")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else demo(Path(folder))
        for name, scheme in SCHEMES.items():
            picture = HERE / name
            screenshot(chromium, report, picture, scheme, Path(folder) / name)
            sys.stdout.write(f"{picture}\n")


def demo(folder: Path) -> Path:
    """Run the demo as a user does; where its report is."""
    genapps = Path(sys.executable).with_name("genapps")
    subprocess.run([genapps, "demo", "-o", folder / "demo"], check=True)
    return folder / "demo" / "report.html"


def screenshot(chromium: str, report: Path, picture: Path, scheme: int, profile: Path) -> None:
    """The first screen of a report, at two dots a pixel."""
    settings = (f"--user-data-dir={profile}", f"--blink-settings=preferredColorScheme={scheme}")
    command = [chromium, *ARGUMENTS, *settings, f"--screenshot={picture}", report.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=120)


if __name__ == "__main__":
    main()

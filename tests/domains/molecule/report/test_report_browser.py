"""The page of molecules in a real browser: it sorts, narrows down, chooses and hands out, and loads nothing."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest

from genapps_molecule.report import Promise, Told, grid

HOSTILE = "</script><script>document.title = 'run'</script>\"'><img src=x onerror=alert(1)>"
ROWS = [
    # name, SMILES, mw, qed, alerts
    (HOSTILE, "CCO", 46.07, 0.41, ""),
    ("benzene, plain", "c1ccccc1", 78.11, 0.44, ""),
    ("W" * 300, "CC(=O)Oc1ccccc1C(=O)O", 180.16, 0.55, "brenk:phenol_ester"),
    ('said "so"', "O=[N+]([O-])c1ccc(Cl)cc1", 157.56, None, "brenk:nitro; mcf:x"),
    ("caffeine", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", 194.19, 0.54, ""),
    ("cyclohexane", "C1CCCCC1", 84.16, 0.42, ""),
]
FOUND = {"CAFF": [5], "caff": [5], "c1ccccc1": [2, 3], "C1CCCCC1": [6], "nitro": [4], "Plain": [2], '"so"': [4]}
WIDER = "return document.documentElement.scrollWidth - window.innerWidth"
SHOWN = """
return [...document.querySelectorAll('.tile')].filter(tile => !tile.hidden)
  .map(tile => tile.querySelector('.rank').textContent)"""
TYPE = """
const box = document.querySelector(`.panel[data-column="${name}"] .${kind} input.${side}`);
box.value = value; box.dispatchEvent(new Event('input', {bubbles: true}));"""
FRAME = "return document.getElementById('count').value"


def columns() -> dict[str, list[Any]]:
    names, smiles, mw, qed, alerts = zip(*ROWS, strict=True)
    listed = {"smiles": smiles, "name": names, "mw": mw, "qed": qed, "alerts": alerts, "maker": [HOSTILE] * len(ROWS)}
    return {name: list(values) for name, values in listed.items()}


def place(name: str) -> str:
    """Where a column stands, as the page calls it."""
    return str(list(columns()).index(name))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "grid.html"
    told = Told(
        HOSTILE, HOSTILE, (HOSTILE,), (("Asked for", "6"),), {HOSTILE: 3}, (Promise(HOSTILE, 5, 6),), (HOSTILE,)
    )
    grid(path, columns(), told, figures={"rows": 6})
    return path


@pytest.fixture
def view(browser: Any, page: Path, tmp_path: Path) -> Any:
    browser.open(page, width=1280)
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    return View(browser, tmp_path)


class View:
    """The open page: what a reader does, and what is seen then."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder

    def shown(self) -> list[int]:
        """The tiles in sight, in their order, by their first places."""
        self.browser.evaluate("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return [int(rank) for rank in self.browser.evaluate(SHOWN)]

    def give(self, name: str, kind: str, side: str, value: str) -> None:
        """Move a slider (`track`) or type a number (`typed`)."""
        words = f"const [name, kind, side, value] = {[place(name), kind, side, value]!r};"
        self.browser.evaluate(words + TYPE)

    def click(self, where: str) -> None:
        """Click what a selector finds first."""
        self.browser.evaluate(f"document.querySelector({where!r}).click()")

    def type(self, where: str, text: str) -> None:
        """Put a text into a field, or choose it."""
        self.browser.evaluate(
            f"const box = document.querySelector({where!r}); box.value = {text!r};"
            "for (const kind of ['input', 'change']) box.dispatchEvent(new Event(kind, {bubbles: true}));"
        )

    def key(self, name: str, letter: str = "") -> None:
        """Press a key where the reader is."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": letter} if letter and kind == "keyDown" else {}
            self.browser.command("Input.dispatchKeyEvent", type=kind, key=name, code=name, **text)

    def taken(self, name: str) -> str:
        """What a file holds that the page handed out."""
        for _ in range(200):
            if (self.folder / name).exists():
                return (self.folder / name).read_bytes().decode()
            time.sleep(0.05)
        raise TimeoutError(f"{name} was not handed out")


def test_it_is_quiet_loads_nothing_and_fits_the_window(browser: Any, page: Path) -> None:
    for width, scheme in ((360, "light"), (1280, "dark")):
        browser.open(page, width=width, scheme=scheme)
        assert browser.evaluate(WIDER) <= 0
        assert browser.evaluate("return document.title").startswith("</script>")
        assert browser.evaluate("return document.querySelectorAll('img').length") == 0
        assert browser.console() == []
        assert browser.requests() == [page.as_uri()]


def test_it_sorts_by_any_figure_with_what_is_not_known_last(view: View) -> None:
    assert view.shown() == [1, 2, 3, 4, 5, 6]
    view.type("#sort", place("qed"))
    assert view.shown() == [1, 6, 2, 5, 3, 4]
    view.click("#turn")
    assert view.shown() == [3, 5, 2, 6, 1, 4]
    view.type("#sort", "")
    assert view.shown() == [6, 5, 4, 3, 2, 1]


def test_sliders_and_numbers_narrow_it_down(view: View) -> None:
    view.give("mw", "typed", "from", "78.11")
    assert view.shown() == [2, 3, 4, 5, 6]
    view.give("mw", "typed", "to", "160")
    assert view.shown() == [2, 4, 6]
    assert view.browser.evaluate(FRAME) == "3 of 6 shown, 0 selected"
    view.give("qed", "track", "to", "0.43")
    assert view.browser.evaluate("return document.querySelectorAll('.typed .to')[1].placeholder") == "0.55"
    shown = view.browser.evaluate("return document.querySelectorAll('.typed .to')[1].value")
    assert float(shown) == pytest.approx(0.43, abs=0.005)
    assert view.shown() == [6], "a molecule whose figure is not known is in no range of it"
    view.click("#reset")
    assert view.shown() == [1, 2, 3, 4, 5, 6]


def test_texts_are_searched_as_they_are_written(view: View) -> None:
    for query, found in FOUND.items():
        view.type("#search", query)
        assert view.shown() == found, query
    assert view.browser.evaluate("return document.getElementById('nothing').hidden") is True
    view.type("#search", "nowhere")
    assert view.shown() == []
    assert view.browser.evaluate("return document.getElementById('csv').disabled") is True
    view.type("#search", "")
    view.click("#clean")
    assert view.shown() == [1, 2, 5, 6]


def test_what_is_chosen_is_handed_out_as_it_was(view: View) -> None:
    view.click("#csv")
    rows = list(csv.DictReader(io.StringIO(view.taken("shown.csv"), newline="")))
    given = columns()
    assert [row["name"] for row in rows] == given["name"]
    assert [row["maker"] for row in rows] == given["maker"]
    assert [row["qed"] for row in rows] == ["0.41", "0.44", "0.55", "", "0.54", "0.42"]
    view.type("#sort", place("mw"))
    view.click("#turn")
    view.click(".tile:nth-child(1) .pick")
    view.click(".tile:nth-child(6) .pick")
    view.type("#search", "nowhere")
    assert view.shown() == []
    view.click("#smi")
    assert view.taken("selected.smi") == f"{ROWS[4][1]} caffeine\nCCO {HOSTILE}\n"
    view.type("#search", "")
    view.click("#chosen")
    assert view.shown() == [5, 1]


def test_it_works_with_the_keyboard_alone(view: View) -> None:
    view.browser.evaluate("document.querySelector('.pick[tabindex=\"0\"]').focus()")
    view.key("ArrowRight")
    view.key(" ", " ")
    view.key("End")
    view.key(" ", " ")
    chosen = "return [...document.querySelectorAll('.tile.on .rank')].map(rank => rank.textContent)"
    assert view.browser.evaluate(chosen) == ["2", "6"]
    view.key("Home")
    view.key("ArrowDown")
    view.key("Enter")
    opened = view.browser.evaluate("return document.activeElement.closest('.tile').querySelector('details').open")
    assert opened is True
    assert view.browser.evaluate("return document.querySelectorAll('.pick[tabindex=\"0\"]').length") == 1
    assert view.browser.evaluate(FRAME) == "6 of 6 shown, 2 selected"


def test_a_reader_without_script_sees_the_molecules_and_their_figures(browser: Any, page: Path, tmp_path: Path) -> None:
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page, width=1280)
        pictures = browser.command("DOM.getDocument")["root"]["nodeId"]
        found = browser.command("DOM.querySelectorAll", nodeId=pictures, selector=".tile > svg.mol path")
        assert len(found["nodeIds"]) > len(ROWS)
        tools = browser.command("DOM.querySelectorAll", nodeId=pictures, selector="#tools[hidden], .sliders[hidden]")
        assert len(tools["nodeIds"]) == 3
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def test_another_script_would_not_run(browser: Any, page: Path, tmp_path: Path) -> None:
    """The policy names the one script that may run, even where escaping would fail."""
    path = tmp_path / "grid.html"
    text = page.read_text("utf-8")
    path.write_text(text.replace("<main>", "<main><script>document.title = 'run'</script>"), "utf-8")
    browser.open(path, width=1280)
    assert browser.evaluate("return document.title") != "run"
    assert any("Content Security Policy" in entry["message"] for entry in browser.console())


def test_it_prints_what_is_shown(view: View) -> None:
    view.type("#search", "caff")
    assert view.shown() == [5]
    view.browser.command("Emulation.setEmulatedMedia", media="print", features=[])
    style = "return getComputedStyle(document.querySelector({})).display"
    assert view.browser.evaluate(style.format("'#tools'")) == "none"
    assert view.browser.evaluate(style.format("'.tile:not([hidden]) svg'")) == "block"
    assert view.browser.pdf().startswith(b"%PDF-")

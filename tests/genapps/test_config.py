"""Settings survive every way they are written, and a wrong one is named."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.config import from_json, named, resolve, to_json, to_toml
from genapps.errors import InputError, UsageError


@dataclass(frozen=True)
class Inner:
    """How to train."""

    epochs: int = field(default=3, metadata={"help": "passes over the rows"})
    rate: float = 1e-3
    sizes: tuple[int, ...] = (64, 64)
    pair: tuple[str, float] = ("a", 0.5)

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise ValueError("epochs must not be negative")


@dataclass(frozen=True)
class Outer:
    """Everything that can be set."""

    name: str = "x"
    share: float | None = field(default=None, metadata={"above": 0, "most": 1})
    mode: Literal["tokens", "mixed"] = "tokens"
    flag: bool = False
    budget: float | None = None
    limit: int | None = 4
    inner: Inner = field(default_factory=Inner, metadata={"help": "the training"})


texts = st.text(st.characters(exclude_categories=["Cs"]))
floats = st.floats(allow_nan=False)
inners = st.builds(
    Inner,
    epochs=st.integers(0, 2**60),
    rate=floats,
    sizes=st.lists(st.integers(-(2**60), 2**60)).map(tuple),
    pair=st.tuples(texts, floats),
)
outers = st.builds(
    Outer,
    name=texts,
    mode=st.sampled_from(["tokens", "mixed"]),
    flag=st.booleans(),
    budget=st.none() | floats,
    limit=st.none() | st.integers(-(2**60), 2**60),
    inner=inners,
)


@given(outers)
def test_json_and_back(config: Outer) -> None:
    assert from_json(Outer, json.loads(json.dumps(to_json(config)))) == config


@given(outers)
def test_toml_and_back(tmp_path_factory: pytest.TempPathFactory, config: Outer) -> None:
    file = tmp_path_factory.getbasetemp() / "config.toml"
    file.write_text(to_toml(config), "utf-8", newline="")
    # A key that is not set is commented out, so it comes back as the class's default.
    expected = to_json(config) | ({"limit": 4} if config.limit is None else {})
    assert to_json(resolve(Outer, file)) == expected


def test_toml_explains_every_key() -> None:
    text = to_toml(Outer())
    assert "# passes over the rows\nepochs = 3" in text
    assert "# the training\n[inner]" in text
    assert "(tokens or mixed)" in text
    assert "# budget =" in text
    assert tomllib.loads(text)["inner"]["sizes"] == [64, 64]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("name=5", "name", "5"),
        ("name=a=b", "name", "a=b"),
        ("name=", "name", ""),
        ("mode=mixed", "mode", "mixed"),
        ("flag=yes", "flag", True),
        ("flag=FALSE", "flag", False),
        ("budget=90", "budget", 90.0),
        ("budget=1e-3", "budget", 0.001),
        ("budget=none", "budget", None),
        ("budget=inf", "budget", math.inf),
        ("limit=None", "limit", None),
        ("inner.epochs=7", "inner.epochs", 7),
        ("inner.epochs=1e3", "inner.epochs", 1000),
        ("inner.epochs=1_000", "inner.epochs", 1000),
        (" inner.rate = 2 ", "inner.rate", 2.0),
        ("inner.sizes=8,16", "inner.sizes", (8, 16)),
        ("inner.sizes=[8, 16]", "inner.sizes", (8, 16)),
        ("inner.sizes=", "inner.sizes", ()),
        ("inner.pair=b,2", "inner.pair", ("b", 2.0)),
    ],
)
def test_override(override: str, path: str, value: Any) -> None:
    found: Any = resolve(Outer, overrides=[override])
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_overrides_win_over_the_file_and_the_last_over_the_first(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('name = "file"\nflag = true\n[inner]\nepochs = 5\nrate = 1\n')
    config = resolve(Outer, file, ["inner.epochs=6", "inner.epochs=7"])
    assert config == Outer(name="file", flag=True, inner=Inner(epochs=7, rate=1.0))
    assert resolve(Outer) == Outer()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("inner.epoch=3", "'inner.epoch'. Did you mean 'inner.epochs'?"),
        ("epochs=3", "'epochs'. Did you mean 'inner.epochs'?"),
        ("name.deeper=3", "'name.deeper'."),
        ("zzz=1", "unknown key 'zzz'. `genapps config` prints all keys."),
        ("name", "KEY=VALUE"),
        ("=3", "KEY=VALUE"),
        ("inner=3", "'inner' is a section; set one of its keys, such as inner.epochs"),
        ("inner.epochs=many", "inner.epochs must be a whole number, not 'many'"),
        ("inner.epochs=1.5", "inner.epochs must be a whole number"),
        ("inner.epochs=inf", "inner.epochs must be a whole number"),
        ("inner.epochs=-1", "inner: epochs must not be negative"),
        ("flag=2", "flag must be true or false"),
        ("mode=token", "mode must be tokens or mixed, not 'token'"),
        ("limit=x", "limit must be a whole number or none"),
        ("inner.sizes=8,x", "inner.sizes must be a list of a whole number each"),
        ("inner.pair=b", "inner.pair must be a list of 2 values"),
    ],
)
def test_wrong_override_is_named(override: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Outer, overrides=[override])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("nmae = 'x'", UsageError, "run.toml: unknown key 'nmae'. Did you mean 'name'?"),
        ("[inner]\nepocs = 1", UsageError, "unknown key 'inner.epocs'. Did you mean 'inner.epochs'?"),
        ("name = 3", UsageError, "name must be text, not 3"),
        ("flag = 1", UsageError, "flag must be true or false"),
        ("inner.epochs = true", UsageError, "inner.epochs must be a whole number"),
        ("inner.epochs = '3'", UsageError, "inner.epochs must be a whole number"),
        ("inner = 3", UsageError, "'inner' is a section"),
        ("name = \nflag = true", InputError, "line 1"),
        ("a = 1\na = 2", InputError, "no TOML"),
    ],
)
def test_wrong_file_is_named(tmp_path: Path, text: str, error: type[Exception], said: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(error) as caught:
        resolve(Outer, file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_file_that_cannot_be_read_as_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such settings file"):
        resolve(Outer, tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="no such settings file"):
        resolve(Outer, tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(InputError, match="not UTF-8 at byte 8"):
        resolve(Outer, tmp_path / "latin.toml")


def test_json_of_another_make_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"model\.genapps: unknown key 'inner\.width'"):
        from_json(Outer, {"inner": {"width": 3}}, "model.genapps")


def test_required_setting() -> None:
    @dataclass(frozen=True)
    class Required:
        """Needs one."""

        size: int

    with pytest.raises(InputError, match="size is missing"):
        from_json(Required, {})


@pytest.mark.parametrize("value", ["0", "1.5", "nan"])
def test_a_number_out_of_bounds_is_refused_with_them(value: str, tmp_path: Path) -> None:
    allowed = f"share must be above 0 and at most 1, not {float(value)}"
    with pytest.raises(UsageError, match=f"--set: {allowed}"):
        resolve(Outer, overrides=[f"share={value}"])
    (tmp_path / "c.toml").write_text(f"share = {value}")
    with pytest.raises(UsageError, match=allowed):
        resolve(Outer, tmp_path / "c.toml")
    assert resolve(Outer, overrides=["share=1"]).share == 1


def test_what_is_set_is_known_though_it_be_the_default(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("name = 'x'\n[inner]\nepochs = 3\n")
    assert named() == set()
    assert named(tmp_path / "run.toml", [" inner.rate = 1", "flag=no"]) == {
        "name",
        "inner.epochs",
        "inner.rate",
        "flag",
    }
    with pytest.raises(UsageError, match="no such settings file"):
        named(tmp_path / "absent.toml")

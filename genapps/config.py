"""Settings as nested frozen dataclasses: from TOML and key=value overrides, to commented TOML, to and from JSON.

A setting's meaning is its field's metadata["help"]; its type is one of bool, int, float, str, Literal, a tuple of them,
any of them or None, or another such dataclass, which is a section. A number's bounds are its metadata's "least" and
"most", or "above" and "below" where the bound itself is out.
"""

from __future__ import annotations

import dataclasses
import json
import operator
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from genapps.errors import GenappsError, InputError, UsageError
from genapps.suggest import did_you_mean

Config = TypeVar("Config")

WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "none"}
BOUNDS = {
    "least": ("at least", operator.ge),
    "above": ("above", operator.gt),
    "most": ("at most", operator.le),
    "below": ("below", operator.lt),
}
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def resolve(cls: type[Config], file: str | Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """The settings of a TOML file, or the defaults, with `key=value` overrides; keys of sections are dotted.

    Raises UsageError naming the key for an unknown one (with the one probably meant), a value of the wrong type or out
    of bounds, and for a file that does not exist; InputError naming the line for one that is no TOML.
    """
    config = _build(cls, _read_toml(Path(file)), _Source(str(file))) if file is not None else cls()
    texts = list(overrides)
    if not texts:
        return config
    data = to_json(config)
    for text in texts:
        _override(cls, data, text)
    return _build(cls, data, _Source("--set"))


def named(file: str | Path | None = None, overrides: Iterable[str] = ()) -> set[str]:
    """The dotted keys that a TOML file and `key=value` overrides set, be it to their defaults. Raises as `resolve`."""
    keys = {text.partition("=")[0].strip() for text in overrides}
    return keys if file is None else keys | set(_paths(_read_toml(Path(file))))


def to_toml(config: Any, given: Container[str] | None = None) -> str:
    """The settings as TOML, every key under a comment saying what it means; a key that is not set is commented out.

    given: the dotted keys that are set; all if None.
    """
    return "\n".join([*_comment(_first_line(config)), "", *_toml_section(config, "", given)]).rstrip() + "\n"


def to_json(config: Any) -> dict[str, Any]:
    """The settings as nested plain dictionaries, tuples as lists."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def from_json(cls: type[Config], data: Mapping[str, Any], source: str = "settings") -> Config:
    """The settings that `to_json` wrote, defaults for absent keys; InputError for anything else, naming `source`."""
    return _build(cls, data, _Source(source, InputError))


def check(config: Any, name: str) -> None:
    """Raise UsageError unless each value of a settings dataclass is of its type and within its bounds; `name`s it."""
    check_values(type(config), {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}, name)


def check_values(cls: type, values: Mapping[str, Any], name: str) -> None:
    """`check` of values that are not, or could not be, made into the settings `cls`."""
    hints, source = get_type_hints(cls), _Source(name)
    for field in dataclasses.fields(cls):
        if field.name not in values:
            continue
        value = values[field.name]
        plain = value.item() if hasattr(value, "item") else value
        if not dataclasses.is_dataclass(value):
            _convert(hints[field.name], plain, field.name, source, cls)
        _check_bounds(field, plain, field.name, source)


class _Text(str):
    """An override's value, whose type the setting it is for decides."""


@dataclass(frozen=True)
class _Source:
    """Where settings came from, for the error that names it."""

    label: str
    error: type[GenappsError] = UsageError

    def refuse(self, message: str) -> GenappsError:
        return self.error(f"{self.label}: {message}")


def _build(cls: type[Config], data: Mapping[str, Any], source: _Source, prefix: str = "", root: Any = None) -> Config:
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise source.refuse(f"unknown key {prefix + key!r}.{_meant(prefix + key, root or cls)}")
    values = {key: _convert(hints[key], value, prefix + key, source, root or cls) for key, value in data.items()}
    for name, field in fields.items():
        _check_bounds(field, values.get(name), prefix + name, source)
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise source.refuse(f"{prefix + name} is missing")
    try:
        return cls(**values)
    except ValueError as error:  # a dataclass that checks itself
        raise source.refuse(f"{prefix.rstrip('.')}: {error}" if prefix else str(error)) from error


def _check_bounds(field: dataclasses.Field[Any], value: Any, key: str, source: _Source) -> None:
    bounds = [(words, holds, field.metadata[name]) for name, (words, holds) in BOUNDS.items() if name in field.metadata]
    if value is not None and not all(holds(value, bound) for _, holds, bound in bounds):
        allowed = " and ".join(f"{words} {bound}" for words, _, bound in bounds)
        raise source.refuse(f"{key} must be {allowed}, not {value}")


def _convert(hint: Any, value: Any, key: str, source: _Source, root: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, Mapping):
            return _build(hint, value, source, f"{key}.", root)
        first = dataclasses.fields(hint)[0].name
        raise source.refuse(f"{key!r} is a section; set one of its keys, such as {key}.{first}")
    found = _matches(hint, value)
    if not found:
        raise source.refuse(f"{key} must be {_describe(hint)}, not {value!r}")
    return found[0]


def _matches(hint: Any, value: Any) -> tuple[Any, ...]:
    """`(converted,)`, or nothing when the value is not of the type."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return (str(value) if isinstance(value, _Text) else value,)
    if origin in (Union, UnionType):
        order = sorted(inner, key=lambda member: member is not NoneType)
        return next((found for member in order if (found := _matches(member, value))), ())
    if origin is Literal:
        same = [choice for choice in inner if value == choice and type(value) is type(choice)]
        return tuple(same or [choice for choice in inner if isinstance(value, _Text) and str(choice) == value])[:1]
    if origin is tuple:
        return _match_tuple(inner, value)
    if isinstance(value, _Text):
        return _match_text(hint, value.strip())
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return (float(value),)
    if hint is int and isinstance(value, float) and value.is_integer():
        return (int(value),)
    return (value,) if type(value) is hint else ()


def _match_tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if isinstance(value, _Text):
        body = value.strip().removeprefix("[").removesuffix("]")
        value = [_Text(part.strip().strip("\"'")) for part in body.split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        return ()
    hints = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is ... else list(inner)
    found = [_matches(hint, item) for hint, item in zip(hints, value, strict=False)]
    return (tuple(item[0] for item in found),) if len(hints) == len(value) and all(found) else ()


def _match_text(hint: Any, text: str) -> tuple[Any, ...]:
    if hint is str:
        return (text,)
    if hint is NoneType:
        return (None,) if text.lower() in ("", "none") else ()
    if hint is bool:
        return (TRUTH[text.lower()],) if text.lower() in TRUTH else ()
    try:
        number = float(text) if hint is float or not text.lstrip("+-").replace("_", "").isdigit() else int(text)
    except ValueError:
        return ()
    return _matches(hint, number)


def _describe(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_describe(member) for member in inner)
    if origin is Literal:
        return ", ".join(map(str, inner[:-1])) + f" or {inner[-1]}" if len(inner) > 1 else str(inner[0])
    if origin is tuple:
        many = len(inner) == 2 and inner[1] is ...
        return f"a list of {_describe(inner[0])} each" if many else f"a list of {len(inner)} values"
    return WORDS.get(hint, str(hint))


def _override(cls: type[Any], data: dict[str, Any], text: str) -> None:
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not path:
        raise UsageError(f"--set {text}: write KEY=VALUE, such as {next(_keys(cls))[0]}=...")
    place: Any = data
    *sections, last = path.split(".")
    for section in sections:
        place = place.get(section) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place:
        raise UsageError(f"--set: unknown key {path!r}.{_meant(path, cls)}")
    place[last] = _Text(value)


def _meant(path: str, cls: Any) -> str:
    """The suggestion for an unknown key: the same last word in another section counts as near."""
    keys = [key for key, _ in _keys(cls)]
    ending = [key for key in keys if key.rpartition(".")[2] == path.rpartition(".")[2]]
    meant = f" Did you mean {ending[0]!r}?" if ending else did_you_mean(path, keys)
    return meant or " `genapps config` prints all keys."


def _keys(cls: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _keys(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, hints[field.name]


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"{path}: no such settings file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: no TOML: {error}") from error


def _paths(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _toml_section(config: Any, prefix: str, given: Container[str] | None) -> Iterator[str]:
    hints = get_type_hints(type(config))
    fields = dataclasses.fields(config)
    for field in fields:
        value = getattr(config, field.name)
        if not dataclasses.is_dataclass(value):
            yield from _comment(_help(field, hints[field.name]))
            text = f"{field.name} = {_toml(value)}" if value is not None else f"# {field.name} ="
            yield text if given is None or prefix + field.name in given or value is None else f"# {text}"
            yield ""
    for field in fields:
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _comment(field.metadata.get("help", ""))
            yield f"[{prefix}{field.name}]"
            yield from _toml_section(value, f"{prefix}{field.name}.", given)


def _help(field: dataclasses.Field[Any], hint: Any) -> str:
    """What the field says about itself, and its choices where it does not name them all."""
    text = str(field.metadata.get("help", ""))
    choices = [str(choice) for choice in get_args(hint)] if get_origin(hint) is Literal else []
    return text if all(choice in text for choice in choices) else f"{text} ({_describe(hint)})".strip()


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 110)]


def _first_line(config: Any) -> str:
    return (type(config).__doc__ or "").strip().partition("\n")[0]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value

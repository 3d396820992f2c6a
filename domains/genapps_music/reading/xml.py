"""XML that nobody vouches for as a small tree: only elements that are wanted, no entities, no external references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genapps_music.reading.limits import Limits
from genapps_music.score import Unreadable

MAX_ELEMENTS = 4_000_000
MAX_KEPT = 1_500_000


class Element:
    """A tag, its attributes, its text and what is in it."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.text = ""
        self.children: list[Element] = []

    def get(self, name: str, otherwise: str = "") -> str:
        """An attribute."""
        return self.attributes.get(name, otherwise)

    def all(self, tag: str) -> Iterator[Element]:
        """The elements of that tag directly in this one."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Element | None:
        """The first element of that tag directly in this one."""
        return next(self.all(tag), None)

    def said(self, tag: str) -> str:
        """The text of the first element of that tag directly in this one, without spaces around; "" without any."""
        child = self.first(tag)
        return "" if child is None else child.text.strip()


class Kept:
    """What a parser hands its elements to: builds those whose tags are kept, and passes over all others whole."""

    def __init__(self, tags: frozenset[str], max_depth: int = 64) -> None:
        self.tags, self.max_depth = tags, max_depth
        self.root: Element | None = None
        self.open: list[Element] = []
        self.depth = self.elements = self.kept = 0
        self.passed = 0  # depth of the element that is passed over

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.depth += 1
        self.elements += 1
        if self.depth > self.max_depth:
            raise Unreadable(f"XML nested deeper than {self.max_depth} levels")
        if self.elements > MAX_ELEMENTS:
            raise Unreadable(f"XML of more than {MAX_ELEMENTS:,} elements")
        if self.passed:
            return
        if tag not in self.tags:
            if self.root is None:
                raise Unreadable(f"XML, but no score: it begins with <{tag[:40]}>")
            self.passed = self.depth
            return
        self.kept += 1
        if self.kept > MAX_KEPT:
            raise Unreadable(f"XML of more than {MAX_KEPT:,} signs")
        element = Element(tag, attributes)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, tag: str) -> None:
        """An element ends."""
        if not self.passed:
            self.open.pop()
        elif self.passed == self.depth:
            self.passed = 0
        self.depth -= 1

    def data(self, text: str) -> None:
        """Text within the element begun last."""
        if not self.passed and self.open and len(self.open[-1].text) < 1000:
            self.open[-1].text += text

    def close(self) -> Element:
        """The whole."""
        if self.root is None:
            raise Unreadable("XML without elements")
        return self.root


def parse(data: bytes, kept: Kept, limits: Limits) -> Element:
    """The tree of what is kept. Raises Unreadable for what is no XML, for entities and for external references.

    A DOCTYPE is allowed, as MusicXML files begin with one; what it refers to is never read.
    """
    from xml.etree.ElementTree import ParseError

    import defusedxml
    from defusedxml.ElementTree import DefusedXMLParser

    kept.max_depth = limits.max_depth
    parser: Any = DefusedXMLParser(target=kept, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except Unreadable:
        raise
    except defusedxml.EntitiesForbidden:
        raise Unreadable("XML that defines entities, which is refused; save it without a DTD") from None
    except defusedxml.DefusedXmlException:
        raise Unreadable("XML with an external reference, which is refused") from None
    except ParseError as error:
        raise Unreadable(f"not well-formed XML ({error})") from None
    except (ValueError, LookupError, AttributeError, IndexError) as error:  # such as an encoding that there is not
        raise Unreadable(f"not well-formed XML ({str(error)[:100]})") from None
    return root

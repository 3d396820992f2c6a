"""What a Parquet footer declares, read without the C++ library, whose own accessor ends the process on some damage.

(`RowGroupMetaData.column` of pyarrow 26.0.1 lets a C++ exception through for a wrong level histogram.) The footer is
one struct in Thrift's compact protocol: github.com/apache/thrift, doc/specs/thrift-compact-protocol.md; the numbers of
its fields are those of parquet.thrift in github.com/apache/parquet-format.
"""

from typing import Any, BinaryIO

_ROW_GROUPS, _COLUMNS, _META_DATA, _NUM_VALUES = 4, 1, 3, 5
_MAX_DEPTH = 32

Struct = dict[int, Any]


def declared_values(file: BinaryIO, size: int) -> list[list[int]]:
    """How many values each column holds in each row group; ValueError if the footer makes no sense."""
    file.seek(size - 8)
    length = int.from_bytes(file.read(4), "little")
    if length > size - 12:
        raise ValueError("the footer is longer than the file")
    file.seek(size - 8 - length)
    try:
        footer = _Compact(file.read(length)).struct(0)
        return [[chunk[_META_DATA][_NUM_VALUES] for chunk in group[_COLUMNS]] for group in footer[_ROW_GROUPS]]
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError("the footer is damaged") from error


class _Compact:
    """A reader of Thrift's compact protocol: structs as dicts from field number to value."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int) -> Struct:
        if depth > _MAX_DEPTH:
            raise ValueError("the footer is nested too deeply")
        fields: Struct = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._integer()
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._natural())
            case 9 | 10:
                head = self._byte()
                count = self._natural() if head >> 4 == 15 else head >> 4
                return [self._value(head & 15, depth + 1) for _ in range(count)]
            case 12:
                return self.struct(depth + 1)
        raise ValueError("the footer holds a value of no known type")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._data):
            raise IndexError(count)
        return self._data[self._at - count : self._at]

    def _natural(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("the footer holds a number of more than 64 bits")
        return value | byte << shift

    def _integer(self) -> int:
        value = self._natural()
        return value >> 1 ^ -(value & 1)

"""The values of RTMP commands (Action Message Format 0 of Adobe): numbers, booleans, text, null and objects."""

import struct

Value = float | bool | str | None | dict[str, "Value"]

_NUMBER, _BOOLEAN, _TEXT, _OBJECT, _NULL, _END = 0, 1, 2, 3, 5, 9


def encode(*values: Value) -> bytes:
    """The values one after the other, as a command has them."""
    return b"".join(_encoded(value) for value in values)


def decode(content: bytes) -> list[Value]:
    """All values. Raises ValueError for what is none of these kinds or cut off."""
    values: list[Value] = []
    at = 0
    try:
        while at < len(content):
            value, at = _decoded(content, at)
            values.append(value)
    except (struct.error, IndexError):
        raise ValueError("the command is cut off") from None
    return values


def _encoded(value: Value) -> bytes:
    match value:
        case None:
            return bytes((_NULL,))
        case bool():
            return bytes((_BOOLEAN, value))
        case str():
            return bytes((_TEXT,)) + _name(value)
        case dict():
            members = b"".join(_name(name) + _encoded(member) for name, member in value.items())
            return bytes((_OBJECT,)) + members + bytes((0, 0, _END))
        case _:
            return struct.pack(">Bd", _NUMBER, value)


def _name(text: str) -> bytes:
    content = text.encode()
    return struct.pack(">H", len(content)) + content


def _decoded(content: bytes, at: int) -> tuple[Value, int]:
    kind, at = content[at], at + 1
    match kind:
        case 0:
            return struct.unpack_from(">d", content, at)[0], at + 8
        case 1:
            return bool(content[at]), at + 1
        case 2:
            return _text(content, at)
        case 3:
            return _members(content, at)
        case 8:
            return _members(content, at + 4)
        case 5 | 6:
            return None, at
    raise ValueError(f"there is no value of kind {kind} in commands")


def _text(content: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + struct.unpack_from(">H", content, at)[0]
    return content[at + 2 : end].decode(), end


def _members(content: bytes, at: int) -> tuple[dict[str, Value], int]:
    members: dict[str, Value] = {}
    while True:
        name, at = _text(content, at)
        if content[at] == _END:
            return members, at + 1
        members[name], at = _decoded(content, at)

"""The size of a JPEG picture (ITU-T T.81, annex B)."""

_FRAMES = frozenset((*range(0xC0, 0xD0),)) - {0xC4, 0xC8, 0xCC}
"""The markers SOF0 to SOF15."""

_SCAN, _END = 0xDA, 0xD9


def jpeg_size(content: memoryview) -> tuple[int, int]:
    """Return width and height in pixels; (0, 0) when the picture does not say."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAMES:
            return content[at + 7] << 8 | content[at + 8], content[at + 5] << 8 | content[at + 6]
        if marker in (_SCAN, _END):
            break
        at += 2 + (content[at + 2] << 8 | content[at + 3])
    return 0, 0

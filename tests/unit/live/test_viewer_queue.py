"""What a viewer that stays behind loses, and what it never does."""

from dataclasses import dataclass

import pytest

from lightnvr.live.shared_output import SharedPieces
from lightnvr.live.viewer_queue import ViewerQueue

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class _Piece:
    number: int
    begins: bool = False
    size: int = 100


def _gop(first: int) -> list[_Piece]:
    return [_Piece(first, begins=True), *(_Piece(first + further) for further in range(1, 5))]


async def _all(queue: ViewerQueue[_Piece]) -> list[int]:
    queue.close()
    numbers = []
    while (piece := await queue.take()) is not None:
        numbers.append(piece.number)
    return numbers


async def test_a_viewer_begins_with_a_keyframe() -> None:
    queue: ViewerQueue[_Piece] = ViewerQueue(10_000)
    for piece in [_Piece(8), _Piece(9), *_gop(10)]:
        queue.push(piece)
    assert await _all(queue) == [10, 11, 12, 13, 14]


async def test_a_full_queue_is_emptied_and_goes_on_with_a_keyframe() -> None:
    lost: list[int] = []
    queue: ViewerQueue[_Piece] = ViewerQueue(700, lost.append)
    for piece in [*_gop(0), *_gop(10), *_gop(20)]:
        queue.push(piece)
    assert await _all(queue) == [20, 21, 22, 23, 24]
    assert sum(lost) == 10


async def test_a_keyframe_that_does_not_fit_is_what_a_viewer_goes_on_with() -> None:
    lost: list[int] = []
    queue: ViewerQueue[_Piece] = ViewerQueue(500, lost.append)
    for piece in [*_gop(0), *_gop(10)]:
        queue.push(piece)
    assert await _all(queue) == [10, 11, 12, 13, 14]
    assert sum(lost) == 5


async def test_news_are_never_lost() -> None:
    queue: ViewerQueue[_Piece] = ViewerQueue(300)
    for piece in [*_gop(0)[:2], _Piece(99, size=0), *_gop(10), *_gop(20)[:2], _Piece(98, size=0)]:
        queue.push(piece)
    assert await _all(queue) == [99, 20, 21, 98]


async def test_what_a_viewer_begins_with_may_be_larger_than_its_queue() -> None:
    queue: ViewerQueue[_Piece] = ViewerQueue(200)
    queue.begin(_gop(0))
    queue.push(_Piece(5))
    assert await _all(queue) == [0, 1, 2, 3, 4, 5]


async def test_who_comes_later_gets_what_came_since_the_latest_keyframe() -> None:
    pieces: SharedPieces[_Piece] = SharedPieces()
    for piece in [*_gop(0), *_gop(10)[:3]]:
        pieces.add(piece)
    queue: ViewerQueue[_Piece] = ViewerQueue(10_000)
    with pieces.viewed_through(queue):
        pieces.add(_Piece(13))
    pieces.add(_Piece(14))
    assert await _all(queue) == [10, 11, 12, 13]


async def test_what_is_too_large_to_be_kept_is_waited_for() -> None:
    pieces: SharedPieces[_Piece] = SharedPieces(limit_bytes=250)
    for piece in _gop(0):
        pieces.add(piece)
    queue: ViewerQueue[_Piece] = ViewerQueue(10_000)
    with pieces.viewed_through(queue):
        pieces.add(_Piece(5))
        for piece in _gop(10)[:2]:
            pieces.add(piece)
        pieces.close()
    assert await _all(queue) == [10, 11]


async def test_who_comes_after_the_end_is_told_at_once() -> None:
    pieces: SharedPieces[_Piece] = SharedPieces()
    pieces.close()
    queue: ViewerQueue[_Piece] = ViewerQueue(10_000)
    with pieces.viewed_through(queue):
        assert await queue.take() is None

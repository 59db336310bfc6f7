"""What the process does with its memory."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from lightnvr.process import leave_out_of_collections


class Knot:
    """Refers to itself, so that only the garbage collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def collected_again() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_is_spared_and_what_comes_later_is_collected() -> None:
    before = Knot()
    seen_before = weakref.ref(before)
    leave_out_of_collections()
    assert gc.get_freeze_count() > 10_000
    del before
    gc.collect()
    assert seen_before() is not None, "nobody looks at it any more"
    seen_later = weakref.ref(Knot())
    gc.collect()
    assert seen_later() is None


def test_a_server_that_starts_again_in_the_same_process_leaves_nothing_behind() -> None:
    leave_out_of_collections()
    old = Knot()
    leave_out_of_collections()
    seen = weakref.ref(old)
    del old
    leave_out_of_collections()
    assert seen() is None

"""Names of streams and of their folders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.streams.model import InvalidStreamSetting
from lightnvr.streams.names import folder_name, stream_name


@pytest.mark.parametrize("name", ["Front Door", "a", "x" * 64, "Hof Süd", "正門", "50%", "a.b", "a..", "C:\\x"])
def test_names_that_are_accepted(name: str) -> None:
    assert stream_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 65, "a/b", ".a", "..", "a\tb", "a\x00", "a\u2028b", "a\u202eb", "\ud800"]
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidStreamSetting, match=r"^name must have 1 to 64 characters"):
        stream_name(name)


def test_folders_keep_letters_digits_and_hyphens() -> None:
    assert folder_name("Front Door-2.1 Süd", frozenset()) == "Front_Door-2_1_S_d"


def test_folders_that_are_taken_get_a_number() -> None:
    assert folder_name("Cam 1", frozenset({"cam_1"})) == "Cam_1_2"
    assert folder_name("Cam 1", frozenset({"cam_1", "cam_1_2"})) == "Cam_1_3"


@given(st.lists(st.text(min_size=1, max_size=64), max_size=8))
def test_every_stream_has_a_folder_of_its_own_that_every_disk_can_have(names: list[str]) -> None:
    taken: set[str] = set()
    for name in names:
        folder = folder_name(name, taken)
        assert folder.lower() not in taken
        assert folder.isascii()
        assert not set(folder) & set("/\\:.* \x00")
        taken.add(folder.lower())

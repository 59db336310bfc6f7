"""Camera passwords are sealed with a key that only the owner of the data folder can read."""

from pathlib import Path

import pytest

from lightnvr.streams.secrets import SecretBox, SecretUnreadable, UnusableKeyFile


def test_what_is_sealed_can_be_revealed_with_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret.key"
    sealed = SecretBox.open(file).seal("pässword")
    assert "pässword" not in sealed
    assert SecretBox.open(file).reveal(sealed) == "pässword"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]


def test_nothing_stays_nothing(tmp_path: Path) -> None:
    box = SecretBox.open(tmp_path / "secret.key")
    assert box.seal("") == box.reveal("") == ""


def test_another_key_reveals_nothing(tmp_path: Path) -> None:
    sealed = SecretBox.open(tmp_path / "one").seal("password")
    for damaged in (sealed, sealed[:-4], "nonsense"):
        with pytest.raises(SecretUnreadable):
            SecretBox.open(tmp_path / "other").reveal(damaged)


@pytest.mark.parametrize("content", ["", "nonsense", "x" * 44])
def test_a_damaged_key_file_is_not_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret.key"
    file.write_text(content)
    with pytest.raises(UnusableKeyFile, match="is damaged"):
        SecretBox.open(file)
    assert file.read_text() == content


def test_a_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableKeyFile, match=r"secret\.key cannot be read or made"):
        SecretBox.open(tmp_path / "file" / "secret.key")

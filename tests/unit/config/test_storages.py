"""Several folders of recordings in the settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from lightnvr.config.settings import StorageSettings


def _settings(**values: object) -> StorageSettings:
    return StorageSettings.model_validate({"path": "/one", **values})


def test_one_folder_is_one_storage() -> None:
    assert _settings().roots == {"main": Path("/one")}
    assert _settings().default_storage == "main"


def test_each_further_folder_has_a_name() -> None:
    settings = _settings(paths=" archive = /mnt/archive ,nas=/mnt/nas,", fallback_path="/spare")
    roots = {"main": "/one", "archive": "/mnt/archive", "nas": "/mnt/nas", "fallback": "/spare"}
    assert settings.roots == {name: Path(root) for name, root in roots.items()}
    assert settings.paths == "archive=/mnt/archive, nas=/mnt/nas"


@pytest.mark.parametrize(
    "paths", ["/mnt/archive", "archive=", "=/mnt", "main=/mnt", "fallback=/mnt", "a b=/mnt", "a=/x, a=/y"]
)
def test_a_name_that_is_none_is_refused(paths: str) -> None:
    with pytest.raises(ValidationError):
        _settings(paths=paths)


@pytest.mark.parametrize("values", [{"paths": "a=/one"}, {"fallback_path": "/one"}, {"paths": "a=/x, b=/x"}])
def test_two_storages_in_one_folder_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="twice"):
        _settings(**values)


def test_the_original_way_of_recording_elsewhere() -> None:
    assert _settings(mp4_path="/two/mp4").roots == {"main": Path("/one")}
    settings = _settings(mp4_path="/two/mp4", record_mp4_directly=True)
    # Its files lie in /two/mp4/<stream>, as those of the original.
    assert settings.roots == {"main": Path("/one"), "mp4": Path("/two")}
    assert settings.default_storage == "mp4"
    assert _settings(mp4_path="/two/films", record_mp4_directly=True).roots["mp4"] == Path("/two/films")
    assert _settings(record_mp4_directly=True).default_storage == "main"

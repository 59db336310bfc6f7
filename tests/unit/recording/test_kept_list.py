"""What is kept on purpose is noted beside the files, and the note is not lost with the database."""

import json
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

import pytest

from lightnvr.db.engine import Database
from lightnvr.recording.care import StoredCare
from lightnvr.recording.kept_list import KeptFor, KeptList
from lightnvr.recording.storage import Storage, StorageUnavailable
from tests.rig.finished import keep
from tests.rig.recordings_database import recordings_database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        yield opened


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    made = Storage(1, "main", tmp_path / "storage")
    made.adopt()
    return made


def _list(database: Database, storage: Storage) -> KeptList:
    return KeptList(database, [storage], lambda _: "")


def _noted(storage: Storage) -> dict[str, dict[str, object]]:
    noted: dict[str, dict[str, object]] = json.loads((storage.root / ".lightnvr-kept.json").read_text())
    return noted


async def test_what_is_protected_or_has_days_of_its_own_is_noted(database: Database, storage: Storage) -> None:
    first, second, _ = await keep(database, storage.root, 3)
    care, kept = StoredCare(database), _list(database, storage)
    protected, own = await care.protect(first, True), await care.keep_for(second, 90)
    await kept.store()
    assert _noted(storage) == {
        protected.path: {"protected": True, "retention_days": None},
        own.path: {"protected": False, "retention_days": 90},
    }
    assert await kept.of(storage, PurePosixPath(protected.path)) == KeptFor(protected=True, override_days=None)
    await care.protect(first, False)
    await kept.store()
    assert list(_noted(storage)) == [own.path]


async def test_what_has_no_row_any_more_stays_noted_as_long_as_there_is_a_file(
    tmp_path: Path, database: Database, storage: Storage
) -> None:
    first, second = await keep(database, storage.root, 2)
    care = StoredCare(database)
    paths = [(await care.protect(key, True)).path for key in (first, second)]
    await _list(database, storage).store()
    async with recordings_database(tmp_path / "new.db") as new:
        kept = _list(new, storage)
        await kept.store()
        assert list(_noted(storage)) == sorted(paths)
        (storage.root / paths[0]).unlink()
        await kept.store()
        assert list(_noted(storage)) == [paths[1]]
        assert await kept.of(storage, PurePosixPath(paths[1])) == KeptFor(protected=True, override_days=None)


async def test_a_storage_that_is_not_there_is_not_taken_for_one_with_an_empty_list(
    database: Database, storage: Storage
) -> None:
    (recording_id,) = await keep(database, storage.root, 1)
    path = (await StoredCare(database).protect(recording_id, True)).path
    await _list(database, storage).store()
    aside = storage.root.rename(storage.root.with_name("aside"))
    kept = _list(database, storage)
    await kept.store()
    with pytest.raises(StorageUnavailable):
        await kept.of(storage, PurePosixPath(path))
    assert not storage.root.exists()
    aside.rename(storage.root)
    assert (await kept.of(storage, PurePosixPath(path))) is not None


@pytest.mark.parametrize("content", ["", "[]", "null", '{"a": 1}', '{"a": {"retention_days": -1, "protected": "yes"}}'])
async def test_a_list_that_is_none_keeps_nothing_and_harms_nothing(
    database: Database, storage: Storage, content: str
) -> None:
    (storage.root / ".lightnvr-kept.json").write_text(content)
    kept = _list(database, storage)
    assert await kept.of(storage, PurePosixPath("a")) in {None, KeptFor(protected=False, override_days=None)}
    await kept.store()

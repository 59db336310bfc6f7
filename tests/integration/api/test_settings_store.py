"""Stored settings in the database, SQLite and PostgreSQL."""

from cryptography.fernet import Fernet

from lightnvr.db.engine import Database
from lightnvr.streams.secrets import SecretBox
from lightnvr.system.settings_store import Plain, StoredSettings
from lightnvr.wiring import FactorSeal

SECRET = frozenset({"turn_password"})


def store(database: Database, box: SecretBox) -> StoredSettings:
    return StoredSettings(database, FactorSeal(box), lambda: 1_785_600_000.0)


async def test_values_keep_their_types(database: Database) -> None:
    stored = store(database, SecretBox(Fernet.generate_key()))
    values: dict[str, Plain] = {"retention_days": 9, "storage_min_free_pct": 3.5, "mqtt_enabled": True}
    await stored.change(values, (), SECRET)
    await stored.change({"retention_days": 10, "turn_password": "hunter2"}, ["mqtt_enabled", "never stored"], SECRET)
    del values["mqtt_enabled"]
    assert await stored.load() == values | {"retention_days": 10, "turn_password": "hunter2"}


async def test_a_secret_of_another_key_is_left_out_and_the_rest_is_there(database: Database) -> None:
    await store(database, SecretBox(Fernet.generate_key())).change({"turn_password": "x", "log_level": 1}, (), SECRET)
    assert await store(database, SecretBox(Fernet.generate_key())).load() == {"log_level": 1}

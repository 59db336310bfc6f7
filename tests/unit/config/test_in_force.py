"""Settings while the server runs: stored ones lie between the file and the environment, and are changed all or none."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from lightnvr.config import CommandLine, LoadedSettings, Settings, load_settings
from lightnvr.config.in_force import InvalidSetting, SettingsInForce
from lightnvr.config.member import Plain, at
from lightnvr.config.members import MEMBERS
from lightnvr.config.settings import StorageSettings


class Kept:
    """A store in memory."""

    def __init__(self, **values: Plain) -> None:
        self.values: dict[str, Plain] = dict(values)

    async def load(self) -> Mapping[str, Plain]:
        """See SettingsStore."""
        return self.values

    async def change(self, stored: Mapping[str, Plain], dropped: Iterable[str], secret: frozenset[str]) -> None:
        """See SettingsStore."""
        self.values = {name: value for name, value in self.values.items() if name not in dropped} | dict(stored)


def loaded(folder: Path, ini: str = "", environment: Mapping[str, str] | None = None) -> LoadedSettings:
    file = folder / "lightnvr.ini"
    file.write_text(ini)
    return load_settings(
        CommandLine(config=file, data_dir=folder), environment=environment or {}, working_dir=folder, system=folder
    )


async def in_force(found: LoadedSettings, kept: Kept) -> SettingsInForce:
    settings = SettingsInForce(found.layers, kept, found.settings)
    await settings.load()
    return settings


async def test_what_is_stored_lies_between_file_and_environment(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "[storage]\nretention_days = 7\nmin_free_pct = 5\n[mqtt]\nbroker_host = broker\n",
        {"LIGHTNVR_STREAMS_MAX_STREAMS": "4"},
    )
    kept = Kept(retention_days=8, max_streams=64, mqtt_broker_host="other", web_port=9000)
    settings = await in_force(found, kept)
    assert settings.current.storage.retention_days == 8
    assert settings.current.storage.min_free_pct == 5
    assert settings.current.streams.max_streams == 4
    assert settings.value("max_streams") == 4
    assert settings.value("mqtt_broker_host") == "other"
    assert settings.current.web.port == 9000


async def test_a_value_as_in_the_file_is_not_stored(tmp_path: Path) -> None:
    kept = Kept()
    settings = await in_force(loaded(tmp_path, "[storage]\nretention_days = 7\n"), kept)
    await settings.change({"retention_days": 9, "mqtt_qos": 2})
    assert kept.values == {"retention_days": 9, "mqtt_qos": 2}
    await settings.change({"retention_days": 7})
    assert kept.values == {"mqtt_qos": 2}
    assert settings.current.storage.retention_days == 7


async def test_sending_everything_back_changes_nothing(tmp_path: Path) -> None:
    kept = Kept(turn_password="secret")
    settings = await in_force(loaded(tmp_path), kept)
    told: list[Settings] = []
    settings.on_change(told.append)
    change = await settings.change(settings.shown(MEMBERS))
    assert (change.changed, kept.values, told) == ((), {"turn_password": "secret"}, [])
    assert settings.shown(["turn_password", "mqtt_password"]) == {"turn_password": "********", "mqtt_password": ""}


async def test_what_the_environment_sets_is_not_changed(tmp_path: Path) -> None:
    settings = await in_force(loaded(tmp_path, environment={"LIGHTNVR_RETENTION_DAYS": "5"}), Kept())
    with pytest.raises(InvalidSetting, match=r"retention_days .*the environment variable LIGHTNVR_RETENTION_DAYS"):
        await settings.change({"retention_days": 6})
    assert (await settings.change({"retention_days": 5})).changed == ()


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"storage_pressure_warning_pct": 4.0}, "pressure_warning_pct"),
        ({"web_bind_ip": "nonsense"}, "web_bind_ip"),
        ({"trusted_proxy_cidrs": "10.0.0/33"}, "trusted_proxy_cidrs"),
        ({"storage_path": "/tmp/elsewhere"}, "storage_path"),
        ({"db_post_backup_script": "/bin/true"}, "db_post_backup_script"),
        ({"max_streams_ceiling": 500}, "max_streams_ceiling"),
        ({"webrtc_disabled": True, "hls_disabled": True, "mse_disabled": True}, "mse_disabled"),
        ({"auth_timeout_hours": 200}, "auth_absolute_timeout_hours"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_whole(tmp_path: Path, sent: Mapping[str, Plain], named: str) -> None:
    kept = Kept()
    settings = await in_force(loaded(tmp_path), kept)
    before = settings.current
    with pytest.raises(InvalidSetting, match=named):
        await settings.change({"retention_days": 3, **sent})
    assert kept.values == {}
    assert settings.current is before


async def test_a_stored_value_that_is_not_allowed_any_more_leaves_the_others_in_force(tmp_path: Path) -> None:
    ini = "[storage]\npressure_critical_pct = 30\npressure_warning_pct = 50\n"
    kept = Kept(retention_days=365, storage_pressure_warning_pct=25.0, gone_since=1)
    settings = await in_force(loaded(tmp_path, ini), kept)
    assert settings.current.storage.retention_days == 365
    assert settings.current.storage.pressure_warning_pct == 50


async def test_only_what_listens_anew_waits_for_a_restart(tmp_path: Path) -> None:
    settings = await in_force(loaded(tmp_path), Kept())
    change = await settings.change({"web_port": 9999, "log_level": 3, "generate_thumbnails": False})
    assert change.after_restart == ("web_port",)


async def test_units_of_the_file_and_of_members_differ(tmp_path: Path) -> None:
    settings = await in_force(loaded(tmp_path, "[memory]\nswap_size = 268435456\n"), Kept())
    assert settings.value("swap_size") == 256
    await settings.change({"swap_size": 64})
    assert settings.current.later["memory"]["swap_size"] == str(64 * 1024 * 1024)


def test_each_member_stands_somewhere_of_its_own() -> None:
    places = [at(field).place for field in MEMBERS.values()]
    assert len(set(places)) == len(places)
    assert all(field.description for field in MEMBERS.values())


def test_ranges_of_members_are_within_those_of_settings() -> None:
    for value in (0, 365):
        assert StorageSettings(retention_days=value).retention_days == value

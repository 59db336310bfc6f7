"""Settings come from defaults, file, environment and command line, each winning over the one before."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lightnvr.config import CommandLine, InvalidSettings, LoadedSettings, load_settings

Load = Callable[..., LoadedSettings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load with `ini` as ./lightnvr.ini, on a machine whose / is an empty folder."""
    working_dir, system = tmp_path / "work", tmp_path / "system"
    working_dir.mkdir()
    (system / "var/lib/lightnvr").mkdir(parents=True)

    def load_with(
        ini: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        command_line: CommandLine | None = None,
    ) -> LoadedSettings:
        if ini is not None:
            (working_dir / "lightnvr.ini").write_bytes(ini.encode() if isinstance(ini, str) else ini)
        return load_settings(
            command_line or CommandLine(),
            environment={"HOME": str(tmp_path / "home"), **(environment or {})},
            working_dir=working_dir,
            system=system,
        )

    return load_with


def test_without_anything_the_defaults_hold(load: Load, tmp_path: Path) -> None:
    loaded = load()
    settings = loaded.settings
    assert (loaded.file, loaded.warnings) == (None, ())
    assert (settings.web.port, settings.web.bind_ip, settings.web.auth_enabled) == (8080, "0.0.0.0", True)
    assert settings.general.data_dir == tmp_path / "system/var/lib/lightnvr"
    assert settings.storage.path == settings.general.data_dir / "recordings"
    assert settings.database.path == settings.general.data_dir / "lightnvr.db"
    assert settings.storage.mp4_segment_duration == 900


def test_each_source_wins_over_the_one_before(load: Load) -> None:
    ini = "[web]\nport = 1001\n"
    assert load(ini).settings.web.port == 1001
    environment = {"LIGHTNVR_WEB_PORT": "1002"}
    assert load(ini, environment).settings.web.port == 1002
    assert load(ini, environment, CommandLine(port=1003)).settings.web.port == 1003


def test_the_data_folder_moves_everything_that_was_not_set(load: Load, tmp_path: Path) -> None:
    command_line = CommandLine(data_dir=tmp_path / "data")
    settings = load("[storage]\npath = /mnt/disk\n", None, command_line).settings
    assert settings.storage.path == Path("/mnt/disk")
    assert settings.database.path == tmp_path / "data/lightnvr.db"
    assert settings.secret_key_file == tmp_path / "data/secret.key"
    assert settings.initial_password_file == tmp_path / "data/initial-admin-password.txt"
    assert load(None, {"LIGHTNVR_DATA_DIR": "/srv/nvr"}).settings.database.path == Path("/srv/nvr/lightnvr.db")


def test_without_rights_in_var_lib_the_home_is_used(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "system/var/lib/lightnvr"
    folder.rmdir()
    folder.touch()
    assert load().settings.general.data_dir == tmp_path / "home/.local/share/lightnvr"
    settings = load(None, {"XDG_DATA_HOME": str(tmp_path / "xdg")}).settings
    assert settings.general.data_dir == tmp_path / "xdg/lightnvr"


def test_files_are_looked_for_in_order(load: Load, tmp_path: Path) -> None:
    for number, name in enumerate(
        ("work/config/lightnvr.ini", "system/etc/lightnvr/lightnvr.ini", "work/lightnvr.ini")
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[web]\nport = {2000 + number}\n")
        loaded = load()
        assert (loaded.file, loaded.settings.web.port) == (path, 2000 + number)
    chosen = tmp_path / "chosen.ini"
    with pytest.raises(InvalidSettings, match=r"chosen\.ini cannot be read"):
        load(None, None, CommandLine(config=chosen))
    chosen.write_text("[web]\nport = 3000\n")
    assert load(None, None, CommandLine(config=chosen)).settings.web.port == 3000


def test_the_old_dialect_is_read(load: Load) -> None:
    ini = (
        b"\xef\xbb\xbf; a comment\n# another\n[web] junk\nport: 81 ; comment\n[general]\nlog_level=1\n"
        b"[go2rtc]\nturn_password = a;b=c:d#e\nstun_server = first\n   second\n"
    )
    settings = load(ini).settings
    assert (settings.web.port, settings.general.log_level) == (81, 1)
    assert (settings.go2rtc.turn_password, settings.go2rtc.stun_server) == ("a;b=c:d#e", "second")


def test_networks_that_the_original_wrote_in_several_lines_are_read(load: Load) -> None:
    networks = "10.0.0.0/8\n192.168.0.0/16\n2001:db8::/32"
    settings = load(f"[web]\ntrusted_proxy_cidrs = {networks}\nport = 81\n").settings
    assert settings.web.trusted_proxy_cidrs == networks.replace("\n", ",")
    assert settings.web.port == 81
    with pytest.raises(InvalidSettings, match=r"line 3: neither a \[section\] nor a line of the form key = value"):
        load("[web]\nport = 81\n10.0.0.0/8\n")


def test_keys_of_features_to_come_are_kept_without_a_word(load: Load) -> None:
    loaded = load("[onvif]\ndiscovery_enabled = true\ndiscovery_interval = 60\n[storage]\npath_hls = /tmp/hls\n")
    assert loaded.warnings == ()
    assert loaded.settings.later == {
        "onvif": {"discovery_enabled": "true", "discovery_interval": "60"},
        "storage": {"path_hls": "/tmp/hls"},
    }


def test_bands_of_pressure_that_do_not_follow_each_other_stop_the_start(load: Load) -> None:
    settings = load("[storage]\npressure_warning_pct = 30\nretention_days = 0\nauto_delete_oldest = no\n").settings
    assert (settings.storage.pressure_warning_pct, settings.storage.retention_days) == (30, 0)
    assert not settings.storage.auto_delete_oldest
    with pytest.raises(InvalidSettings) as refused:
        load("[storage]\npressure_warning_pct = 8\n")
    (problem,) = refused.value.problems
    assert problem.startswith("[storage] pressure_warning_pct, pressure_critical_pct and pressure_emergency_pct are 8,")
    assert problem.endswith("Each must be less than the one before it.")


def test_unknown_names_are_warned_about(load: Load) -> None:
    ini = "[web]\nprot = 1\n[nonsense]\nkey = 1\n[stream.0]\nname = x\n"
    warnings = "\n".join(load(ini, {"LIGHTNVR_WEB_PROT": "1"}).warnings)
    assert "line 2, [web] prot is not a setting" in warnings
    assert "[nonsense] key is not a setting" in warnings
    assert "[stream.0] name is ignored: cameras are added" in warnings
    assert "LIGHTNVR_WEB_PROT is not a setting" in warnings


def test_who_counts_on_a_setting_without_effect_is_told(load: Load) -> None:
    ini = "[storage]\nmax_size = 500000000000\nmp4_retention_days = 0\n[web]\ndemo_mode = true\nhls_disabled = false\n"
    size, demo = load(ini).warnings
    assert "line 2, [storage] max_size has no effect. It had none in the original. Set max_total_size" in size
    assert "[web] demo_mode has no effect. Nobody gets in without an account." in demo


@pytest.mark.parametrize(
    ("section", "line", "allowed"),
    [
        ("web", "port = 70000", "a whole number from 1 to 65535"),
        ("web", "port = http", "a whole number from 1 to 65535"),
        ("web", "auth_enabled = maybe", "true or false"),
        ("web", "bind_ip = localhost", "an IP address"),
        ("web", "trusted_proxy_cidrs = 10.0.0.0/99", "networks such as"),
        ("storage", "mp4_segment_duration = 9", "from 10 to 3600"),
        ("storage", "sync_interval_s = nan", "from 0 to 60"),
        ("storage", "mp4_directory_format = daily", "one of flat, year_month, year_month_day"),
        ("streams", "max_streams = 257", "from 1 to 256"),
        ("api", "dialect = klingon", "one of documented, lightnvr"),
    ],
)
def test_a_bad_value_stops_the_start_and_says_where_it_is_and_what_is_allowed(
    load: Load, section: str, line: str, allowed: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load(f"\n[{section}]\n{line}\n")
    key, value = line.split(" = ")
    assert f"lightnvr.ini, line 3, [{section}] {key}: '{value}' is not allowed." in str(refused.value)
    assert allowed in str(refused.value)


def test_every_bad_value_is_told_at_once(load: Load) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load("[web]\nport = 0\n", {"LIGHTNVR_STREAMS_MAX_STREAMS": "0"}, CommandLine(host="nowhere"))
    assert len(refused.value.problems) == 3
    assert "The environment variable LIGHTNVR_STREAMS_MAX_STREAMS: '0'" in str(refused.value)
    assert "The option --host: 'nowhere'" in str(refused.value)


def test_a_secret_is_not_repeated(load: Load) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load(None, {"LIGHTNVR_ADMIN_PASSWORD": "Pa55word" * 1000})
    assert "Pa55word" not in str(refused.value)
    environment = {"LIGHTNVR_ADMIN_PASSWORD": "Pa55word", "LIGHTNVR_MQTT_PASSWORD": "Pa55word"}
    assert "Pa55word" not in repr(load(None, environment).settings)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[web\n", "line 1: the section has no closing bracket"),
        (b"[web]\n\nport\n", "line 3: neither"),
        (b"= 5\n", "line 1: neither"),
        (b"[web]\nport = \xff\n", "not a text file in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_understood_stops_the_start(load: Load, content: bytes, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        load(content)


@pytest.mark.parametrize("word", ["true", "1", "YES", "on"])
def test_words_for_true(load: Load, word: str) -> None:
    assert load(None, {"LIGHTNVR_GO2RTC_TURN_ENABLED": word}).settings.go2rtc.turn_enabled is True


@pytest.mark.parametrize("word", ["false", "0", "No", "off"])
def test_words_for_false(load: Load, word: str) -> None:
    assert load(None, {"LIGHTNVR_WEB_AUTH_ENABLED": word}).settings.web.auth_enabled is False


def test_an_empty_variable_is_not_set(load: Load) -> None:
    settings = load("[web]\nport = 81\n", {"LIGHTNVR_WEB_AUTH_ENABLED": "", "LIGHTNVR_WEB_PORT": " "}).settings
    assert (settings.web.auth_enabled, settings.web.port) == (True, 81)


def test_without_login_only_this_machine_is_served_unless_asked_for(load: Load) -> None:
    off = {"LIGHTNVR_WEB_AUTH_ENABLED": "off"}
    assert load(None, off).settings.web.bind_ip == "127.0.0.1"
    assert load(None, off | {"LIGHTNVR_WEB_BIND_IP": "0.0.0.0"}).settings.web.bind_ip == "0.0.0.0"
    assert load(None, off, CommandLine(host="::")).settings.web.bind_ip == "::"


def test_names_of_the_original_are_understood(load: Load) -> None:
    environment = {
        "LIGHTNVR_ADMIN_PASSWORD": "correct horse",
        "LIGHTNVR_DB_PATH": "/srv/nvr.db",
        "LIGHTNVR_STORAGE_PATH": "/srv/footage",
        "LIGHTNVR_TURN_SERVER_URL": "turn:host",
        "LIGHTNVR_API_DIALECT": "lightnvr",
        "LIGHTNVR_DEMO_MODE": "true",
        "LIGHTNVR_MIGRATIONS_DIR": "/x",
    }
    loaded = load(None, environment)
    settings = loaded.settings
    assert (settings.web.password, settings.database.path) == ("correct horse", Path("/srv/nvr.db"))
    assert (settings.storage.path, settings.go2rtc.turn_server_url) == (Path("/srv/footage"), "turn:host")
    assert (settings.api.dialect, settings.later) == ("lightnvr", {"web": {"demo_mode": "true"}})
    assert loaded.warnings == ()


def test_an_empty_value_in_the_file_means_the_default_where_nothing_else_makes_sense(load: Load) -> None:
    loaded = load("[web]\nport =\npassword =\n[database]\nurl =\n[general]\nlog_file =\n")
    assert (loaded.settings.web.port, loaded.settings.general.log_file) == (8080, None)
    assert len(loaded.warnings) == 1
    assert "[web] port is empty, so the default is used" in loaded.warnings[0]

"""Every setting of LightNVR: its type, its default, its range and a sentence saying what it does."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from lightnvr.config.detection_settings import ApiDetectionSettings, DetectionEngineSettings, ModelsSettings
from lightnvr.config.kinds import (
    Folder,
    IpAddress,
    IpAddresses,
    NamedFolders,
    Networks,
    OptionalPath,
    Origins,
    Section,
    SyslogFacility,
    TotalSize,
)
from lightnvr.config.named_folders import named_folders
from lightnvr.config.sampling_settings import DetectionSettings
from lightnvr.config.telling_settings import MqttSettings, WebhookSettings

SYSTEM_DATA_DIR = Path("/var/lib/lightnvr")


class GeneralSettings(Section):
    """Where LightNVR keeps its own files, and what it logs."""

    data_dir: Folder = Field(
        SYSTEM_DATA_DIR,
        description="Folder that everything is kept in unless another setting says otherwise. Without this setting: "
        "/var/lib/lightnvr when it is writable, else ~/.local/share/lightnvr.",
    )
    log_level: int = Field(2, ge=0, le=3, description="What is logged: 0 errors, 1 warnings too, 2 the usual, 3 all.")
    log_file: OptionalPath = Field(
        None,
        description="File to log to, besides the console; begun anew at 10 MB, the last four are kept. Empty: the "
        "console only, which suits systemd and Docker.",
    )
    syslog_enabled: bool = Field(
        False, description="Whether what is logged also goes to the log of the system, through /dev/log."
    )
    syslog_ident: str = Field(
        "lightnvr", min_length=1, max_length=63, description="Name of the program in the log of the system."
    )
    syslog_facility: SyslogFacility = Field("LOG_USER", description="Facility in the log of the system.")


class StorageSettings(Section):
    """Where recordings are kept and how they are written."""

    path: Folder = Field(
        SYSTEM_DATA_DIR / "recordings", description="Folder of the recordings. Default: recordings/ in the data folder."
    )
    paths: NamedFolders = Field(
        "",
        description="More folders of recordings, each with a name, separated by commas: archive=/mnt/archive, "
        "nas=/mnt/nas. A stream is recorded to the one whose name is its member storage.",
    )
    fallback_path: OptionalPath = Field(
        None,
        description="Folder that is recorded to while the one of a stream is not there, on another disk. Empty: none.",
    )
    record_mp4_directly: bool = Field(False, description="Whether new recordings go to mp4_path instead of path.")
    mp4_path: OptionalPath = Field(
        None,
        description="Folder of new recordings with record_mp4_directly. In it, or as it, a folder mp4 has one of each "
        "stream.",
    )
    mp4_directory_format: Literal["flat", "year_month", "year_month_day"] = Field(
        "year_month_day", description="Folders below the one of a stream: none, YYYY/MM or YYYY/MM/DD (UTC)."
    )
    mp4_segment_duration: int = Field(
        900, ge=10, le=3600, description="Length of a recording in seconds, for streams that do not say it themselves."
    )
    fragment_duration_ms: int = Field(
        500, ge=100, le=5000, description="Milliseconds of footage written at a time: what a crash can cost at most."
    )
    sync_interval_s: float = Field(
        2.0,
        ge=0,
        le=60,
        description="Seconds between flushes to the disk: what a power cut can cost. 0: left to the system.",
    )
    retention_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="Days that recordings are kept, of streams that do not say it themselves and of deleted streams. "
        "0: as long as there is space.",
    )
    auto_delete_oldest: bool = Field(
        True, description="Whether old recordings are deleted when space runs out. When false, recording stops then."
    )
    max_total_size: TotalSize = Field(
        0,
        ge=0,
        le=2**63 - 1,
        description="Bytes that all recordings together may take; the least important go when they take more, unless "
        "auto_delete_oldest is false. 0: no limit.",
    )
    min_free_pct: float = Field(10.0, ge=0, le=90, description="Per cent of the disk that are kept free.")
    pressure_warning_pct: float = Field(
        20.0, ge=0, le=100, description="Per cent free below which the state of the disk is Warning."
    )
    pressure_critical_pct: float = Field(
        10.0, ge=0, le=100, description="Per cent free below which it is Critical; less than for Warning."
    )
    pressure_emergency_pct: float = Field(
        5.0, ge=0, le=100, description="Per cent free below which it is Emergency; less than for Critical."
    )

    generate_thumbnails: bool = Field(True, description="Whether recordings have small pictures.")
    thumbnails_per_recording: Literal["1", "3"] = Field(
        "3", description="How many: 1 is of the beginning; 3 are of the beginning, the middle and the end."
    )
    thumbnail_cache_mb: int = Field(
        256, ge=1, le=100_000, description="MiB of thumbnails that are kept in the data folder; others are made again."
    )

    @property
    def roots(self) -> dict[str, Path]:
        """The folder of every storage by its name; `main` is the one of `path`."""
        found = {"main": self.path, **dict(named_folders(self.paths))}
        if self.default_storage != "main" and self.mp4_path is not None:
            found["mp4"] = self.mp4_path.parent if self.mp4_path.name == "mp4" else self.mp4_path
        if self.fallback_path is not None:
            found["fallback"] = self.fallback_path
        return found

    @property
    def default_storage(self) -> str:
        """The name of the storage of streams that name none."""
        return "mp4" if self.record_mp4_directly and self.mp4_path is not None else "main"

    @model_validator(mode="after")
    def _tell_storages_apart(self) -> Self:
        roots = list(self.roots.values())
        twice = next((root for root in roots if roots.count(root) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "together",
                "path, paths, mp4_path and fallback_path name {folder} twice. Each storage needs a folder of its own.",
                {"folder": str(twice)},
            )
        return self

    @model_validator(mode="after")
    def _order_the_bands(self) -> Self:
        if not self.pressure_warning_pct > self.pressure_critical_pct > self.pressure_emergency_pct:
            bands = f"{self.pressure_warning_pct:g}, {self.pressure_critical_pct:g}, {self.pressure_emergency_pct:g}"
            raise PydanticCustomError(
                "together",
                "pressure_warning_pct, pressure_critical_pct and pressure_emergency_pct are {bands}. Each must be "
                "less than the one before it.",
                {"bands": bands},
            )
        return self


class DatabaseSettings(Section):
    """Where the database is, and how often it is backed up, with the settings and keys."""

    path: Folder = Field(
        SYSTEM_DATA_DIR / "lightnvr.db",
        description="The SQLite file, used when url is empty. Default: lightnvr.db in the data folder.",
    )
    url: str = Field(
        "",
        repr=False,
        description="Address of a PostgreSQL database: postgresql://user:password@host/name. Empty: SQLite.",
    )
    backup_interval_minutes: int = Field(
        1440, ge=0, le=525_600, description="Minutes between backups that are made by themselves. 0: none."
    )
    backup_retention_count: int = Field(
        7, ge=0, le=1000, description="How many of these backups are kept, and as many made by hand; 0 is the latest."
    )
    backup_path: OptionalPath = Field(
        None,
        description="Folder of the backups, best on another disk. Empty: backups/ in the data folder. Whoever reads a "
        "backup has all passwords of cameras.",
    )
    post_backup_script: OptionalPath = Field(
        None,
        description="Program that is run after each backup, to copy it elsewhere, with three arguments: the backup, "
        "the database, the folder of backups. Not run through a shell. Empty: none.",
    )
    backup_before_upgrade: bool = Field(
        True,
        description="Whether a new version makes a backup before it changes the tables of a SQLite database, and "
        "leaves them alone when it cannot.",
    )


class WebSettings(Section):
    """The web server: address, login and sessions."""

    port: int = Field(8080, ge=1, le=65535, description="TCP port that the server listens on.")
    bind_ip: IpAddress = Field(
        "0.0.0.0",  # noqa: S104 - a video recorder is there to be reached from other machines
        description="Address that the server listens on. With auth_enabled = false it is 127.0.0.1 unless set here.",
    )
    tls_cert: OptionalPath = Field(
        None,
        description="File with the certificate, PEM, with those between it and the root after it. Then the server "
        "speaks HTTPS only. Read again when it changes.",
    )
    tls_key: OptionalPath = Field(None, description="File with the key of tls_cert, PEM, without a password.")
    auth_enabled: bool = Field(
        True, description="Whether callers must log in. When false, everybody who reaches the port is an administrator."
    )
    password: str = Field(
        "",
        max_length=1024,
        repr=False,
        description="Password of the account admin, used when there is no account yet. Empty: a random one is made.",
    )
    auth_timeout_hours: int = Field(24, ge=1, le=8760, description="Hours without a request after which a login ends.")
    auth_absolute_timeout_hours: int = Field(168, ge=1, le=87600, description="Hours after which a login ends anyway.")
    trusted_device_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="Days that a browser on which a user with an authenticator says so needs no code. 0: none.",
    )
    force_mfa_on_login: bool = Field(
        False,
        description="Whether users with an authenticator give its code together with the password, so that nobody "
        "learns which of them is wrong.",
    )
    trusted_proxy_cidrs: Networks = Field(
        "",
        description="Networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed, "
        "separated by commas.",
    )
    proxy_user_header: str = Field(
        "",
        pattern=r"^([A-Za-z0-9-]{1,64})?$",
        description="Header in which these proxies tell the name of the user whom they have let in, such as "
        "X-Remote-User. The proxy must remove it from what clients send. Empty: everybody logs in here.",
    )
    login_rate_limit_enabled: bool = Field(True, description="Whether guessing of passwords is slowed down.")
    login_rate_limit_max_attempts: int = Field(
        5, ge=1, le=1000, description="Wrong passwords, per account and address, before the next attempt must wait."
    )
    login_rate_limit_window_seconds: int = Field(
        300, ge=10, le=86400, description="Seconds that wrong passwords are counted, and how long the first wait is."
    )

    @model_validator(mode="after")
    def _need_both_files(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise PydanticCustomError(
                "together", "tls_cert and tls_key belong together: set both, or neither for HTTP.", {}
            )
        return self

    @model_validator(mode="after")
    def _need_a_proxy(self) -> Self:
        if self.proxy_user_header and not self.trusted_proxy_cidrs:
            raise PydanticCustomError(
                "together", "proxy_user_header needs trusted_proxy_cidrs: say which proxies are believed.", {}
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _stay_on_loopback_without_login(cls, data: object) -> object:
        if isinstance(data, Mapping) and "bind_ip" not in data and _is_false(data.get("auth_enabled", True)):
            return {**data, "bind_ip": "127.0.0.1"}
        return data


class StreamsSettings(Section):
    """Limits and patience with cameras."""

    max_streams: int = Field(32, ge=1, le=256, description="How many cameras can be set up.")
    connect_timeout_s: float = Field(10.0, ge=1, le=60, description="Seconds that a camera has to answer.")
    stall_timeout_s: float = Field(
        10.0, ge=2, le=120, description="Seconds without a packet after which the camera counts as lost."
    )


class ApiSettings(Section):
    """The form of the API's answers."""

    dialect: Literal["documented", "lightnvr"] = Field(
        "documented",
        description="Form of answers: documented, or lightnvr for clients of the original server.",
    )


class LiveSettings(Section):
    """Live view: ways of watching, and how long things are."""

    rtsp_enabled: bool = Field(True, description="Whether streams can be watched by RTSP, at rtsp://host:8554/name.")
    rtsp_port: int = Field(
        8554,
        ge=0,
        le=65535,
        description="TCP port of the RTSP server, on the address that [web] bind_ip names. 0: no RTSP server.",
    )
    webrtc_port: int = Field(
        8555,
        ge=0,
        le=65535,
        description="UDP port that all WebRTC viewers use; another one when it is taken. 0: any free one.",
    )
    webrtc_external_ip: IpAddresses = Field(
        "",
        description="Public addresses whose UDP port webrtc_port a router forwards to this machine, separated by "
        "commas. Empty: what the STUN server says.",
    )
    webrtc_max_viewers: int = Field(
        256, ge=1, le=4096, description="How many viewers can use WebRTC at once, connected or about to be."
    )

    hls_segment_s: float = Field(
        2.0,
        ge=1,
        le=10,
        description="Seconds that a segment of HLS is long, and then up to the camera's next keyframe.",
    )
    cors_origins: Origins = Field(
        "",
        description="Web sites whose pages may play HLS with a ticket or an API key, separated by commas, such as "
        "https://home.example.org. Empty: only pages of this server.",
    )
    max_viewers: int = Field(
        256,
        ge=1,
        le=4096,
        description="How many may watch at a time over a connection of their own: MSE, stream.mp4, stream.ts.",
    )


class Go2rtcSettings(Section):
    """For clients of the original's relay; servers that help browsers to reach the live view from other networks."""

    api_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="TCP port on which the addresses below /go2rtc/, and no others, are served as well. The original's "
        "was 1984. 0: none.",
    )
    stun_enabled: bool = Field(
        True, description="Whether the STUN server is used, by browsers and for the address of this server's router."
    )
    stun_server: str = Field("stun.l.google.com:19302", max_length=255, description="The STUN server, host:port.")
    turn_enabled: bool = Field(False, description="Whether browsers are told of the TURN server.")
    turn_server_url: str = Field("", max_length=255, description="The TURN server, such as turn:turn.example.org:3478.")
    turn_username: str = Field("", max_length=255, description="User name for the TURN server.")
    turn_password: str = Field("", max_length=255, repr=False, description="Password for the TURN server.")
    turn_secret: str = Field(
        "",
        max_length=255,
        repr=False,
        description="Secret shared with the TURN server (coturn: static-auth-secret). Each user then gets credentials "
        "that end after a day, in place of turn_username and turn_password.",
    )
    external_ip: IpAddresses = Field(
        "", description="The original's name for [live] webrtc_external_ip, used when that one is empty."
    )


class Settings(Section):
    """All settings, as they are in force for one run of the program.

    `later` holds, by section and key, what was set for features that this version does not have yet.
    """

    general: GeneralSettings = Field(default_factory=GeneralSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    streams: StreamsSettings = Field(default_factory=StreamsSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    live: LiveSettings = Field(default_factory=LiveSettings)
    go2rtc: Go2rtcSettings = Field(default_factory=Go2rtcSettings)
    detection: DetectionSettings = Field(default_factory=DetectionSettings)
    models: ModelsSettings = Field(default_factory=ModelsSettings)
    api_detection: ApiDetectionSettings = Field(default_factory=ApiDetectionSettings)
    detection_engine: DetectionEngineSettings = Field(default_factory=DetectionEngineSettings)
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    later: dict[str, dict[str, str]] = Field(default_factory=dict, repr=False, description="Kept for features to come.")

    @model_validator(mode="before")
    @classmethod
    def _keep_everything_in_the_data_folder(cls, data: object) -> object:
        """Derive the paths that were not set from the data folder."""
        if not isinstance(data, Mapping):
            return data
        general = data.get("general", {})
        data_dir = general.data_dir if isinstance(general, GeneralSettings) else general.get("data_dir")
        if not data_dir:
            return data
        derived = dict(data)
        places = (("storage", "path", "recordings"), ("database", "path", "lightnvr.db"), ("models", "path", "models"))
        for section, key, name in places:
            values = data.get(section, {})
            if isinstance(values, Mapping):
                derived[section] = {key: Path(data_dir) / name, **values}
        return derived

    @property
    def secret_key_file(self) -> Path:
        """File with the key that camera passwords are encrypted with."""
        return self.general.data_dir / "secret.key"

    @property
    def evidence_key_file(self) -> Path:
        """Where the key is that evidence is signed with."""
        return self.general.data_dir / "evidence-key.pem"

    @property
    def backup_dir(self) -> Path:
        """Folder that backups are kept in."""
        return self.database.backup_path or self.general.data_dir / "backups"

    @property
    def initial_password_file(self) -> Path:
        """File with the first password of the account admin, until it is changed."""
        return self.general.data_dir / "initial-admin-password.txt"


def default_data_dir(environment: Mapping[str, str], system: Path = SYSTEM_DATA_DIR) -> Path:
    """Return `system` when it can be written, else a folder in the user's home (XDG base directories)."""
    for folder in (system, *system.parents):
        if folder.exists():
            if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
                return system
            break
    home = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME") or "~").expanduser() / ".local/share")
    return Path(home) / "lightnvr"


def _is_false(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in {"false", "0", "no", "off", "f", "n"})

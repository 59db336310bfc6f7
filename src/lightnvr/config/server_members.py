"""Members of /api/settings about the server itself: its address, login, logs and database."""

from typing import Annotated, Literal

from pydantic import Field

from lightnvr.config.kinds import SyslogFacility
from lightnvr.config.member import At, Members, YesNo
from lightnvr.streams.values import Text, Whole

_INT32 = 2**31 - 1


class WebMembers(Members):
    """The web server and logging in."""

    web_port: Annotated[int, Whole(1, 65535), At("web", "port", restart=True)] = Field(
        8080, description="TCP port that the server listens on."
    )
    web_bind_ip: Annotated[str, Text(45), At("web", "bind_ip", restart=True)] = Field(
        "0.0.0.0",  # noqa: S104 - as in the settings
        description="Address that it listens on.",
    )
    web_root: Annotated[str, Text(4096), At("web", "root", fixed=True)] = Field(
        "", description="Kept for clients of the original: the pages are part of the program."
    )
    web_auth_enabled: Annotated[YesNo, At("web", "auth_enabled", restart=True, live_view=True)] = Field(
        True, description="Whether callers must log in. It decides also at which address the server listens."
    )
    web_thread_pool_size: Annotated[int, Whole(2, 128), At("web", "web_thread_pool_size")] = Field(
        8, description="Kept for clients of the original; nothing depends on it."
    )
    demo_mode: Annotated[YesNo, At("web", "demo_mode", live_view=True)] = Field(
        False, description="Whether everybody may look. Not there yet: it is kept."
    )
    webrtc_disabled: Annotated[YesNo, At("web", "webrtc_disabled", live_view=True)] = Field(
        False, description="Whether pages do not offer WebRTC. Not all three ways can be disabled."
    )
    hls_disabled: Annotated[YesNo, At("web", "hls_disabled", live_view=True)] = Field(
        False, description="Whether pages do not offer HLS."
    )
    mse_disabled: Annotated[YesNo, At("web", "mse_disabled", live_view=True)] = Field(
        False, description="Whether pages do not offer MSE."
    )
    auth_timeout_hours: Annotated[int, Whole(1, 8760), At("web", "auth_timeout_hours")] = Field(
        24, description="Hours without a request after which a login ends; of sessions that are there at their next."
    )
    auth_absolute_timeout_hours: Annotated[int, Whole(1, 87600), At("web", "auth_absolute_timeout_hours")] = Field(
        168, description="Hours after which a login ends anyway; for logins from now on. Not less than the other."
    )
    trusted_device_days: Annotated[int, Whole(0, 3650), At("web", "trusted_device_days")] = Field(
        30, description="Days that a browser may be trusted not to need a code; 0: never."
    )
    trusted_proxy_cidrs: Annotated[str, Text(1023, lines=True), At("web", "trusted_proxy_cidrs")] = Field(
        "", description="Networks of reverse proxies whose headers are believed, separated by commas or lines."
    )
    force_mfa_on_login: Annotated[YesNo, At("web", "force_mfa_on_login")] = Field(
        False, description="Whether the code of an authenticator must come together with the password."
    )
    login_rate_limit_enabled: Annotated[YesNo, At("web", "login_rate_limit_enabled")] = Field(
        True, description="Whether guessing of passwords is slowed down."
    )
    login_rate_limit_max_attempts: Annotated[int, Whole(1, 1000), At("web", "login_rate_limit_max_attempts")] = Field(
        5, description="Wrong passwords, per account and address, before the next attempt must wait."
    )
    login_rate_limit_window_seconds: Annotated[int, Whole(10, 86400), At("web", "login_rate_limit_window_seconds")] = (
        Field(300, description="Seconds that wrong passwords are counted, and how long the first wait is.")
    )
    api_dialect: Annotated[Literal["documented", "lightnvr"], At("api", "dialect")] = Field(
        "documented", description="Form of answers: `documented`, or `lightnvr` for clients of the original server."
    )


class SystemMembers(Members):
    """Logs, database and what else the process needs."""

    log_file: Annotated[str, Text(4096), At("general", "log_file", fixed=True)] = Field(
        "", description="File to log to; empty: the console only. Set in lightnvr.ini."
    )
    log_level: Annotated[int, Whole(0, 3), At("general", "log_level")] = Field(
        2, description="What is logged: 0 errors, 1 warnings too, 2 the usual, 3 all."
    )
    pid_file: Annotated[str, Text(4096), At("general", "pid_file", fixed=True)] = Field(
        "", description="Kept for clients of the original: no such file is written."
    )
    syslog_enabled: Annotated[YesNo, At("general", "syslog_enabled")] = Field(
        False, description="Whether what is logged goes to the system's log as well."
    )
    syslog_ident: Annotated[str, Text(63), At("general", "syslog_ident")] = Field(
        "lightnvr", description="Name of the program in the system's log."
    )
    syslog_facility: Annotated[SyslogFacility, At("general", "syslog_facility")] = Field(
        "LOG_USER", description="Facility in the system's log."
    )
    db_path: Annotated[str, Text(4096), At("database", "path", fixed=True)] = Field(
        "/var/lib/lightnvr/lightnvr.db", description="The SQLite file. Set in lightnvr.ini."
    )
    db_backup_interval_minutes: Annotated[int, Whole(0, 525_600), At("database", "backup_interval_minutes")] = Field(
        1440, description="Minutes between backups; 0: none."
    )
    db_backup_retention_count: Annotated[int, Whole(0, 1000), At("database", "backup_retention_count")] = Field(
        7, description="How many of them are kept."
    )
    db_post_backup_script: Annotated[str, Text(4096), At("database", "post_backup_script", fixed=True)] = Field(
        "", description="Program that is run after each. Set in lightnvr.ini: the API starts no programs."
    )
    buffer_size: Annotated[int, Whole(1, _INT32), At("memory", "buffer_size")] = Field(
        1024, description="KB; kept for clients of the original, nothing depends on it."
    )
    use_swap: Annotated[YesNo, At("memory", "use_swap")] = Field(
        True, description="Kept for clients of the original; nothing depends on it."
    )
    swap_size: Annotated[int, Whole(1, _INT32), At("memory", "swap_size", unit=1024 * 1024)] = Field(
        128, description="MB; kept for clients of the original, nothing depends on it."
    )

"""Members of /api/settings about recordings and live view."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lightnvr.config.kinds import LEAST_TOTAL_SIZE
from lightnvr.config.member import At, Members, YesNo
from lightnvr.streams.values import Number, Text, Whole

_INT32 = 2**31 - 1
_INT64 = 2**63 - 1
_RELAY = "Kept for clients of the original, which ran a relay; this server is its own."


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("not_allowed", "{sentence}", {"sentence": "must be 1 or 3"})
    return value


class StorageMembers(Members):
    """Where recordings are kept, and for how long."""

    storage_path: Annotated[str, Text(4096), At("storage", "path", fixed=True)] = Field(
        "/var/lib/lightnvr/recordings", description="Folder of the recordings. Set in lightnvr.ini."
    )
    storage_path_hls: Annotated[str, Text(4096), At("storage", "path_hls", fixed=True)] = Field(
        "", description="Kept for clients of the original: live view needs no folder."
    )
    max_storage_size: Annotated[int, Whole(LEAST_TOTAL_SIZE, _INT64, or_zero=True), At("storage", "max_total_size")] = (
        Field(
            0,
            description="Bytes that all recordings together may take, a GB at least; the least important go when they "
            "take more, unless auto_delete_oldest is false. 0: no limit.",
        )
    )
    retention_days: Annotated[int, Whole(0, 365), At("storage", "retention_days")] = Field(
        30,
        description="Days that recordings are kept, of streams that do not say it themselves; 0: as long as there is "
        "space. More than 365 can be set in lightnvr.ini.",
    )
    auto_delete_oldest: Annotated[YesNo, At("storage", "auto_delete_oldest")] = Field(
        True, description="Whether old recordings are deleted when space runs out. When false, recording stops then."
    )
    storage_min_free_pct: Annotated[float, Number(0, 90), At("storage", "min_free_pct")] = Field(
        10.0, description="Per cent of the disk that are kept free."
    )
    storage_pressure_warning_pct: Annotated[float, Number(0, 100), At("storage", "pressure_warning_pct")] = Field(
        20.0, description="Per cent free below which the state of the disk is Warning."
    )
    storage_pressure_critical_pct: Annotated[float, Number(0, 100), At("storage", "pressure_critical_pct")] = Field(
        10.0, description="Per cent free below which it is Critical; less than for Warning."
    )
    storage_pressure_emergency_pct: Annotated[float, Number(0, 100), At("storage", "pressure_emergency_pct")] = Field(
        5.0, description="Per cent free below which it is Emergency; less than for Critical."
    )
    generate_thumbnails: Annotated[YesNo, At("storage", "generate_thumbnails", live_view=True)] = Field(
        True, description="Whether recordings have small pictures."
    )
    thumbnails_per_recording: Annotated[
        Literal[1, 3], BeforeValidator(_no_flag), At("storage", "thumbnails_per_recording", live_view=True)
    ] = Field(3, description="How many: 1 is of the beginning; 3 are of the beginning, the middle and the end.")
    mp4_directory_format: Annotated[
        Literal["flat", "year_month", "year_month_day"], At("storage", "mp4_directory_format")
    ] = Field("year_month_day", description="Folders below the one of a stream, from the next recording on.")
    mp4_segment_duration: Annotated[int, Whole(10, 3600), At("storage", "mp4_segment_duration")] = Field(
        900, description="Seconds of a recording, for streams that are added without saying it themselves."
    )
    max_streams: Annotated[int, Whole(1, 256), At("streams", "max_streams", live_view=True)] = Field(
        32, description="How many cameras can be set up."
    )
    max_streams_ceiling: Annotated[int, Whole(256, 256), At("streams", "max_streams_ceiling", fixed=True)] = Field(
        256, description="The most that max_streams can be."
    )


class LiveMembers(Members):
    """Live view. Names with go2rtc are the original's, whose relay was a program of its own."""

    go2rtc_enabled: Annotated[YesNo, At("go2rtc", "enabled", live_view=True)] = Field(True, description=_RELAY)
    go2rtc_binary_path: Annotated[str, Text(4096), At("go2rtc", "binary_path", fixed=True)] = Field(
        "", description=_RELAY
    )
    go2rtc_config_dir: Annotated[str, Text(4096), At("go2rtc", "config_dir", fixed=True)] = Field(
        "", description=_RELAY
    )
    go2rtc_api_port: Annotated[int, Whole(0, 65535), At("go2rtc", "api_port", restart=True, live_view=True)] = Field(
        0, description="TCP port on which the addresses below /go2rtc/ are served as well; 0: none."
    )
    go2rtc_rtsp_port: Annotated[int, Whole(0, 65535), At("live", "rtsp_port", restart=True)] = Field(
        8554, description="TCP port of the RTSP server; 0: none."
    )
    go2rtc_webrtc_enabled: Annotated[YesNo, At("go2rtc", "webrtc_enabled")] = Field(True, description=_RELAY)
    go2rtc_webrtc_listen_port: Annotated[int, Whole(0, 65535), At("live", "webrtc_port", restart=True)] = Field(
        8555, description="UDP port of WebRTC; 0: any free one."
    )
    go2rtc_stun_enabled: Annotated[YesNo, At("go2rtc", "stun_enabled")] = Field(
        True, description="Whether the STUN server is used. Viewers from now on."
    )
    go2rtc_stun_server: Annotated[str, Text(255), At("go2rtc", "stun_server")] = Field(
        "stun.l.google.com:19302", description="The STUN server, host:port."
    )
    go2rtc_external_ip: Annotated[str, Text(255), At("go2rtc", "external_ip", restart=True)] = Field(
        "", description="Public addresses that a router forwards to this machine, separated by commas."
    )
    go2rtc_ice_servers: Annotated[str, Text(511), At("go2rtc", "ice_servers")] = Field("", description=_RELAY)
    webrtc_connection_timeout_ms: Annotated[
        int, Whole(1000, 600_000), At("go2rtc", "webrtc_connection_timeout_ms", live_view=True)
    ] = Field(30_000, description="Milliseconds that pages wait for a WebRTC connection.")
    webrtc_ice_recovery_timeout_ms: Annotated[
        int, Whole(0, 600_000), At("go2rtc", "webrtc_ice_recovery_timeout_ms", live_view=True)
    ] = Field(5000, description="Milliseconds that pages wait for one that was interrupted.")
    go2rtc_force_native_hls: Annotated[YesNo, At("go2rtc", "force_native_hls", live_view=True)] = Field(
        False, description=_RELAY
    )
    go2rtc_config_override: Annotated[str, Text(65535, lines=True), At("go2rtc", "config_override", secret=True)] = (
        Field("", repr=False, description=f"{_RELAY} Masked, because there may be passwords in it.")
    )
    go2rtc_config_override_disabled_reason: Annotated[
        str, Text(0), At("go2rtc", "config_override_disabled_reason", fixed=True)
    ] = Field("", description=_RELAY)
    go2rtc_config_override_quarantined: Annotated[
        str, Text(0), At("go2rtc", "config_override_quarantined", fixed=True)
    ] = Field("", description=_RELAY)
    turn_enabled: Annotated[YesNo, At("go2rtc", "turn_enabled")] = Field(
        False, description="Whether browsers are told of the TURN server."
    )
    turn_server_url: Annotated[str, Text(255), At("go2rtc", "turn_server_url")] = Field(
        "", description="The TURN server, such as turn:turn.example.org:3478."
    )
    turn_username: Annotated[str, Text(255), At("go2rtc", "turn_username")] = Field(
        "", description="User name for the TURN server."
    )
    turn_password: Annotated[str, Text(255), At("go2rtc", "turn_password", secret=True)] = Field(
        "", repr=False, description="Password for it. Shown as ********, which sent back means unchanged."
    )
    turn_secret: Annotated[str, Text(255), At("go2rtc", "turn_secret", secret=True)] = Field(
        "", repr=False, description="Secret shared with it, in place of name and password. Masked as well."
    )

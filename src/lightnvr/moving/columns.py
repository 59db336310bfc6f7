"""The tables of the original up to version 0.37, and what a column means that an earlier version does not have.

Columns came one after the other with the numbered migrations of its schema; every one has a default.
"""

from collections.abc import Mapping
from types import MappingProxyType

_Defaults = Mapping[str, str | int | float | None]

_STREAMS: _Defaults = {
    "id": None,
    "name": None,
    "url": None,
    "enabled": 1,
    "streaming_enabled": 1,
    "width": 1280,
    "height": 720,
    "fps": 30,
    "codec": "h264",
    "priority": 5,
    "record": 1,
    "segment_duration": 900,
    "detection_based_recording": 0,
    "detection_model": "",
    "detection_threshold": 0.5,
    "detection_interval": 10,
    "pre_detection_buffer": 0,
    "post_detection_buffer": 3,
    "protocol": 0,
    "is_onvif": 0,
    "record_audio": 1,
    "detection_api_url": "",
    "backchannel_enabled": 0,
    "retention_days": -1,
    "detection_retention_days": -1,
    "max_storage_mb": 0,
    "ptz_enabled": 0,
    "ptz_max_x": 0,
    "ptz_max_y": 0,
    "ptz_max_z": 0,
    "ptz_has_home": 0,
    "buffer_strategy": "auto",
    "onvif_username": "",
    "onvif_password": "",
    "onvif_profile": "",
    "detection_object_filter": "none",
    "detection_object_filter_list": "",
    "tier_critical_multiplier": 3.0,
    "tier_important_multiplier": 2.0,
    "tier_ephemeral_multiplier": 0.25,
    "storage_priority": 5,
    "record_on_schedule": 0,
    "recording_schedule": None,
    "group_name": None,
    "tags": "",
    "onvif_port": 0,
    "admin_url": "",
    "privacy_mode": 0,
    "motion_trigger_source": "",
    "go2rtc_source_override": "",
    "sub_stream_url": "",
    "audio_voice_enhancement": 0,
    "detection_url": "",
    "publish_url": "",
    "detection_record_on_schedule": 0,
    "detection_recording_schedule": None,
}

_USERS: _Defaults = {
    "id": None,
    "username": None,
    "password_hash": None,
    "salt": None,
    "role": None,
    "email": "",
    "created_at": 0,
    "updated_at": 0,
    "last_login": None,
    "is_active": 1,
    "api_key": None,
    "password_change_locked": 0,
    "totp_secret": None,
    "totp_enabled": 0,
    "allowed_tags": None,
    "allowed_login_cidrs": None,
}

_RECORDINGS: _Defaults = {
    "id": None,
    "stream_name": None,
    "file_path": None,
    "start_time": None,
    "end_time": None,
    "size_bytes": 0,
    "width": 0,
    "height": 0,
    "fps": 0,
    "codec": "",
    "is_complete": 0,
    "created_at": 0,
    "trigger_type": "scheduled",
    "protected": 0,
    "retention_override_days": None,
    "retention_tier": 2,
    "disk_pressure_eligible": 1,
    "schedule_restricted": None,
}

_DETECTIONS: _Defaults = {
    "id": None,
    "stream_name": None,
    "timestamp": None,
    "label": None,
    "confidence": 0.0,
    "x": 0.0,
    "y": 0.0,
    "width": 0.0,
    "height": 0.0,
    "recording_id": None,
    "created_at": 0,
    "track_id": -1,
    "zone_id": "",
    "source": "",
    "event_end_time": None,
}

_ZONES: _Defaults = {
    "id": None,
    "stream_name": None,
    "name": "",
    "enabled": 1,
    "color": "#3b82f6",
    "polygon": None,
    "filter_classes": "",
    "min_confidence": 0.0,
    "created_at": 0,
    "updated_at": 0,
}

COLUMNS: Mapping[str, _Defaults] = MappingProxyType(
    {
        "streams": _STREAMS,
        "users": _USERS,
        "recordings": _RECORDINGS,
        "recording_tags": {"id": None, "recording_id": None, "tag": None, "created_at": 0},
        "detections": _DETECTIONS,
        "detection_zones": _ZONES,
        "system_settings": {"key": None, "value": None, "updated_at": 0},
    }
)
"""For each table that is read its columns with their defaults."""

UNUSED_TABLES = frozenset(
    {
        "events",
        "motion_recording_config",
        "motion_recordings",
        "motion_settings",
        "schema_migrations",
        "schema_version",
        "sessions",
        "storage_daily_stats",
        "trusted_devices",
    }
)
"""Tables with nothing to take over: the original does not use them any more, or users log in again instead."""

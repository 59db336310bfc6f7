"""Names of settings that other versions of LightNVR know and this one has no use for yet.

They are accepted, so that an existing lightnvr.ini starts, and are kept in `Settings.later`; without a warning but for
those of `RELIED_ON`.
"""

RELIED_ON: dict[tuple[str, str], str] = {
    ("storage", "max_size"): "It had none in the original. Set max_total_size to limit what recordings take.",
    ("storage", "mp4_retention_days"): "Set retention_days.",
    ("web", "demo_mode"): "Nobody gets in without an account.",
    ("web", "webrtc_disabled"): "Set [live] webrtc_port to 0.",
    ("web", "hls_disabled"): "Switch streaming_enabled of a stream off.",
    ("mqtt", "ha_discovery_enabled"): "Set ha_discovery.",
    ("web", "mse_disabled"): "Switch streaming_enabled of a stream off.",
}
"""What somebody who sets it counts on, and what to do instead."""

LATER_KEYS: dict[str, frozenset[str]] = {
    "general": frozenset({"pid_file"}),
    "storage": frozenset(
        {
            "path_hls",
            "max_size",
            "mp4_retention_days",
        }
    ),
    "api_detection": frozenset(
        {
            "detection_threshold",
            "pre_detection_buffer",
            "post_detection_buffer",
            "buffer_strategy",
            "confidence_threshold",
            "filter_classes",
        }
    ),
    "detection_engine": frozenset({"enabled", "delegate"}),
    "web": frozenset(
        {
            "root",
            "username",
            "webrtc_disabled",
            "hls_disabled",
            "mse_disabled",
            "demo_mode",
            "web_thread_pool_size",
        }
    ),
    "memory": frozenset({"buffer_size", "use_swap", "swap_file", "swap_size"}),
    "hardware": frozenset({"hw_accel_enabled", "hw_accel_device"}),
    "go2rtc": frozenset(
        {
            "enabled",
            "binary_path",
            "config_dir",
            "rtsp_port",
            "webrtc_enabled",
            "webrtc_listen_port",
            "webrtc_port",
            "ice_servers",
            "webrtc_connection_timeout_ms",
            "webrtc_ice_recovery_timeout_ms",
            "force_native_hls",
            "proxy_max_inflight",
        }
    ),
    "mqtt": frozenset({"ha_discovery_enabled"}),
    "onvif": frozenset({"discovery_enabled", "discovery_interval", "discovery_network"}),
}

SHORT_VARIABLES: dict[str, tuple[str, str]] = {
    "LIGHTNVR_DATA_DIR": ("general", "data_dir"),
    "LIGHTNVR_LOG_LEVEL": ("general", "log_level"),
    "LIGHTNVR_ADMIN_PASSWORD": ("web", "password"),
    "LIGHTNVR_DB_PATH": ("database", "path"),
    "LIGHTNVR_RTSP_PORT": ("live", "rtsp_port"),
    "LIGHTNVR_TURN_ENABLED": ("go2rtc", "turn_enabled"),
    "LIGHTNVR_TURN_SERVER_URL": ("go2rtc", "turn_server_url"),
    "LIGHTNVR_TURN_USERNAME": ("go2rtc", "turn_username"),
    "LIGHTNVR_TURN_PASSWORD": ("go2rtc", "turn_password"),
    "LIGHTNVR_TURN_SECRET": ("go2rtc", "turn_secret"),
    "LIGHTNVR_WEBRTC_PORT": ("live", "webrtc_port"),
    "LIGHTNVR_WEBRTC_CONNECTION_TIMEOUT_MS": ("go2rtc", "webrtc_connection_timeout_ms"),
    "LIGHTNVR_WEBRTC_ICE_RECOVERY_TIMEOUT_MS": ("go2rtc", "webrtc_ice_recovery_timeout_ms"),
    "LIGHTNVR_DEMO_MODE": ("web", "demo_mode"),
    "LIGHTNVR_RETENTION_DAYS": ("storage", "retention_days"),
    "LIGHTNVR_DB_BACKUP_INTERVAL_MINUTES": ("database", "backup_interval_minutes"),
    "LIGHTNVR_DB_BACKUP_RETENTION_COUNT": ("database", "backup_retention_count"),
    "LIGHTNVR_DB_POST_BACKUP_SCRIPT": ("database", "post_backup_script"),
    "LIGHTNVR_ONVIF_NETWORK": ("onvif", "discovery_network"),
}
"""Environment variables whose name is not LIGHTNVR_<SECTION>_<KEY>."""

IGNORED_VARIABLES = frozenset({"LIGHTNVR_MIGRATIONS_DIR", "LIGHTNVR_AUTO_INIT"})
"""Variables of other versions' containers that say nothing to this one."""

"""The first tables: accounts, streams, storages and recordings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_users()
    _create_sessions()
    _create_streams()
    _create_storages()
    _create_recordings()
    _create_recording_media()
    _create_recording_days()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("api_key_hash", sa.Text(), nullable=True),
        sa.Column("api_key_prefix", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("api_key_hash", name="uq_users_api_key_hash"),
        sa.UniqueConstraint("username", name="uq_users_username"),
        sqlite_autoincrement=True,
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("user_id", _ROW_ID, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("idle_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)


def _stream_identity() -> list[sa.Column[object]]:
    return [
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
    ]


def _stream_recording() -> list[sa.Column[object]]:
    return [
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("streaming_enabled", sa.Boolean(), nullable=False),
        sa.Column("privacy_mode", sa.Boolean(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("fps", sa.Integer(), nullable=False),
        sa.Column("codec", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("protocol", sa.Integer(), nullable=False),
        sa.Column("record", sa.Boolean(), nullable=False),
        sa.Column("segment_duration", sa.Integer(), nullable=False),
        sa.Column("record_audio", sa.Boolean(), nullable=False),
        sa.Column("audio_voice_enhancement", sa.Boolean(), nullable=False),
        sa.Column("record_on_schedule", sa.Boolean(), nullable=False),
        sa.Column("recording_schedule", sa.Text(), nullable=False),
    ]


def _stream_detection() -> list[sa.Column[object]]:
    return [
        sa.Column("detection_based_recording", sa.Boolean(), nullable=False),
        sa.Column("detection_model", sa.Text(), nullable=False),
        sa.Column("detection_threshold", sa.Float(), nullable=False),
        sa.Column("detection_interval", sa.Integer(), nullable=False),
        sa.Column("pre_detection_buffer", sa.Integer(), nullable=False),
        sa.Column("post_detection_buffer", sa.Integer(), nullable=False),
        sa.Column("detection_api_url", sa.Text(), nullable=False),
        sa.Column("detection_object_filter", sa.Text(), nullable=False),
        sa.Column("detection_object_filter_list", sa.Text(), nullable=False),
        sa.Column("detection_url_sealed", sa.Text(), nullable=False),
        sa.Column("detection_record_on_schedule", sa.Boolean(), nullable=False),
        sa.Column("detection_recording_schedule", sa.Text(), nullable=False),
        sa.Column("motion_trigger_source", sa.Text(), nullable=False),
        sa.Column("buffer_strategy", sa.Text(), nullable=False),
    ]


def _stream_camera() -> list[sa.Column[object]]:
    return [
        sa.Column("is_onvif", sa.Boolean(), nullable=False),
        sa.Column("onvif_username", sa.Text(), nullable=False),
        sa.Column("onvif_password_sealed", sa.Text(), nullable=False),
        sa.Column("onvif_profile", sa.Text(), nullable=False),
        sa.Column("onvif_port", sa.Integer(), nullable=False),
        sa.Column("ptz_enabled", sa.Boolean(), nullable=False),
        sa.Column("ptz_max_x", sa.Integer(), nullable=False),
        sa.Column("ptz_max_y", sa.Integer(), nullable=False),
        sa.Column("ptz_max_z", sa.Integer(), nullable=False),
        sa.Column("ptz_has_home", sa.Boolean(), nullable=False),
    ]


def _stream_keeping() -> list[sa.Column[object]]:
    return [
        sa.Column("backchannel_enabled", sa.Boolean(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("detection_retention_days", sa.Integer(), nullable=False),
        sa.Column("max_storage_mb", sa.BigInteger(), nullable=False),
        sa.Column("tier_critical_multiplier", sa.Float(), nullable=False),
        sa.Column("tier_important_multiplier", sa.Float(), nullable=False),
        sa.Column("tier_ephemeral_multiplier", sa.Float(), nullable=False),
        sa.Column("storage_priority", sa.Integer(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("admin_url_sealed", sa.Text(), nullable=False),
        sa.Column("sub_stream_url_sealed", sa.Text(), nullable=False),
        sa.Column("publish_url_sealed", sa.Text(), nullable=False),
        sa.Column("go2rtc_source_override_sealed", sa.Text(), nullable=False),
    ]


def _create_streams() -> None:
    op.create_table(
        "streams",
        *_stream_identity(),
        *_stream_recording(),
        *_stream_detection(),
        *_stream_camera(),
        *_stream_keeping(),
        sa.PrimaryKeyConstraint("id", name="pk_streams"),
        sa.UniqueConstraint("folder", name="uq_streams_folder"),
        sa.UniqueConstraint("name", name="uq_streams_name"),
        sqlite_autoincrement=True,
    )


def _create_storages() -> None:
    op.create_table(
        "storages",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storages"),
        sa.UniqueConstraint("name", name="uq_storages_name"),
        sqlite_autoincrement=True,
    )


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.Column("storage_id", _ROW_ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("codec", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("fps", sa.Float(), nullable=False),
        sa.Column("capture_method", sa.Text(), nullable=False),
        sa.Column("schedule_restricted", sa.Boolean(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("damaged", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["storage_id"], ["storages.id"], name="fk_recordings_storage_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("storage_id", "path", name="uq_recordings_storage_id_path"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recordings_end_us_id", "recordings", ["end_us", "id"], unique=False)
    op.create_index(
        "ix_recordings_open",
        "recordings",
        ["id"],
        unique=False,
        sqlite_where=sa.text("complete = 0"),
        postgresql_where=sa.text("complete = false"),
    )
    op.create_index("ix_recordings_size_bytes_id", "recordings", ["size_bytes", "id"], unique=False)
    op.create_index("ix_recordings_start_us_id", "recordings", ["start_us", "id"], unique=False)
    op.create_index("ix_recordings_stream_name_id", "recordings", ["stream_name", "id"], unique=False)
    op.create_index(
        "ix_recordings_stream_name_start_us_id", "recordings", ["stream_name", "start_us", "id"], unique=False
    )


def _create_recording_media() -> None:
    op.create_table(
        "recording_media",
        sa.Column("recording_id", _ROW_ID, nullable=False),
        sa.Column("init_segment", sa.LargeBinary(), nullable=False),
        sa.Column("fragments", sa.LargeBinary(), nullable=False),
        sa.Column("synced_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_recording_media_recording_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recording_media"),
    )


def _create_recording_days() -> None:
    op.create_table(
        "recording_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.Column("recordings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "stream_name", name="pk_recording_days"),
    )

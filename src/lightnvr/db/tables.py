"""Every table of the database, as SQLAlchemy Core objects.

Times of recordings are microseconds since 1970 UTC; all other times are seconds since 1970 UTC. A new
database gets these tables as they stand here, an older one through the migrations; a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows only in a column of exactly the type INTEGER; PostgreSQL needs BIGINT to hold as much.
RowId = BigInteger().with_variant(Integer(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Integer, nullable=False),
    Column("email", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("api_key_hash", Text, nullable=True, unique=True),
    Column("api_key_prefix", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_login", BigInteger, nullable=False),
    Column("password_change_locked", Boolean, nullable=False, server_default=false()),
    Column("totp_enabled", Boolean, nullable=False, server_default=false()),
    Column("allowed_tags", Text, nullable=False, server_default=""),
    Column("allowed_login_cidrs", Text, nullable=False, server_default=""),
    Column("allowed_actions", Text, nullable=False, server_default=""),
    Column("totp_sealed", Text, nullable=False, server_default=""),
    Column("totp_pending_sealed", Text, nullable=False, server_default=""),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", RowId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("code_hash", Text, primary_key=True),
)

trusted_devices = Table(
    "trusted_devices",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("user_id", RowId, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("user_id", RowId, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("idle_expires_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Only added to: triggers refuse anything else. An entry can be followed by one other only.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_id", BigInteger, nullable=True),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_hash", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_audit_log_actor_id", audit_log.c.actor, audit_log.c.id)


@event.listens_for(audit_log, "after_create")
def _protect_audit_log(_target: Table, connection: Connection, **_options: object) -> None:
    for verb in ("update", "delete"):
        name = f"audit_log_is_only_added_to_{verb}"
        if connection.dialect.name == "sqlite":
            what = f"TRIGGER {name} BEFORE {verb.upper()} ON audit_log "
            what += "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
        else:
            what = f"RULE {name} AS ON {verb.upper()} TO audit_log DO INSTEAD NOTHING"
        connection.execute(text(f"CREATE {what}"))


streams = Table(
    "streams",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("folder", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("password_sealed", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("streaming_enabled", Boolean, nullable=False),
    Column("privacy_mode", Boolean, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("fps", Integer, nullable=False),
    Column("codec", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("protocol", Integer, nullable=False),
    Column("record", Boolean, nullable=False),
    Column("segment_duration", Integer, nullable=False),
    Column("record_audio", Boolean, nullable=False),
    Column("audio_voice_enhancement", Boolean, nullable=False),
    Column("record_on_schedule", Boolean, nullable=False),
    Column("recording_schedule", Text, nullable=False),
    Column("detection_based_recording", Boolean, nullable=False),
    Column("detection_model", Text, nullable=False),
    Column("detection_threshold", Float, nullable=False),
    Column("detection_interval", Integer, nullable=False),
    Column("pre_detection_buffer", Integer, nullable=False),
    Column("post_detection_buffer", Integer, nullable=False),
    Column("detection_api_url", Text, nullable=False),
    Column("detection_object_filter", Text, nullable=False),
    Column("detection_object_filter_list", Text, nullable=False),
    Column("detection_url_sealed", Text, nullable=False),
    Column("detection_record_on_schedule", Boolean, nullable=False),
    Column("detection_recording_schedule", Text, nullable=False),
    Column("motion_trigger_source", Text, nullable=False),
    Column("buffer_strategy", Text, nullable=False),
    Column("is_onvif", Boolean, nullable=False),
    Column("onvif_username", Text, nullable=False),
    Column("onvif_password_sealed", Text, nullable=False),
    Column("onvif_profile", Text, nullable=False),
    Column("onvif_port", Integer, nullable=False),
    Column("ptz_enabled", Boolean, nullable=False),
    Column("ptz_max_x", Integer, nullable=False),
    Column("ptz_max_y", Integer, nullable=False),
    Column("ptz_max_z", Integer, nullable=False),
    Column("ptz_has_home", Boolean, nullable=False),
    Column("backchannel_enabled", Boolean, nullable=False),
    Column("retention_days", Integer, nullable=False),
    Column("detection_retention_days", Integer, nullable=False),
    Column("max_storage_mb", BigInteger, nullable=False),
    Column("tier_critical_multiplier", Float, nullable=False),
    Column("tier_important_multiplier", Float, nullable=False),
    Column("tier_ephemeral_multiplier", Float, nullable=False),
    Column("storage_priority", Integer, nullable=False),
    Column("storage", Text, nullable=False, server_default=""),
    Column("tags", Text, nullable=False),
    Column("admin_url_sealed", Text, nullable=False),
    Column("sub_stream_url_sealed", Text, nullable=False),
    Column("publish_url_sealed", Text, nullable=False),
    Column("go2rtc_source_override_sealed", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Streams that somebody started to record by hand. Gone when it is stopped by hand.
manual_recordings = Table(
    "manual_recordings",
    metadata,
    Column("stream_id", RowId, ForeignKey("streams.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("started_at", BigInteger, nullable=False),
)

storages = Table(
    "storages",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("root", Text, nullable=False),
    sqlite_autoincrement=True,
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("stream_name", Text, nullable=False),
    Column("storage_id", RowId, ForeignKey("storages.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("codec", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("fps", Float, nullable=False),
    Column("capture_method", Text, nullable=False),
    Column("schedule_restricted", Boolean, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("damaged", Text, nullable=False),
    Column("tier", Text, nullable=False, server_default="standard"),
    Column("override_days", Integer, nullable=True),
    UniqueConstraint("storage_id", "path"),
    sqlite_autoincrement=True,
)
Index(None, recordings.c.start_us, recordings.c.id)
Index(None, recordings.c.stream_name, recordings.c.start_us, recordings.c.id)
Index(
    "ix_recordings_open",
    recordings.c.id,
    sqlite_where=recordings.c.complete == false(),
)
# End and size of an open recording change every second. The indexes with them hold finished recordings only, so that
# this costs nothing in them; lists add the few open ones. Each holds all that a list is filtered by.
for _name, _columns in {
    "by_stream": (recordings.c.stream_name, recordings.c.id, recordings.c.start_us),
    "by_end": (recordings.c.end_us, recordings.c.id, recordings.c.start_us, recordings.c.stream_name),
    "by_size": (recordings.c.size_bytes, recordings.c.id, recordings.c.start_us, recordings.c.stream_name),
    "finished": (
        recordings.c.start_us,
        recordings.c.stream_name,
        recordings.c.id,
        recordings.c.end_us,
        recordings.c.size_bytes,
    ),
}.items():
    Index(
        f"ix_recordings_{_name}",
        *_columns,
        sqlite_where=recordings.c.complete == true(),
    )

# What may be deleted, so that the oldest of each kind are found without looking at those that stay. Few have an age of
# their own, and few are protected: they are in indexes of their own.
_MORTAL = (recordings.c.complete == true()) & (recordings.c.protected == false())
for _kind, _names, _where in (
    (
        "removable",
        ("stream_name", "tier", "capture_method", "start_us", "id"),
        _MORTAL & recordings.c.override_days.is_(None),
    ),
    (
        "overridden",
        ("stream_name", "start_us", "id", "override_days"),
        _MORTAL & recordings.c.override_days.is_not(None),
    ),
    ("protected", ("start_us", "id", "stream_name"), recordings.c.protected == true()),
):
    Index(
        f"ix_recordings_{_kind}",
        *(recordings.c[_each] for _each in _names),
        sqlite_where=_where,
    )

# Recordings whose files are being deleted. Written before the first file goes, gone with the row of the recording: what
# a crash leaves here is finished at the next start.
recording_deletions = Table(
    "recording_deletions",
    metadata,
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
)

recording_media = Table(
    "recording_media",
    metadata,
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("init_segment", LargeBinary, nullable=False),
    Column("fragments", LargeBinary, nullable=False),
    Column("synced_bytes", BigInteger, nullable=False, server_default="0"),
)

recording_days = Table(
    "recording_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("stream_name", Text, primary_key=True),
    Column("recordings", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("recorded_us", BigInteger, nullable=False, server_default="0"),
)
"""How many recordings of a stream began on a day, and how large and long those of them are that are FINISHED."""

# How many FINISHED recordings lie in each part of each order, by stream and by when they began; see
# `recording/ranks.py`.
recording_ranks = Table(
    "recording_ranks",
    metadata,
    Column("sorted_by", Text, primary_key=True),
    Column("stream_name", Text, primary_key=True),
    Column("period", Integer, primary_key=True, autoincrement=False),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("recordings", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What was detected, when and where in the picture. `recording_id` is the recording that was being made; which others
# show it follows from the times.
detections = Table(
    "detections",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("stream_id", RowId, nullable=True),
    Column("stream_name", Text, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("track_id", BigInteger, nullable=True),
    Column("zone", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="SET NULL"), nullable=True),
    sqlite_autoincrement=True,
)
Index(None, detections.c.stream_name, detections.c.start_us)
Index(None, detections.c.recording_id)
Index(None, detections.c.label)

recording_tags = Table(
    "recording_tags",
    metadata,
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# How many detections of each label a recording shows.
recording_labels = Table(
    "recording_labels",
    metadata,
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("detections", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Which recordings have a tag, a label, a stream and so on: one bit for each of 4096 ids; see `recording/facets.py`.
recording_facets = Table(
    "recording_facets",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("bits", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Index(None, recording_facets.c.block)
# The SHA-256 of the files of recordings. A row is made when a recording is complete, and filled in by the digester:
# `taken_at` is empty until it was looked at, `sha256` when that showed that there is nothing to take it of.
recording_digests = Table(
    "recording_digests",
    metadata,
    Column("recording_id", RowId, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", Text, nullable=True),
    Column("taken_at", BigInteger, nullable=True),
)
Index(
    "ix_recording_digests_due",
    recording_digests.c.recording_id,
    sqlite_where=recording_digests.c.taken_at.is_(None),
)

# One row at most.
first_steps = Table(
    "first_steps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("complete", Boolean, nullable=False),
    Column("completed_at", BigInteger, nullable=False),
)

# What was changed through /api/settings: JSON, encrypted where `sealed`.
settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("sealed", Boolean, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# Parts of a stream's picture in which detections count.
detection_zones = Table(
    "detection_zones",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("stream_id", RowId, ForeignKey("streams.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("color", Text, nullable=False),
    Column("polygon", Text, nullable=False),
    Column("filter_classes", Text, nullable=False),
    Column("min_confidence", Float, nullable=False),
    Column("anchor", Text, nullable=False, server_default="centre"),
    UniqueConstraint("stream_id", "key"),
    sqlite_autoincrement=True,
)


@event.listens_for(metadata, "before_create")
def _limit_indexes_of_postgresql(target: MetaData, connection: Connection, **_options: object) -> None:
    # Said here and not where each index is made: `postgresql_where` loads that dialect, 2 MB without use for SQLite.
    if connection.dialect.name == "postgresql":
        for index in (index for each in target.tables.values() for index in each.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]

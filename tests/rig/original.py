"""An installation of the original: its database at any version of its tables, its files, its settings."""

import hashlib
import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av

from tests.rig.film import Recipe, transport_stream

LATEST = 46
EARLY = 12
"""No schedules, no tags, no retention of single streams, no authenticators: about 0.20."""

_TABLES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "users": (
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", 0),
        ("username TEXT NOT NULL UNIQUE", 0),
        ("password_hash TEXT NOT NULL", 0),
        ("salt TEXT NOT NULL", 0),
        ("role TEXT NOT NULL", 0),
        ("email TEXT", 0),
        ("created_at INTEGER", 0),
        ("updated_at INTEGER", 0),
        ("last_login INTEGER", 0),
        ("is_active INTEGER DEFAULT 1", 0),
        ("api_key TEXT", 0),
        ("password_change_locked INTEGER DEFAULT 0", 19),
        ("totp_secret TEXT DEFAULT NULL", 21),
        ("totp_enabled INTEGER DEFAULT 0", 21),
        ("allowed_tags TEXT DEFAULT NULL", 29),
        ("allowed_login_cidrs TEXT DEFAULT NULL", 37),
    ),
    "streams": (
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", 0),
        ("name TEXT NOT NULL UNIQUE", 0),
        ("url TEXT NOT NULL", 0),
        ("enabled INTEGER DEFAULT 1", 0),
        ("streaming_enabled INTEGER DEFAULT 1", 0),
        ("width INTEGER DEFAULT 1280", 0),
        ("height INTEGER DEFAULT 720", 0),
        ("fps INTEGER DEFAULT 30", 0),
        ("codec TEXT DEFAULT 'h264'", 0),
        ("priority INTEGER DEFAULT 5", 0),
        ("record INTEGER DEFAULT 1", 0),
        ("segment_duration INTEGER DEFAULT 900", 0),
        ("detection_based_recording INTEGER DEFAULT 0", 2),
        ("detection_model TEXT DEFAULT ''", 2),
        ("detection_threshold REAL DEFAULT 0.5", 2),
        ("detection_interval INTEGER DEFAULT 10", 2),
        ("pre_detection_buffer INTEGER DEFAULT 0", 2),
        ("post_detection_buffer INTEGER DEFAULT 3", 2),
        ("protocol INTEGER DEFAULT 0", 3),
        ("is_onvif INTEGER DEFAULT 0", 3),
        ("record_audio INTEGER DEFAULT 1", 4),
        ("detection_api_url TEXT DEFAULT ''", 11),
        ("backchannel_enabled INTEGER DEFAULT 0", 12),
        ("retention_days INTEGER DEFAULT 30", 13),
        ("detection_retention_days INTEGER DEFAULT 90", 13),
        ("max_storage_mb INTEGER DEFAULT 0", 13),
        ("ptz_enabled INTEGER DEFAULT 0", 14),
        ("ptz_max_x INTEGER DEFAULT 0", 14),
        ("ptz_max_y INTEGER DEFAULT 0", 14),
        ("ptz_max_z INTEGER DEFAULT 0", 14),
        ("ptz_has_home INTEGER DEFAULT 0", 14),
        ("buffer_strategy TEXT DEFAULT 'auto'", 15),
        ("onvif_username TEXT", 16),
        ("onvif_password TEXT", 16),
        ("onvif_profile TEXT", 16),
        ("detection_object_filter TEXT DEFAULT 'none'", 23),
        ("detection_object_filter_list TEXT DEFAULT ''", 23),
        ("tier_critical_multiplier REAL DEFAULT 3.0", 24),
        ("tier_important_multiplier REAL DEFAULT 2.0", 24),
        ("tier_ephemeral_multiplier REAL DEFAULT 0.25", 24),
        ("storage_priority INTEGER DEFAULT 5", 24),
        ("record_on_schedule INTEGER DEFAULT 0", 26),
        ("recording_schedule TEXT", 26),
        ("tags TEXT DEFAULT ''", 28),
        ("onvif_port INTEGER DEFAULT 0", 31),
        ("admin_url TEXT DEFAULT ''", 36),
        ("privacy_mode INTEGER DEFAULT 0", 38),
        ("motion_trigger_source TEXT DEFAULT ''", 39),
        ("go2rtc_source_override TEXT DEFAULT ''", 40),
        ("sub_stream_url TEXT DEFAULT ''", 40),
        ("audio_voice_enhancement INTEGER DEFAULT 0", 41),
        ("detection_url TEXT DEFAULT ''", 42),
        ("publish_url TEXT DEFAULT ''", 44),
        ("detection_record_on_schedule INTEGER DEFAULT 0", 45),
        ("detection_recording_schedule TEXT", 45),
    ),
    "recordings": (
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", 0),
        ("stream_name TEXT NOT NULL", 0),
        ("file_path TEXT NOT NULL", 0),
        ("start_time INTEGER", 0),
        ("end_time INTEGER", 0),
        ("size_bytes INTEGER DEFAULT 0", 0),
        ("width INTEGER", 0),
        ("height INTEGER", 0),
        ("fps INTEGER", 0),
        ("codec TEXT", 0),
        ("is_complete INTEGER DEFAULT 0", 0),
        ("created_at INTEGER", 0),
        ("trigger_type TEXT DEFAULT 'scheduled'", 10),
        ("protected INTEGER DEFAULT 0", 13),
        ("retention_override_days INTEGER DEFAULT NULL", 13),
        ("retention_tier INTEGER DEFAULT 2", 24),
        ("disk_pressure_eligible INTEGER DEFAULT 1", 24),
        ("schedule_restricted INTEGER DEFAULT NULL", 45),
    ),
    "recording_tags": (
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", 30),
        ("recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE", 30),
        ("tag TEXT NOT NULL", 30),
        ("created_at INTEGER", 30),
    ),
    "detections": (
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", 0),
        ("stream_name TEXT NOT NULL", 0),
        ("timestamp INTEGER NOT NULL", 0),
        ("label TEXT NOT NULL", 0),
        ("confidence REAL NOT NULL", 0),
        ("x REAL NOT NULL", 0),
        ("y REAL NOT NULL", 0),
        ("width REAL NOT NULL", 0),
        ("height REAL NOT NULL", 0),
        ("recording_id INTEGER", 0),
        ("created_at INTEGER", 0),
        ("track_id INTEGER DEFAULT -1", 9),
        ("zone_id TEXT DEFAULT ''", 9),
        ("source TEXT DEFAULT ''", 46),
        ("event_end_time INTEGER", 46),
    ),
    "detection_zones": (
        ("id TEXT PRIMARY KEY", 9),
        ("stream_name TEXT NOT NULL", 9),
        ("name TEXT NOT NULL", 9),
        ("enabled INTEGER DEFAULT 1", 9),
        ("color TEXT DEFAULT '#3b82f6'", 9),
        ("polygon TEXT NOT NULL", 9),
        ("filter_classes TEXT DEFAULT ''", 9),
        ("min_confidence REAL DEFAULT 0.0", 9),
        ("created_at INTEGER", 9),
        ("updated_at INTEGER", 9),
    ),
    "system_settings": (("key TEXT PRIMARY KEY", 1), ("value TEXT NOT NULL", 1), ("updated_at INTEGER", 1)),
    "sessions": (("id INTEGER PRIMARY KEY", 0), ("user_id INTEGER", 0), ("token TEXT UNIQUE", 0)),
}


@dataclass
class OriginalInstallation:
    """One in `folder`, with tables of `version`. Its database is in WAL mode, as the original has it."""

    folder: Path
    version: int = LATEST

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.recordings.mkdir()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for table, columns in _TABLES.items():
                there = [column for column, since in columns if since <= self.version]
                if there:
                    connection.execute(f"CREATE TABLE {table} ({', '.join(there)})")
            if self.version > 19:
                connection.execute("CREATE TABLE schema_migrations (version TEXT PRIMARY KEY, applied_at INTEGER)")
                for number in range(1, self.version + 1):
                    connection.execute("INSERT INTO schema_migrations VALUES (?, 1)", (f"{number:04}",))
            else:
                connection.execute("CREATE TABLE schema_version (id INTEGER PRIMARY KEY, version INTEGER)")
                connection.execute("INSERT INTO schema_version VALUES (1, ?)", (self.version,))
            connection.commit()

    @property
    def database(self) -> Path:
        """The database."""
        return self.folder / "lightnvr.db"

    @property
    def recordings(self) -> Path:
        """[storage] path."""
        return self.folder / "recordings"

    @property
    def settings_file(self) -> Path:
        """The lightnvr.ini."""
        return self.folder / "lightnvr.ini"

    def insert(self, table: str, **columns: object) -> int:
        """Add a row and return its id."""
        with closing(sqlite3.connect(self.database)) as connection:
            names = ", ".join(columns)
            marks = ", ".join("?" * len(columns))
            cursor = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))
            connection.commit()
            return int(cursor.lastrowid or 0)

    def execute(self, statement: str) -> None:
        """Change the database in any way."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute(statement)
            connection.commit()

    def add_user(self, username: str, password: str, role: str = "0", **columns: object) -> None:
        """Add a user, the password hashed as the original does it."""
        salt = hashlib.sha256(username.encode()).digest()[:16]
        digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 10_000)
        self.insert(
            "users", username=username, password_hash=digest.hex(), salt=salt.hex(), role=role, created_at=1, **columns
        )

    def record(
        self,
        stream: str,
        start_s: int,
        recipe: Recipe,
        *,
        method: str = "recording",
        index_first: bool = True,
        **columns: object,
    ) -> tuple[int, Path]:
        """Write a file of the original and its row; return the row's id and the file."""
        start = datetime.fromtimestamp(start_s, UTC)
        folder = self.recordings / "mp4" / stream.replace(" ", "_") / f"{start:%Y/%m/%d}"
        path = folder / f"{method}_{start:%Y%m%d_%H%M%S}.mp4"
        folder.mkdir(parents=True, exist_ok=True)
        write_plain_mp4(path, recipe, index_first=index_first)
        row: dict[str, object] = {
            "stream_name": stream,
            "file_path": str(path),
            "start_time": start_s,
            "end_time": start_s + recipe.seconds,
            "size_bytes": path.stat().st_size,
            "width": recipe.width,
            "height": recipe.height,
            "fps": recipe.fps,
            "codec": "h264",
            "is_complete": 1,
            "created_at": start_s,
        }
        return self.insert("recordings", **(row | columns)), path

    def write_settings(self, text: str = "") -> Path:
        """Write its settings file: where everything is, and then `text`, which goes on in [storage]."""
        head = f"[database]\npath = {self.database}\n[storage]\npath = {self.recordings}\n"
        self.settings_file.write_text(head + text)
        return self.settings_file

    def everything(self) -> dict[str, tuple[bytes, int]]:
        """Return the content and the time of change of each of its files, to see that none was touched."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }


def write_plain_mp4(path: Path, recipe: Recipe, *, index_first: bool = True) -> None:
    """Write the footage of a recipe as an ordinary MP4, copied as the original does it, with its index at the front."""
    options = {"movflags": "+faststart"} if index_first else {}
    with (
        av.open(io.BytesIO(transport_stream(recipe)), "r") as source,
        av.open(str(path), "w", format="mp4", options=options) as target,
    ):
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.dts is not None and packet.pts is not None]
        begins = min(packet.dts * packet.time_base for packet in packets if packet.dts is not None)
        for packet in packets:
            late = round(begins / packet.time_base)
            packet.dts, packet.pts = (packet.dts or 0) - late, (packet.pts or 0) - late
            packet.stream = copies[packet.stream.index]
            target.mux(packet)

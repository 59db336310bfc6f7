"""The server and its machine as they are on the wire."""

from pydantic import BaseModel, ConfigDict, Field

_TOTAL, _USED, _FREE = 8_589_934_592, 4_294_967_296, 4_294_967_296


class Block(BaseModel):
    """An amount of memory or of space, in bytes."""

    model_config = ConfigDict(title="MemoryBlock")

    total: int = Field(examples=[_TOTAL])
    used: int = Field(examples=[_USED])
    free: int = Field(examples=[_FREE])


class Cpu(BaseModel):
    """The processors."""

    model: str = Field(examples=["Intel(R) N100"])
    cores: int = Field(examples=[4], description="How many this process may use.")
    usage: float = Field(examples=[12.5], description="Per cent of all of them, over the last tenth of a second.")


class Disk(Block):
    """A storage of recordings."""

    name: str = Field(examples=["main"])
    path: str = Field(examples=["/mnt/recordings"])
    error: str = Field(examples=[""], description="Why it is not there; then the sizes are 0.")


class VersionAnswer(BaseModel):
    """One part of what runs."""

    model_config = ConfigDict(title="VersionItem")

    name: str = Field(examples=["SQLite"])
    category: str = Field(examples=["Library"], description="Application, OS, Service or Library.")
    version: str = Field(examples=["3.45.1"])
    details: str = Field(examples=[""])


class Versions(BaseModel):
    """The versions of what really runs."""

    items: list[VersionAnswer]


class InterfaceAnswer(BaseModel):
    """A network interface with an IPv4 address."""

    model_config = ConfigDict(title="NetworkInterface")

    name: str = Field(examples=["eth0"])
    address: str = Field(examples=["192.168.1.10"])
    mac: str = Field(examples=["aa:bb:cc:dd:ee:ff"], description="Unknown when it has none.")
    up: bool


class Network(BaseModel):
    """The network interfaces, without loopback."""

    interfaces: list[InterfaceAnswer]


class StreamNumbers(BaseModel):
    """How many streams are switched on, and how many there can be."""

    active: int = Field(examples=[3])
    total: int = Field(examples=[32])


class RecordingNumbers(BaseModel):
    """All finished recordings, and their size in bytes."""

    count: int = Field(examples=[1200])
    size: int = Field(examples=[250_000_000_000])


class StreamUse(BaseModel):
    """The finished recordings of a stream that is set up, and how long they are kept."""

    name: str = Field(examples=["Front Door"])
    size: int = Field(examples=[100_000_000])
    count: int = Field(examples=[12])
    retention_days: int = Field(examples=[-1])
    detection_retention_days: int = Field(examples=[-1])
    max_storage_mb: int = Field(examples=[0])


class StorageCache(BaseModel):
    """How old `streamStorage` is: it is counted anew each time."""

    lastUpdate: int = Field(examples=[1_785_585_600])  # noqa: N815 - as the original spells it
    ttlSeconds: int = Field(examples=[0])  # noqa: N815
    isCached: bool = Field(examples=[False])  # noqa: N815


class SystemInfo(BaseModel):
    """The server, the machine it runs on, and what it keeps."""

    version: str = Field(examples=["1.0.0"])
    cpu: Cpu
    memory: Block = Field(description="Of the machine, and what this process uses of it.")
    threads: int = Field(examples=[42])
    webThreadPoolSize: int = Field(examples=[8], description="As in the settings.")  # noqa: N815
    go2rtcMemory: Block = Field(description="There is no relay beside this process: nothing is used.")  # noqa: N815
    detectorMemory: Block = Field(description="There is no detector beside it either.")  # noqa: N815
    systemMemory: Block = Field(description="Of the machine, and what all programs use of it.")  # noqa: N815
    uptime: int = Field(examples=[86400], description="Seconds since the start of the server.")
    disk: Block | None = Field(description="Of the usual storage of recordings; absent when it is not there.")
    systemDisk: Block | None = Field(description="Of the root file system.")  # noqa: N815
    disks: list[Disk] = Field(description="All storages of recordings.")
    global_retention_days: int = Field(examples=[30])
    versions: Versions
    network: Network
    streams: StreamNumbers
    recordings: RecordingNumbers
    streamStorage: list[StreamUse]  # noqa: N815
    streamStorageCache: StorageCache  # noqa: N815


class SystemStatus(BaseModel):
    """The server answers."""

    status: str = Field(examples=["ok"])
    message: str = Field(examples=["System running normally"])
    uptime: float = Field(examples=[86400.5], description="Seconds since the start: less than before after a restart.")


class LogLine(BaseModel):
    """One entry of the log."""

    model_config = ConfigDict(title="LogEntry")

    id: int = Field(examples=[815], description="Counts from 1 at the start of the process.")
    timestamp: str = Field(examples=["2026-08-01T12:00:00.123456Z"])
    level: str = Field(examples=["INFO"], description="ERROR, WARN, INFO or DEBUG.")
    message: str = Field(examples=["Front Door: connected to rtsp://192.168.1.100:554/stream1"])
    logger: str = Field(examples=["lightnvr.streams.connection"], description="The part of the program.")


class LogLines(BaseModel):
    """Entries, oldest first."""

    logs: list[LogLine]
    file: str = Field(examples=["/var/log/lightnvr.log"], description="Where they are written to as well, or empty.")
    level: str = Field(examples=["DEBUG"], description="The least serious level that is in the answer.")


class Asked(BaseModel):
    """It is being done."""

    success: bool = True
    message: str

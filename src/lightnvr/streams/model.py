"""A configured stream, and what goes wrong with its configuration."""

from dataclasses import dataclass, field

from lightnvr.media.address import SourceAddress
from lightnvr.streams.settings import StreamSettings


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it is stored. Times are seconds since 1970 UTC.

    `source` is the address as it was entered, with its own credentials. `folder` is the name of its folder below the
    recordings, unlike that of any other stream. `problem` is empty, or a sentence saying what is wrong with what is
    stored.
    """

    id: int
    name: str
    folder: str
    source: SourceAddress
    settings: StreamSettings
    privacy_mode: bool
    created_at: int
    updated_at: int
    problem: str = ""

    @property
    def address(self) -> SourceAddress:
        """Where to connect to: the source, with the ONVIF credentials when it has none of its own."""
        if self.source.username or self.source.password or not self.settings.onvif_username:
            return self.source
        return self.source.with_credentials(self.settings.onvif_username, self.settings.onvif_password)

    @property
    def sub_address(self) -> SourceAddress | None:
        """Where the small stream is, None without one; with the main stream's credentials when it has none itself."""
        if not self.settings.sub_stream_url:
            return None
        address = SourceAddress.parse(self.settings.sub_stream_url)
        if address.username or address.password or address.host != self.source.host:
            return address
        return address.with_credentials(self.address.username, self.address.password)


@dataclass(frozen=True, slots=True)
class NewStream:
    """A stream to be made."""

    name: str
    url: str
    settings: StreamSettings


@dataclass(frozen=True, slots=True)
class StreamChange:
    """A change of a stream: None, and every member of `settings` that was not given, stays as it is."""

    url: str | None = None
    privacy_mode: bool | None = None
    settings: StreamSettings = field(default_factory=StreamSettings)


class StreamNotFound(LookupError):
    """There is no stream with this name or id."""


class DuplicateStream(Exception):
    """There is a stream with this name already."""


class TooManyStreams(Exception):
    """As many streams as are allowed are set up."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Max streams limit reached ({limit}/{limit}). Raise max_streams in the section [streams] of lightnvr.ini "
            "and restart LightNVR, or remove a stream."
        )


class InvalidStreamSetting(ValueError):
    """A member of a stream has a value that is not allowed."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member} {reason}")
        self.member = member

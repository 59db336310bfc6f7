"""Why a camera gives no pictures, in words a person can act on."""

from enum import StrEnum


class Fault(StrEnum):
    """The kinds of failure that are told apart."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    NO_VIDEO = "no_video"
    UNSUPPORTED = "unsupported"
    ENDED = "ended"
    STALLED = "stalled"
    PROTOCOL = "protocol"


class CameraError(Exception):
    """A camera could not be opened or was lost. The message holds no credentials."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault

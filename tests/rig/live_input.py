"""A stream as the live view sees it, without a camera."""

from dataclasses import dataclass, field

from lightnvr.media.hub import Hub


@dataclass
class Input:
    """A stream. Implements LiveInput."""

    stream_id: int = 1
    name: str = "cam"
    is_sub: bool = False
    tags: str = ""
    refusal: str = ""
    hub: Hub = field(default_factory=Hub)
    users: int = 0

    def acquire(self) -> None:
        self.users += 1

    def release(self) -> None:
        self.users -= 1

    def last_error(self) -> str:
        return "The cable is out."

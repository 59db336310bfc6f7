"""Numbers of segments, which are their addresses: none may ever mean two things."""

from dataclasses import dataclass, field

from lightnvr.live.channel import Channel
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.media.hub import Hub
from lightnvr.media.packets import TracksChanged
from tests.rig.film import Recipe, film


@dataclass(slots=True)
class Door:
    """A stream that can be watched."""

    stream_id: int = 1
    name: str = "door"
    is_sub: bool = False
    tags: str = ""
    refusal: str = ""
    hub: Hub = field(default_factory=Hub)

    def acquire(self) -> None:
        """See LiveInput."""

    def release(self) -> None:
        """See LiveInput."""

    def last_error(self) -> str:
        """See LiveInput."""
        return ""


def test_an_output_that_is_made_anew_at_once_repeats_no_number() -> None:
    footage = film(Recipe(seconds=8, gop=15))
    outputs = HlsOutputs(1.0, lambda ns: ns // 1000, lambda: 1000.0)
    for kind in (outputs.transport, outputs.low_latency):
        first = kind(Channel(Door(), linger_s=30)).make()
        first.take([TracksChanged(footage.tracks), *footage.packets])
        last = first.window.listed[-1].number
        first.close()

        again = kind(Channel(Door(), linger_s=30)).make()
        again.take([TracksChanged(footage.tracks), *footage.packets])

        assert last > 1000
        assert again.window.listed[0].number > last

"""Outputs run while they are used, and a while longer; channels are opened by those who may."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lightnvr.accounts.admission import Admission, Proof, ProofKind
from lightnvr.accounts.authentication import EVERYBODY
from lightnvr.live.audience import Audience, Way
from lightnvr.live.channel import Channel
from lightnvr.live.channels import Channels
from lightnvr.live.errors import CameraUnavailable, CannotWatch, LiveViewOff, NotAdmitted
from lightnvr.live.output import OutputKind
from lightnvr.media.hub import Hub
from lightnvr.media.packets import MediaItem
from lightnvr.streams.service import LiveInput, StreamNotFound
from tests.rig.film import Recipe, film
from tests.rig.nvr import eventually

pytestmark = pytest.mark.anyio

ADMITTED = Admission(EVERYBODY, Proof(ProofKind.NONE, 0))
_FILM = Recipe(seconds=2)


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


class Inputs:
    """Some streams. Implements LiveInputs."""

    def __init__(self, *inputs: Input) -> None:
        self.inputs = list(inputs)

    async def find(self, reference: str) -> LiveInput:
        for one in self.inputs:
            if one.name == reference:
                return one
        raise StreamNotFound(reference)

    async def by_id(self, stream_id: int, *, is_sub: bool) -> LiveInput | None:
        return next((one for one in self.inputs if (one.stream_id, one.is_sub) == (stream_id, is_sub)), None)


class Keeping:
    """An output that keeps what it takes; it fails at the second batch when told so."""

    def __init__(self, *, fails: bool = False) -> None:
        self.items: list[MediaItem] = []
        self.closed = asyncio.Event()
        self._fails = fails

    def take(self, items: Sequence[MediaItem]) -> None:
        if self._fails and self.items:
            raise ValueError("this output is of no use")
        self.items += items

    def close(self) -> None:
        self.closed.set()


KEEPING = OutputKind("keeping", Keeping)
FAILING = OutputKind("failing", lambda: Keeping(fails=True))


async def test_an_output_is_shared_and_starts_with_the_latest_gop() -> None:
    source, shown = Input(), film(_FILM)
    for item in shown.items:
        source.hub.publish(item)
    channel = Channel(source, linger_s=0)
    with channel.use(KEEPING) as output, channel.use(KEEPING) as same:
        assert output is same
        await eventually(lambda: bool(output.items), "the output has something")
        assert output.items == [shown.items[0], *shown.packets[15:]]
        assert source.users == 1
    await output.closed.wait()
    assert source.users == 0
    assert source.hub.longest_rest_s > 0


async def test_an_output_lingers_and_is_found_again() -> None:
    channel = Channel(Input(), linger_s=60)
    with channel.use(KEEPING) as output:
        pass
    assert channel.touch(KEEPING) is output
    assert not output.closed.is_set()
    channel.close()
    await channel.closed()
    assert output.closed.is_set()
    with pytest.raises(CannotWatch):
        channel.touch(KEEPING)


async def test_a_touched_output_ends_by_itself_and_the_next_is_a_fresh_one() -> None:
    channel = Channel(Input(), linger_s=0)
    output = channel.touch(KEEPING)
    await output.closed.wait()
    with channel.use(KEEPING) as fresh:
        assert fresh is not output


async def test_one_that_is_touched_while_it_is_used_goes_on() -> None:
    channel = Channel(Input(), linger_s=0)
    with channel.use(KEEPING) as output:
        assert channel.touch(KEEPING) is output
        await asyncio.sleep(0.01)
        assert not output.closed.is_set()


async def test_an_output_that_fails_is_closed_and_replaced_and_disturbs_no_other() -> None:
    source, shown = Input(), film(_FILM)
    channel = Channel(source, linger_s=60)
    with channel.use(FAILING) as failing, channel.use(KEEPING) as keeping:
        for item in shown.items:
            source.hub.publish(item)
            await eventually(lambda: keeping.items[-1:] == [item], "it has come")  # noqa: B023 - awaited at once
        await failing.closed.wait()
        assert keeping.items == shown.items
        with channel.use(FAILING) as fresh:
            assert fresh is not failing
    channel.close()
    await channel.closed()
    assert source.users == 0


async def test_tracks_are_waited_for_and_their_absence_has_a_reason() -> None:
    source, shown = Input(), film(_FILM)
    channel = Channel(source, linger_s=0)
    with pytest.raises(CameraUnavailable, match="The cable is out"):
        await channel.wait_for_tracks(0.01)
    waiting = asyncio.create_task(channel.wait_for_tracks(30))
    for item in shown.items:
        source.hub.publish(item)
    assert await waiting == shown.tracks


@pytest.mark.parametrize(
    ("source", "admission", "error"),
    [
        (Input(refusal="cam is private at the moment."), ADMITTED, LiveViewOff),
        (Input(name="other"), ADMITTED, StreamNotFound),
        (Input(), Admission(EVERYBODY, ADMITTED.proof, stream_id=2), NotAdmitted),
        (Input(refusal="private"), Admission(EVERYBODY, ADMITTED.proof, stream_id=2), NotAdmitted),
    ],
)
async def test_what_may_not_be_watched_is_refused(source: Input, admission: Admission, error: type[Exception]) -> None:
    with pytest.raises(error):
        await Channels(Inputs(source), _audience()).open("cam", admission)


async def test_a_ticket_opens_main_and_sub_stream() -> None:
    channels = Channels(Inputs(Input(), Input(name="cam_sub", is_sub=True)), _audience())
    ticket = Admission(EVERYBODY, ADMITTED.proof, stream_id=1)
    main, sub = await channels.open("cam", ticket), await channels.open("cam_sub", ticket)
    assert main is not sub
    assert main is await channels.open("cam", ADMITTED)


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_stream_that_is_deleted_or_made_private_ends_its_viewers_and_outputs(*, is_deleted: bool) -> None:
    source, other = Input(), Input(stream_id=2, name="other")
    inputs, audience = Inputs(source, other), _audience()
    channels = Channels(inputs, audience)
    output = (await channels.open("cam", ADMITTED)).touch(KEEPING)
    kept = (await channels.open("other", ADMITTED)).touch(KEEPING)
    with audience.watching(Way.MSE, 1, ADMITTED) as viewer, audience.watching(Way.MSE, 2, ADMITTED) as neighbour:
        await channels.stream_changed(1)
        assert not viewer.ended.is_set()
        if is_deleted:
            inputs.inputs.remove(source)
        else:
            source.refusal = "cam is private at the moment."
        await channels.stream_changed(1)
        assert viewer.ended.is_set()
        assert viewer.reason
        assert not neighbour.ended.is_set()
    await output.closed.wait()
    assert not kept.closed.is_set()
    await channels.close()
    assert kept.closed.is_set()


def _audience() -> Audience:
    async def nobody(proofs: object) -> set[Proof]:
        return set()

    return Audience(nobody)

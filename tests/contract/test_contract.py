"""Every request of the contract that there is is answered as the contract says, in each dialect."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lightnvr.api.access import Level
from lightnvr.api.dialects.choosing import Dialect
from lightnvr.api.permissions import PERMISSIONS
from tests.cameras import camera, in_thread
from tests.contract.contract import Request, contract, missing, nameless
from tests.contract.sending import UNKNOWN, path_of, send, wrong, wrong_error
from tests.contract.shapes import MalformedShape, parse, problems
from tests.contract.world import World, make_film
from tests.server_process import COMMAND, ServerProcess

_THERE = {nameless(name): name for name in PERMISSIONS}
_LEVELS = {
    "nobody": Level.PUBLIC,
    "anybody": Level.ANYBODY,
    "viewer": Level.VIEWER,
    "user": Level.EDITOR,
    "admin": Level.ADMIN,
    "self": Level.OWNER,
    "self with role user": Level.OWNER_USER,
}
_LAST_MEMBER = re.compile(r"(\S*?)(?:\[\d+\])? is missing")
_SETTINGS = {"LIGHTNVR_STREAMS_MAX_STREAMS": "256"}

WANTED = [request for request in contract().requests if not request.left_out]
MADE = [request for request in WANTED if request.key in _THERE and request.method != "SOCKET"]


def _called(request: Request) -> str:
    return f"{request.call}: {request.about}"


@pytest.fixture(scope="module")
def camera_url() -> Iterator[str]:
    """Where a camera answers."""
    with in_thread(camera) as running:
        yield running.camera.url


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, camera_url: str) -> Iterator[World]:
    """One server for all requests but those that end it."""
    folder = tmp_path_factory.mktemp("contract")
    film_s = make_film(folder)
    with ServerProcess([COMMAND, "serve"], folder, _SETTINGS) as server:
        world = World(server, folder, camera_url, film_s)
        yield world
        world.close()


@pytest.fixture
def world_of_its_own(tmp_path: Path, camera_url: str) -> Iterator[World]:
    """A server for one request."""
    film_s = make_film(tmp_path)
    with ServerProcess([COMMAND, "serve"], tmp_path, _SETTINGS) as server:
        world = World(server, tmp_path, camera_url, film_s)
        yield world
        world.close()


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("request_", [each for each in MADE if not each.ends_server], ids=_called)
def test_it_is_answered_as_the_contract_says(world: World, request_: Request, dialect: Dialect) -> None:
    _compare(world, request_, dialect)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("request_", [each for each in MADE if each.ends_server], ids=_called)
def test_what_ends_the_server_is_answered_too(world_of_its_own: World, request_: Request, dialect: Dialect) -> None:
    _compare(world_of_its_own, request_, dialect)
    world_of_its_own.wait_for_the_end(starts_again=request_.address.endswith("restart"))


def _compare(world: World, request: Request, dialect: Dialect) -> None:
    values = world.prepare(request)
    answer = send(_caller(world, request), request, dialect, values, path_of(request, values))
    found = list(wrong(request, dialect, answer, values))
    absent = _absent_members(request)
    new = [problem for problem in found if _member(problem) not in absent]
    assert not new, "\n".join(new)
    if answer.status_code < 400:
        there = absent - {_member(problem) for problem in found}
        assert not there, f"missing.txt names {there}, which is there"


def _caller(world: World, request: Request) -> httpx.Client:
    return world.stranger if request.role == "nobody" or request.session else world.client


def _member(problem: str) -> str:
    match = _LAST_MEMBER.match(problem)
    return "" if match is None else re.sub(r".*\.", "", match[1])


def _absent_members(request: Request) -> set[str]:
    named = (line.split(": ", 1) for line in missing() if ": " in line)
    return {member for call, member in named if nameless(call) == request.key}


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("request_", [each for each in MADE if each.asks_for_unknown], ids=_called)
def test_what_is_not_there_is_answered_with_a_sentence(world: World, request_: Request, dialect: Dialect) -> None:
    values = world.prepare(request_, of_address=False)
    path = {name: UNKNOWN.get(name, "nobody knows") for name in request_.parameters}
    answer = send(_caller(world, request_), request_, dialect, values, path)
    assert not list(wrong_error(request_.unknown, answer)), answer.text


@pytest.mark.parametrize("request_", [each for each in WANTED if each.key in _THERE], ids=_called)
def test_who_may_make_it_is_as_the_contract_says(request_: Request) -> None:
    assert PERMISSIONS[_THERE[request_.key]].level is _LEVELS[request_.role]


@pytest.mark.parametrize("request_", [each for each in contract().requests if each.left_out], ids=_called)
def test_what_was_left_out_is_not_there(world: World, request_: Request) -> None:
    answer = world.client.request(request_.method, request_.address)
    assert answer.status_code in {404, 405}, answer.text


def test_the_list_of_what_is_missing_is_true_and_only_gets_shorter(capsys: pytest.CaptureFixture[str]) -> None:
    listed = {nameless(line) for line in missing() if ": " not in line}
    absent = {request.key: request.call for request in WANTED if request.key not in _THERE}
    with capsys.disabled():
        print("\nThe contract has, but LightNVR has not yet:", *sorted(absent.values()), sep="\n  ")  # noqa: T201
    new = sorted(call for key, call in absent.items() if key not in listed)
    assert not new, f"missing, and not listed in missing.txt: {new}"
    there = sorted(key for key in listed if key not in absent)
    assert not there, f"listed in missing.txt, but there, or not in the contract: {there}"


def test_every_named_member_that_is_missing_belongs_to_a_request_that_is_made() -> None:
    named = {nameless(line.split(": ", 1)[0]) for line in missing() if ": " in line}
    assert named <= {request.key for request in MADE}


@pytest.mark.parametrize("dialect", Dialect)
def test_every_shape_of_the_table_can_be_read(dialect: Dialect) -> None:
    shapes = contract().shapes[dialect]
    for request in contract().requests:
        if written := request.answer_in(dialect):
            list(problems(parse(written), {}, shapes))


def test_a_shape_finds_what_is_wrong() -> None:
    shape = parse(
        "{id: integer, name?: string, tags: [string]+, state: 'on'|'off', none: absent, at: time|null} & {x: 0|1}"
    )
    good = {"id": 1, "tags": ["a"], "state": "on", "at": "2026-08-01T12:00:00Z", "x": 1, "other": True}
    assert list(problems(shape, good, {})) == []
    bad = {"id": True, "name": 7, "tags": [], "state": "in", "none": 1, "at": "now", "x": 2}
    assert list(problems(shape, bad, {})) == [
        "id must be integer, not True",
        "name must be string, not 7",
        "tags must not be empty",
        "state must be 'on', not 'in'",
        "none must not be there",
        "at must be time, not 'now'",
        "x must be 0, not 2",
    ]
    assert list(problems(parse("[{a: Word}]"), [{}, {"a": 1}], {"Word": parse("string")})) == [
        "[0].a is missing",
        "[1].a must be string, not 1",
    ]
    for text in ("{a: }", "[string", "{a: string} b", "string|", "?"):
        with pytest.raises(MalformedShape):
            parse(text)

"""Makes the requests of the contract and says what is wrong with the answers."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import httpx

from lightnvr.api.dialects.choosing import Dialect
from tests.contract.contract import Request, contract
from tests.contract.shapes import parse, problems
from tests.contract.world import Values

_WORD = re.compile(r"\$(\w+)")
_PLACE = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"^\w+", re.MULTILINE)
_ERROR = "{error: string}"

UNKNOWN: Mapping[str, str] = {
    "id": "999999999",
    "session_id": "999999999",
    "device_id": "999999999",
    "index": "0",
}
"""What nothing is called by, for parameters that are no text."""


def send(
    client: httpx.Client, request: Request, dialect: Dialect, values: Values, path: Mapping[str, str]
) -> httpx.Response:
    """Make a request; `path` gives the parameters of its address."""
    address = _PLACE.sub(lambda match: quote(path[match[1]], safe=""), request.address)
    headers = {
        "X-LightNVR-Dialect": dialect.value,
        **{name: fill(text, values) for name, text in request.headers.items()},
    }
    if request.session:
        headers["Cookie"] = str(values["session"])
    content = None if request.text is None else fill(request.text, values)
    body = None if request.body is None else filled(request.body, values)
    query = {name: fill(text, values) for name, text in request.query.items()}
    answer = client.request(request.method, address, params=query, headers=headers, json=body, content=content)
    client.cookies.clear()
    return answer


def path_of(request: Request, values: Values) -> dict[str, str]:
    """Return the parameters of a request's address."""
    return {name: fill(request.path.get(name, f"${name}"), values) for name in request.parameters}


def fill(text: str, values: Values) -> str:
    """Put values into a text."""
    return _WORD.sub(lambda match: str(values[match[1]]), text)


def filled(value: object, values: Values) -> object:
    """Put values into JSON. A text that is nothing but `$name` becomes the value itself, which may be a number."""
    match value:
        case str() if (word := _WORD.fullmatch(value)) is not None:
            return values[word[1]]
        case str():
            return fill(value, values)
        case Mapping():
            return {name: filled(member, values) for name, member in value.items()}
        case list() | tuple():
            return [filled(item, values) for item in value]
        case _:
            return value


def wrong(request: Request, dialect: Dialect, answer: httpx.Response, values: Values) -> Iterator[str]:
    """Yield a sentence for everything that is not as the contract says."""
    expected = request.status_in(dialect)
    if answer.status_code != expected:
        yield f"the status must be {expected}, not {answer.status_code}: {answer.text[:300]}"
        return
    if request.location:
        location = answer.headers.get("Location", "")
        if not location.startswith(fill(request.location, values)):
            yield f"Location must begin with {request.location}, not {location}"
    if request.media == "nothing":
        if answer.content:
            yield f"there must be no body, not {answer.text[:80]}"
    elif request.media and not answer.headers["Content-Type"].startswith(request.media):
        yield f"the media type must be {request.media}, not {answer.headers['Content-Type']}"
    words = set(_NAME.findall(answer.text)) if request.contains else set()
    yield from (f"{word} is missing" for word in request.contains if word not in words)
    if shape := request.answer_in(dialect):
        if not answer.headers["Content-Type"].startswith("application/json"):
            yield f"it must be JSON, not {answer.headers['Content-Type']}"
            return
        yield from problems(parse(shape), answer.json(), contract().shapes[dialect])


def wrong_error(status: int, answer: httpx.Response) -> Iterator[str]:
    """Yield a sentence for everything in which an answer is not the error it should be."""
    if answer.status_code != status:
        yield f"the status must be {status}, not {answer.status_code}: {answer.text[:300]}"
        return
    yield from problems(parse(_ERROR), answer.json(), {})

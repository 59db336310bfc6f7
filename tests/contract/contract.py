"""Reads the table: every request of the contract, how it is made, and how it is answered in each dialect."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lightnvr.api.dialects.choosing import Dialect
from tests.contract.shapes import Shape, parse

_FOLDER = Path(__file__).parent
_PARAMETER = re.compile(r"\{(\w+)\}")

Status = Annotated[int, Field(ge=100, le=599)]


class Request(BaseModel):
    """One request of the contract. `{...}` in the address and `$...` in values stand for what a `World` makes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    call: str = Field(pattern=r"^(GET|POST|PUT|DELETE|SOCKET) /\S*$")
    about: str
    role: Literal["nobody", "anybody", "viewer", "user", "admin", "self", "self with role user"]
    """Who may make it: `anybody` sees more when logged in; `self` is the owner of the account, and administrators."""
    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: Mapping[str, object] | None = None
    text: str | None = None
    needs: tuple[str, ...] = ()
    """What must be there before, beside what the address names."""
    session: bool = False
    """Whether it is made with a session, not with a key."""
    ends_server: bool = False
    status: Status | Mapping[Dialect, Status] = 200
    answer: str | Mapping[Dialect, str] = ""
    media: str = ""
    location: str = ""
    contains: tuple[str, ...] = ()
    """Words that lines of a text begin with."""
    unknown: int = 404
    """The status when there is nothing of the name or id in the address; 0 when that is not asked."""
    differs: str = ""
    """In what it is on purpose not as the original has it, and why."""
    left_out: str = ""
    """Why there is no such address at all."""

    @model_validator(mode="after")
    def _says_what_is_answered(self) -> Self:
        if not (self.answer or self.media or self.location or self.left_out or self.call.startswith("SOCKET")):
            raise ValueError(f"{self.call} must say what is answered")
        return self

    @property
    def method(self) -> str:
        """GET, POST..."""
        return self.call.split()[0]

    @property
    def address(self) -> str:
        """The path, with parameters in braces."""
        return self.call.split()[1]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters in the path."""
        return tuple(_PARAMETER.findall(self.address))

    @property
    def asks_for_unknown(self) -> bool:
        """Whether it can be asked about something that is not there."""
        is_good = all(self.status_in(dialect) < 400 for dialect in Dialect)
        return bool(self.parameters and self.unknown and is_good and not self.ends_server)

    @property
    def key(self) -> str:
        """The request without the names of its parameters: two with the same key are one route."""
        return nameless(self.call)

    def status_in(self, dialect: Dialect) -> int:
        """Return the status of a good answer."""
        return self.status if isinstance(self.status, int) else self.status[dialect]

    def answer_in(self, dialect: Dialect) -> str:
        """Return the shape of a good answer, as it is written; empty when it is not JSON."""
        return self.answer if isinstance(self.answer, str) else self.answer[dialect]


@dataclass(frozen=True, slots=True)
class Contract:
    """All requests, and the shapes with names in each dialect."""

    requests: tuple[Request, ...]
    shapes: Mapping[Dialect, Mapping[str, Shape]]


def nameless(call: str) -> str:
    """Return `GET /api/streams/{}` for `GET /api/streams/{name}`."""
    return _PARAMETER.sub("{}", call)


@cache
def contract() -> Contract:
    """Return what the table says."""
    requests: list[Request] = []
    shapes: dict[Dialect, dict[str, Shape]] = {dialect: {} for dialect in Dialect}
    for file in sorted((_FOLDER / "table").glob("*.toml")):
        read = tomllib.loads(file.read_text())
        requests += [Request.model_validate(row) for row in read["request"]]
        for name, written in read.get("shapes", {}).items():
            for dialect in Dialect:
                shapes[dialect][name] = parse(written if isinstance(written, str) else written[dialect])
    return Contract(tuple(requests), shapes)


def missing() -> list[str]:
    """Return what `missing.txt` names: requests, and requests with a member of the answer."""
    lines = (line.partition("#")[0].strip() for line in (_FOLDER / "missing.txt").read_text().splitlines())
    return [line for line in lines if line]

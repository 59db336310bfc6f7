"""Which dialect a request is answered in."""

from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from fastapi import Header, Request

from lightnvr.api.services import ApiServices

_Forms = TypeVar("_Forms")


class Dialect(StrEnum):
    """A form of answers: that of the specification, or that of the original server."""

    DOCUMENTED = "documented"
    LIGHTNVR = "lightnvr"


_Wanted = Annotated[
    Dialect | None,
    Header(
        alias="X-LightNVR-Dialect",
        description="Form of the answer: `documented`, or `lightnvr` for clients of the original server. Without it "
        "the setting `[api] dialect` decides.",
        examples=["documented"],
    ),
]


class Spoken(Generic[_Forms]):
    """The dependency that gives the forms of a resource in the dialect of the request."""

    def __init__(self, documented: _Forms, lightnvr: _Forms) -> None:
        self._documented = documented
        self._lightnvr = lightnvr

    async def __call__(self, request: Request, wanted: _Wanted = None) -> _Forms:
        """Return the forms that the header asks for, else those of the settings."""
        if wanted is None:
            services: ApiServices = request.app.state.services
            wanted = Dialect(services.options.dialect)
        return self._lightnvr if wanted is Dialect.LIGHTNVR else self._documented

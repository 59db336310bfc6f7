"""The one place that knows in which form clients want their answers.

Handlers make the same views whatever the dialect is; here they become the wire form of the specification. The dialect
of the original server, `lightnvr`, is chosen in the same way but not spoken yet.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Header, Request

from lightnvr.api.services import ApiServices
from lightnvr.api.settings_models import SettingsChanged
from lightnvr.api.stream_models import StreamAnswer, StreamChanged, StreamList, StreamView, stream_answer
from lightnvr.config.member import Plain


class Dialect(StrEnum):
    """A form of answers."""

    DOCUMENTED = "documented"
    LIGHTNVR = "lightnvr"


class UnsupportedDialect(ValueError):
    """The dialect asked for is not spoken; the text says which is."""


class Documented:
    """The wire form of the specification."""

    def streams(self, views: Iterable[StreamView]) -> StreamList:
        """The list of streams."""
        return StreamList.model_construct(streams=[stream_answer(view) for view in views])

    def stream(self, view: StreamView) -> StreamAnswer:
        """One stream."""
        return stream_answer(view)

    def stream_changed(self, view: StreamView) -> StreamChanged:
        """A stream that was just made or changed."""
        return StreamChanged.model_construct(success=True, stream=stream_answer(view))

    def settings(self, values: dict[str, Plain]) -> dict[str, Plain]:
        """Settings of the server, by name."""
        return values

    def settings_changed(self, changed: SettingsChanged) -> SettingsChanged:
        """Settings that were just changed."""
        return changed


def _spoken(
    request: Request,
    dialect: Annotated[
        str | None,
        Header(
            alias="X-LightNVR-Dialect",
            description="Form of the answer; only `documented` is there yet.",
            examples=["documented"],
        ),
    ] = None,
) -> Documented:
    services: ApiServices = request.app.state.services
    wanted = dialect if dialect is not None else services.options.dialect
    if wanted == Dialect.DOCUMENTED:
        return Documented()
    if wanted == Dialect.LIGHTNVR:
        raise UnsupportedDialect("The dialect lightnvr is not there yet. Ask for X-LightNVR-Dialect: documented.")
    raise UnsupportedDialect("X-LightNVR-Dialect must be documented.")


InDialect = Annotated[Documented, Depends(_spoken)]

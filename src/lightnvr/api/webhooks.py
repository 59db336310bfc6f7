"""/api/webhooks: other programs that are told of events by HTTP."""

from datetime import time
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from lightnvr.api.access import ADMIN, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.seen import EVERYTHING
from lightnvr.api.services import Services
from lightnvr.api.times import iso
from lightnvr.api.validation import BadRequest
from lightnvr.config.in_force import MASK
from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind
from lightnvr.events.telling.webhooks.delivery import LastResult, WebhookTeller
from lightnvr.events.telling.webhooks.model import Filters, Hours, Webhook
from lightnvr.events.telling.webhooks.posting import checked_url

router = APIRouter(prefix="/api/webhooks", tags=["Webhooks"], route_class=GuardedRoute, dependencies=[EVERYTHING])

_FILTERS: JsonDict = {
    "streams": ["Front Door"],
    "labels": ["person"],
    "origins": ["model"],
    "kinds": ["began", "ended"],
    "hours": [{"start": "22:00", "end": "06:00", "days": [0, 1, 2, 3, 4]}],
}
_BODY: JsonDict = {
    "name": "House",
    "url": "https://house.example.org/hook",
    "secret": "correct horse",
    "enabled": True,
    "filters": _FILTERS,
}
_RESULT: JsonDict = {"time": "2026-08-01T12:00:00Z", "delivered": True, "status": 200, "error": ""}

Id = Annotated[int, Path(ge=1, le=2**63 - 1, description="Id of the webhook.", examples=[1])]
_Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class WebhookHours(BaseModel):
    """A time of day in local time; it goes over midnight when it ends before it begins."""

    start: _Clock
    end: _Clock
    days: list[Annotated[int, Field(ge=0, le=6, strict=True)]] = Field(
        list(range(7)), max_length=7, description="Days on which it begins: 0 is Monday."
    )


class WebhookFilters(BaseModel):
    """What is told. An empty list is all."""

    model_config = ConfigDict(json_schema_extra={"example": _FILTERS})

    streams: list[Annotated[str, Field(max_length=64)]] = Field([], max_length=256)
    labels: list[Annotated[str, Field(max_length=64)]] = Field([], max_length=256)
    origins: list[Origin] = Field([], max_length=16)
    kinds: list[ChangeKind] = Field([], max_length=3)
    hours: list[WebhookHours] = Field([], max_length=32)

    def filters(self) -> Filters:
        """Return them as the product uses them."""
        return Filters(
            frozenset(self.streams),
            frozenset(self.labels),
            frozenset(self.origins),
            frozenset(self.kinds),
            tuple(
                Hours(time.fromisoformat(each.start), time.fromisoformat(each.end), frozenset(each.days))
                for each in self.hours
            ),
        )


class WebhookBody(BaseModel):
    """A webhook. `secret` is what messages are signed with; `********` means the one that is stored."""

    model_config = ConfigDict(json_schema_extra={"example": _BODY}, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=64)
    url: str = Field(max_length=2048, description="http or https; without user name and password.")
    secret: str = Field("", max_length=255, repr=False)
    enabled: bool = Field(True, strict=True)
    filters: WebhookFilters = Field(default_factory=WebhookFilters)

    @field_validator("name", "secret")
    @classmethod
    def _plain(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("must hold no control characters")
        return text

    @field_validator("url")
    @classmethod
    def _url(cls, text: str) -> str:
        return checked_url(text)


class WebhookResult(BaseModel):
    """How an attempt went; `status` is null without an answer."""

    model_config = ConfigDict(json_schema_extra={"example": _RESULT})

    time: str
    delivered: bool
    status: int | None
    error: str


class ShownWebhook(BaseModel):
    """A webhook as it is stored, the secret masked. `waiting` messages are not delivered yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 1,
                **_BODY,
                "secret": MASK,
                "created_at": "2026-08-01T10:00:00Z",
                "updated_at": "2026-08-01T10:00:00Z",
                "waiting": 0,
                "last_result": _RESULT,
            }
        }
    )

    id: int
    name: str
    url: str
    secret: str
    enabled: bool
    filters: WebhookFilters
    created_at: str
    updated_at: str
    waiting: int
    last_result: WebhookResult | None


class ShownWebhooks(BaseModel):
    """All of them."""

    webhooks: list[ShownWebhook]


@router.get(
    "",
    response_model=ShownWebhooks,
    responses=declared(401, 403, 429),
    dependencies=[ADMIN],
    summary="List webhooks",
)
async def list_webhooks(services: Services) -> Response:
    """Return all webhooks, each with its last result."""
    return json_answer(ShownWebhooks(webhooks=[_shown(services, each) for each in _webhooks(services).every()]))


@router.post(
    "",
    status_code=201,
    response_model=ShownWebhook,
    responses=declared(400, 401, 403, 409, 413, 429),
    dependencies=[ADMIN],
    summary="Add a webhook",
)
async def add_webhook(body: WebhookBody, services: Services) -> Response:
    """Have another program told of events from now on."""
    if body.secret == MASK:
        raise BadRequest(f"secret is {MASK}, which stands for a stored one, but none is stored")
    stored = await _webhooks(services).put(_webhook(0, body, body.secret))
    return json_answer(_shown(services, stored), status=201)


@router.get(
    "/{id}",
    response_model=ShownWebhook,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="Get a webhook",
)
async def get_webhook(id: Id, services: Services) -> Response:  # noqa: A002 - the name in the path
    """Return one webhook, with its last result."""
    return json_answer(_shown(services, _webhooks(services).get(id)))


@router.put(
    "/{id}",
    response_model=ShownWebhook,
    responses=declared(400, 401, 403, 404, 409, 413, 429),
    dependencies=[ADMIN],
    summary="Change a webhook",
)
async def change_webhook(id: Id, body: WebhookBody, services: Services) -> Response:  # noqa: A002
    """Replace a webhook whole; members that are not sent get their defaults. A secret sent back masked stays."""
    before = _webhooks(services).get(id)
    secret = before.secret if body.secret == MASK else body.secret
    return json_answer(_shown(services, await _webhooks(services).put(_webhook(id, body, secret))))


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="Delete a webhook",
)
async def delete_webhook(id: Id, services: Services) -> Response:  # noqa: A002
    """Delete a webhook, and what waits for it."""
    await _webhooks(services).remove(id)
    return Response(status_code=204)


@router.post(
    "/{id}/test",
    response_model=WebhookResult,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="Test a webhook",
)
async def test_webhook(id: Id, services: Services) -> Response:  # noqa: A002
    """Send a message of the kind `test` at once, and return how that went."""
    return json_answer(_result(await _webhooks(services).test(id)))


def _webhooks(services: Services) -> WebhookTeller:
    return services.webhooks


def _webhook(webhook_id: int, body: WebhookBody, secret: str) -> Webhook:
    return Webhook(webhook_id, body.name.strip(), body.url, secret, body.enabled, body.filters.filters())


def _result(result: LastResult) -> WebhookResult:
    return WebhookResult(time=iso(result.at), delivered=result.delivered, status=result.status, error=result.error)


def _shown(services: Services, webhook: Webhook) -> ShownWebhook:
    teller, filters = _webhooks(services), webhook.filters
    result = teller.results.get(webhook.id)
    return ShownWebhook(
        id=webhook.id,
        name=webhook.name,
        url=webhook.url,
        secret=MASK if webhook.secret else "",
        enabled=webhook.enabled,
        filters=WebhookFilters(
            streams=sorted(filters.streams),
            labels=sorted(filters.labels),
            origins=sorted(filters.origins),
            kinds=sorted(filters.kinds),
            hours=[
                WebhookHours(start=f"{each.start:%H:%M}", end=f"{each.end:%H:%M}", days=sorted(each.days))
                for each in filters.hours
            ],
        ),
        created_at=iso(webhook.created_at),
        updated_at=iso(webhook.updated_at),
        waiting=teller.waiting(webhook),
        last_result=None if result is None else _result(result),
    )

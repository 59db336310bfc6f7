"""Examples for the OpenAPI document: what each body, answer and error looks like, made of what the models say."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from lightnvr.api.errors import TOO_LARGE

_Node = dict[str, Any]

_ERRORS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "segment_duration must be 3600 or less",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "The role VIEWER may look but not change anything.",
    HTTPStatus.NOT_FOUND: "Stream not found",
    HTTPStatus.NOT_ACCEPTABLE: "WebRTC cannot carry mjpeg: choose another way of watching.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body must be application/sdp or application/json.",
    HTTPStatus.PRECONDITION_FAILED: "This WebRTC session has another ETag.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The candidates belong to another offer.",
    HTTPStatus.CONFLICT: "Stream already exists",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Requested Range Not Satisfiable",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many failed attempts. Try again in 60 seconds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Front Door sends no pictures yet.",
}
_OF_TAG: Mapping[tuple[str, int], str] = {
    ("Authentication", HTTPStatus.BAD_REQUEST): "Missing or invalid username/password: both must be text.",
    ("Authentication", HTTPStatus.UNAUTHORIZED): "Invalid credentials",
    ("Authentication", HTTPStatus.FORBIDDEN): "Changes can be asked for by pages of this server only.",
    ("Audit", HTTPStatus.BAD_REQUEST): "limit must be 1000 or less",
    ("Audit", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("Users", HTTPStatus.BAD_REQUEST): "A password has 8 to 1024 bytes.",
    ("Users", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("Users", HTTPStatus.NOT_FOUND): "User not found",
    ("Users", HTTPStatus.CONFLICT): "Username already exists",
    ("System", HTTPStatus.BAD_REQUEST): "count must be 5000 or less",
    ("System", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("System", HTTPStatus.INTERNAL_SERVER_ERROR): "The log file cannot be emptied: Read-only file system.",
    ("Health", HTTPStatus.BAD_REQUEST): "sparklines must be true or false",
    ("Settings", HTTPStatus.BAD_REQUEST): "retention_days must be a whole number from 0 to 365",
    ("Settings", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("Streams", HTTPStatus.CONFLICT): "Stream already exists",
    ("Motion", HTTPStatus.BAD_REQUEST): "Field 'duration_ms' must be between 1 and 600000",
    ("Motion", HTTPStatus.CONFLICT): "Front Door does not have detection-based recording enabled.",
    ("Recordings", HTTPStatus.BAD_REQUEST): "limit must be 1 to 1000, or all",
    ("Recordings", HTTPStatus.NOT_FOUND): "Recording not found",
    (
        "Recordings",
        HTTPStatus.SERVICE_UNAVAILABLE,
    ): "The recording cannot be played now. The storage /mnt/archive is not there: mount its disk.",
    ("Timeline", HTTPStatus.SERVICE_UNAVAILABLE): "The recording cannot be played now. The storage /mnt/archive is not "
    "there: mount its disk.",
    ("Timeline", HTTPStatus.NOT_FOUND): "No recordings found for the specified time range",
    ("Export", HTTPStatus.BAD_REQUEST): "end must be later than start",
    ("Export", HTTPStatus.NOT_FOUND): "No recordings found for the specified time range",
    ("Export", HTTPStatus.CONFLICT): "The camera changed from H.264 to H.265 at 2026-08-01T10:02:11.400Z, which one MP4"
    " cannot hold: export what is before and what is after as two clips.",
    ("Export", HTTPStatus.SERVICE_UNAVAILABLE): "The key of evidence, /var/lib/lightnvr/evidence-key.pem, cannot be"
    " read or made: Permission denied. Check the rights of its folder.",
    ("Backup", HTTPStatus.BAD_REQUEST): "filename must have 255 characters or fewer",
    ("Backup", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("Backup", HTTPStatus.NOT_FOUND): "Backup not found",
    ("Backup", HTTPStatus.CONFLICT): "A backup is being made at this moment.",
    ("Backup", HTTPStatus.SERVICE_UNAVAILABLE): "The backup could not be made: the disk of /mnt/backups is full.",
    ("Webhooks", HTTPStatus.BAD_REQUEST): "url must be an address that begins with http:// or https://",
    ("Webhooks", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("Webhooks", HTTPStatus.NOT_FOUND): "Webhook not found",
    ("Webhooks", HTTPStatus.CONFLICT): "There is a webhook with this name already.",
    ("Setup", HTTPStatus.BAD_REQUEST): "complete must be true or false",
    ("Setup", HTTPStatus.FORBIDDEN): "Only an administrator may do this.",
    ("Events", HTTPStatus.BAD_REQUEST): "limit must be 1000 or less",
    ("Events", HTTPStatus.NOT_FOUND): "Event not found",
    ("Events", HTTPStatus.SERVICE_UNAVAILABLE): "You follow events on 8 connections already.",
    ("Detection", HTTPStatus.BAD_REQUEST): "zones[0]: It must have 3 to 32 corners.",
    ("Live view", HTTPStatus.FORBIDDEN): "The live view of Front Door is switched off.",
    ("Recordings", HTTPStatus.CONFLICT): "The recording is protected. An administrator can delete it with ?force=true.",
}
_PLAYLIST = "application/vnd.apple.mpegurl"
_PLAYLIST_EXAMPLE = """\
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-PROGRAM-DATE-TIME:2026-08-01T10:00:00.000Z
#EXTINF:2.000000,
segment_41.ts
"""
_REFERENCE = "#/components/schemas/"


def add_examples(document: _Node) -> None:
    """Put an example beside every JSON schema of a request or an answer. Raises KeyError when a status has none."""
    schemas: _Node = document["components"]["schemas"]
    for operation in _operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content.setdefault("example", _example(content["schema"], schemas))
        for status, answer in operation["responses"].items():
            for kind, other in answer.get("content", {}).items():
                if kind != "application/json" and "schema" not in other:
                    other.update(_of_media_type(kind))
            content = answer.get("content", {}).get("application/json")
            if content is None:
                continue
            if int(status) >= HTTPStatus.BAD_REQUEST:
                content.setdefault("example", {"error": _sentence(operation["tags"][0], int(status))})
            else:
                content.setdefault("example", _example(content["schema"], schemas))


def _of_media_type(kind: str) -> _Node:
    if kind == _PLAYLIST:
        return {"schema": {"type": "string"}, "example": _PLAYLIST_EXAMPLE}
    return {"schema": {"type": "string", "format": "binary"}}


def _operations(document: _Node) -> Iterator[_Node]:
    for operations in document["paths"].values():
        yield from operations.values()


def _sentence(tag: str, status: int) -> str:
    return _OF_TAG.get((tag, status)) or _ERRORS[status]


def _example(schema: _Node, schemas: _Node) -> object:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REFERENCE)]
    if "example" in schema:
        return schema["example"]
    if "examples" in schema:
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _example(schema[choice][0], schemas)
    return _of_type(schema, schemas)


def _of_type(schema: _Node, schemas: _Node) -> object:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _example(member, schemas) for name, member in schema.get("properties", {}).items()}
        case "array":
            return [_example(schema["items"], schemas)]
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "null":
            return None
        case _:
            return ""

"""Says in a sentence what is wrong with a request."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError

_WHOLE_BODY = "The body must be a JSON object, sent with Content-Type: application/json."


class BadRequest(ValueError):
    """The request cannot be answered; the text says why."""


def sentence(error: RequestValidationError) -> str:
    """Return one sentence for the first thing that is wrong: the member and what is allowed there."""
    problem: Mapping[str, Any] = error.errors()[0]
    place = [part for part in problem["loc"] if isinstance(part, str)]
    kind = problem["type"]
    if kind == "json_invalid":
        return f"The body is not JSON: {problem['ctx']['error']}."
    if place and place[0] == "body":
        place = place[1:]
        if not place:
            return _WHOLE_BODY
    else:
        place = place[1:]
    name = _member(problem["loc"][1:], place) if place else "the request"
    return f"{name} {_reason(kind, problem)}"


def _member(path: tuple[int | str, ...], place: list[str]) -> str:
    """Return the name of a member; of one within the items of a list also which item, such as `zones[0].polygon`."""
    if len(place) < 2 or len(path) < 3 or not isinstance(path[1], int):
        return place[0]
    return f"{path[0]}[{path[1]}].{path[2]}"


def _reason(kind: str, problem: Mapping[str, Any]) -> str:
    context: Mapping[str, Any] = problem.get("ctx", {})
    match kind:
        case "not_allowed":
            return str(context["sentence"])
        case "extra_forbidden":
            return "is not known here"
        case "missing":
            return "is missing"
        case "literal_error" | "enum":
            return f"must be one of {context['expected']}"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return "must be a whole number"
        case "greater_than_equal":
            return f"must be {context['ge']} or more"
        case "less_than_equal":
            return f"must be {context['le']} or less"
        case "string_type":
            return "must be text"
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case _:
            text = str(problem["msg"])
            return text[:1].lower() + text[1:]

"""The documentation of the API is complete: every operation says what it does and shows what goes in and out."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.integration.api.running import RunningApi

Node = dict[str, Any]


@pytest.fixture
def document(api: RunningApi) -> Node:
    """The document as programs read it."""
    with api.client(None) as nobody:
        answer: Node = nobody.get("/api/openapi.json").json()
    return answer


def _operations(document: Node) -> Iterator[tuple[str, Node]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation


def _contents(document: Node) -> Iterator[tuple[str, str, Node]]:
    """Where, which media type, and what is said about it."""
    for where, operation in _operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{where}, body", kind, content
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                yield f"{where}, {status}", kind, content


def test_every_operation_says_what_it_does(document: Node) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    for where, operation in _operations(document):
        assert operation["summary"], where
        assert operation["description"], where
        assert set(operation["tags"]) <= described, where
        for status, answer in operation["responses"].items():
            assert answer["description"], (where, status)


def test_every_parameter_is_described_with_an_example_that_is_allowed(document: Node) -> None:
    for where, operation in _operations(document):
        for parameter in operation.get("parameters", []):
            place = (where, parameter["name"])
            assert parameter["description"], place
            (example,) = parameter["schema"].get("examples") or [parameter["example"]]
            _assert_valid(document, example, parameter["schema"], str(place))


def test_every_body_and_answer_has_an_example_that_is_true_to_its_schema(document: Node) -> None:
    for where, kind, content in _contents(document):
        if kind != "application/json" and content["schema"].get("format") == "binary":
            continue
        assert "example" in content, where
        _assert_valid(document, content["example"], content["schema"], where)


def test_every_error_has_an_example_with_a_sentence(document: Node) -> None:
    errors = [(where, content) for where, _, content in _contents(document) if where[-3] in "45"]
    assert len(errors) > 50
    for where, content in errors:
        assert len(content["example"]["error"]) > 8, where


def test_the_examples_of_bodies_are_accepted(api: RunningApi, document: Node) -> None:
    bodies = {where: content["example"] for where, kind, content in _contents(document) if kind == "application/json"}
    with api.client() as client:
        made = client.post("/api/streams", json=bodies["POST /api/streams, body"])
        assert made.status_code == 201, made.text
        name = made.json()["stream"]["name"]
        changed = client.put(f"/api/streams/{name}", json=bodies["PUT /api/streams/{name}, body"])
        assert changed.status_code == 200, changed.text
        assert client.post("/api/streams/test", json=bodies["POST /api/streams/test, body"]).status_code == 200


def _assert_valid(document: Node, example: object, schema: Node, where: str) -> None:
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
    for error in validator.iter_errors(example):
        pytest.fail(f"{where}: {error.message}")

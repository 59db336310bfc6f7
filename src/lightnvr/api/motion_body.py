"""What a trigger of motion says, read member by member: clients know the sentences of the original."""

from dataclasses import dataclass

from lightnvr.api.validation import BadRequest
from lightnvr.events.triggers import PULSE_MS, Action, Named
from lightnvr.streams.values import is_storable

_LONGEST_MS = 600_000
_MOST_NAMED = 20
_MOST_TAGS = 16
_LABEL_BYTES = 31
_TAG_BYTES = 127

UNREADABLE = "Invalid or missing JSON body"


@dataclass(frozen=True, slots=True)
class TriggerBody:
    """A trigger as it was sent. `duration_ms` is that of a pulse, and the usual one for what is none."""

    stream: str
    action: Action
    duration_ms: int = PULSE_MS
    named: tuple[Named, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def stores(self) -> bool:
        """Whether it carries anything to be stored."""
        return bool(self.named or self.tags)


def read_trigger(body: object) -> TriggerBody:
    """Return what JSON says. Members that are not known are passed over. Raises BadRequest."""
    if not isinstance(body, dict):
        raise BadRequest(UNREADABLE)
    stream = body.get("stream")
    if not isinstance(stream, str) or not stream:
        raise BadRequest("Field 'stream' is required")
    action = _action(body.get("action"))
    duration_ms = _duration_ms(body.get("duration_ms", PULSE_MS)) if action is Action.PULSE else PULSE_MS
    score = _score(body.get("confidence", 1.0), "Field 'confidence' must be a number between 0 and 1")
    named = [] if "label" not in body else [Named(_label(body["label"]), score)]
    named += _objects(body.get("objects", []), score)
    return TriggerBody(stream, action, duration_ms, tuple(named[:_MOST_NAMED]), _tags(body.get("tags", [])))


def _action(value: object) -> Action:
    if not isinstance(value, str):
        raise BadRequest("Field 'action' is required (start|stop|pulse)")
    try:
        return Action(value)
    except ValueError:
        raise BadRequest("Field 'action' must be one of: start, stop, pulse") from None


def _duration_ms(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise BadRequest("Field 'duration_ms' must be a positive integer")
    if not 1 <= value <= _LONGEST_MS:
        raise BadRequest("Field 'duration_ms' must be between 1 and 600000")
    return int(value)


def _score(value: object, sentence: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise BadRequest(sentence)
    return float(value)


def _label(value: object) -> str:
    sentence = "Field 'label' must be a non-empty string"
    if not isinstance(value, str):
        raise BadRequest(sentence)
    return _text(value, _LABEL_BYTES, sentence)


def _objects(value: object, score: float) -> list[Named]:
    if not isinstance(value, list):
        raise BadRequest("Field 'objects' must be an array")
    return [_object(entry, score) for entry in value[:_MOST_NAMED]]


def _object(entry: object, score: float) -> Named:
    if isinstance(entry, dict) and isinstance(entry.get("label"), str):
        sentence = "Each 'objects' entry 'confidence' must be a number between 0 and 1"
        label, score = entry["label"], _score(entry.get("confidence", score), sentence)
    elif isinstance(entry, str):
        label = entry
    else:
        raise BadRequest("Each 'objects' entry must be a string or an object with a 'label' string")
    return Named(_text(label, _LABEL_BYTES, "Each 'objects' entry must have a non-empty label"), score)


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadRequest("Field 'tags' must be an array of strings")
    sentence = "Each 'tags' entry must be a non-empty string"
    tags = []
    for tag in value[:_MOST_TAGS]:
        if not isinstance(tag, str):
            raise BadRequest(sentence)
        if "," in tag:
            # In lists of tags they are separated by commas.
            raise BadRequest("Each 'tags' entry must not hold commas")
        tags.append(_text(tag, _TAG_BYTES, sentence))
    return tuple(dict.fromkeys(tags))


def _text(value: str, most_bytes: int, sentence: str) -> str:
    if not is_storable(value):
        raise BadRequest("Labels and tags must not hold control characters")
    text = value.strip().encode()[:most_bytes].decode(errors="ignore").rstrip()
    if not text:
        raise BadRequest(sentence)
    return text

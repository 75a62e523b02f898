"""How each provider says no, where its document is silent.

The shapes are those of contracts.md 1.1, 2.1 and 3.2; the codes and their HTTP statuses those of
errors.json beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self

import orjson
from jsonschema import Draft202012Validator

from handbell.channels.types import Provider
from handbell.platform.transport import Answer
from tools.contract.openapi import JSON, LONGEST_FAULT, Document
from tools.contract.types import media_type

_TEXT: Final = {"type": "string", "minLength": 1}


def _closed(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


_SENDGRID_ERROR: Final = {
    "type": "object",
    "required": ["message", "field"],
    "properties": {"message": _TEXT, "field": {"type": ["string", "null"]}, "help": {}},
    "additionalProperties": False,
}
SHAPES: Final = {
    Provider.TWILIO: _closed(
        code={"type": "integer"},
        message=_TEXT,
        more_info={"pattern": r"^https://www\.twilio\.com/docs/errors/\d+$"},
        status={"type": "integer"},
    ),
    Provider.SENDGRID: _closed(
        errors={"type": "array", "minItems": 1, "items": _SENDGRID_ERROR},
    ),
    Provider.WHATSAPP: _closed(
        error=_closed(
            message={"type": "string", "pattern": r"^\(#\d+\) .+"},
            type={"const": "OAuthException"},
            code={"type": "integer"},
            error_data=_closed(messaging_product={"const": "whatsapp"}, details=_TEXT),
            fbtrace_id=_TEXT,
        ),
    ),
}
_NOT_IN_TABLE: Final = {(Provider.TWILIO.value, 20004): 405}
"""Twilio's error dictionary: method not allowed."""
_RATE_HEADERS: Final = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """(provider, code) → HTTP status, for the codes that come as an answer."""

    statuses: dict[tuple[str, int], int | None]

    @classmethod
    def read(cls, file: Path) -> Self:
        rows = orjson.loads(file.read_bytes())["rows"]
        return cls(
            {
                (row["provider"], row["code"]): row["http"]
                for row in rows
                if "sync" in row["where"].split("+")
            }
            | _NOT_IN_TABLE
        )

    def faults(self, provider: Provider, answer: Answer, document: Document) -> Iterator[str]:
        """What is wrong with an error answer of this provider."""
        if media_type(answer.headers) != JSON:
            yield "an error is not JSON"
            return
        body = answer.json()
        broken = [
            f"{error.json_path}: {error.message}"[:LONGEST_FAULT]
            for error in Draft202012Validator(SHAPES[provider]).iter_errors(body)
        ]
        yield from broken
        shape = document.raw["components"]["schemas"].get("ErrorResponse")
        if shape is not None:
            yield from document.schema_faults(shape, body)
        if not broken:
            yield from self._code_faults(provider, answer, body)

    def _code_faults(self, provider: Provider, answer: Answer, body: Any) -> Iterator[str]:
        code = _code(provider, answer, body)
        wanted = self.statuses.get((provider, code))
        if wanted != answer.status:
            yield f"code {code} comes with status {wanted}, not {answer.status}"
        if provider is Provider.TWILIO and body["status"] != answer.status:
            yield f"$.status says {body['status']}, the answer is {answer.status}"
        is_late = answer.status == HTTPStatus.TOO_MANY_REQUESTS
        if provider is Provider.SENDGRID and is_late:
            yield from (
                f"header {name} is missing" for name in _RATE_HEADERS if name not in answer.headers
            )


def _code(provider: Provider, answer: Answer, body: Any) -> int:
    """The provider's own number; SendGrid has none but the status."""
    codes: dict[Provider, int] = {
        Provider.TWILIO: body.get("code"),
        Provider.SENDGRID: answer.status,
        Provider.WHATSAPP: body.get("error", {}).get("code"),
    }
    return codes[provider]

"""What an OpenAPI document says of a request and its answer."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from handbell.platform.transport import Answer
from tools.contract.types import Asked, media_type

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
LONGEST_FAULT: Final = 240

Schema = Mapping[str, Any]

_FORMATS: Final = FormatChecker(formats=())
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|[a-z]+:.+")


def _type_or_null(validator: Any, types: Any, value: object, schema: Schema) -> Iterator[Any]:
    """`nullable` is of OpenAPI 3.0; files that call themselves 3.1 use it, too."""
    if value is None and schema.get("nullable"):
        return
    yield from Draft202012Validator.VALIDATORS["type"](validator, types, value, schema)


_extended: Callable[..., type[Draft202012Validator]] = extend
_Validator: Final = _extended(Draft202012Validator, {"type": _type_or_null})


@_FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or all(urlsplit(value)[:2])


@_FORMATS.checks("phone-number")
def _is_phone(value: object) -> bool:
    """E.164, a short code, or the address of another channel."""
    return not isinstance(value, str) or _PHONE.fullmatch(value) is not None


@_FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path."""

    path: re.Pattern[str]
    method: str
    parameters: tuple[Schema, ...]
    node: Schema


@dataclass(frozen=True)
class Document:
    """One OpenAPI file, version 3.0 or 3.1."""

    raw: Schema

    @classmethod
    def read(cls, file: Path) -> Self:
        return cls(orjson.loads(file.read_bytes()))

    @cached_property
    def _operations(self) -> tuple[Operation, ...]:
        return tuple(
            Operation(
                path=_pattern(path),
                method=method.upper(),
                parameters=tuple(map(self.resolved, (*shared, *node.get("parameters", ())))),
                node=node,
            )
            for path, item in self.raw["paths"].items()
            for shared in [item.get("parameters", ())]
            for method, node in item.items()
            if isinstance(node, dict) and "responses" in node
        )

    def operation(self, asked: Asked) -> Operation | None:
        """The operation that a request means; None where the document has none."""
        fitting = (
            one
            for one in self._operations
            if one.method == asked.method and one.path.fullmatch(asked.path)
        )
        return next(fitting, None)

    def resolved(self, node: Schema) -> Schema:
        """Follow `$ref` until there is none."""
        while "$ref" in node:
            found: Any = self.raw
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[unquote(part).replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def request_faults(self, operation: Operation, asked: Asked) -> Iterator[str]:
        yield from self._security_faults(operation, asked)
        yield from self._path_faults(operation, asked)
        yield from self._query_faults(operation, asked)
        yield from self._header_faults(operation, asked)
        yield from self.body_faults(operation, asked.media_type, asked.body)
        yield from self._unknown_in_body(operation, asked)

    def answer_faults(self, operation: Operation, answer: Answer) -> Iterator[str]:
        """Faults of an answer whose status the operation documents, or should."""
        node = operation.node["responses"].get(str(answer.status))
        if node is None:
            yield f"status {answer.status} is not documented"
            return
        content = self.resolved(node).get("content")
        if content is None:
            if answer.body:
                yield f"an answer of status {answer.status} has no body"
            return
        kind = media_type(answer.headers)
        if kind not in content:
            yield f"content type {kind!r} is not documented"
            return
        value = answer.json()
        if value is None:
            yield "the body is not JSON"
            return
        yield from self.value_faults(content[kind]["schema"], value)

    def value_faults(self, schema: Schema, value: object) -> Iterator[str]:
        """Where a value breaks its schema, and the fields that the schema does not know."""
        yield from self.schema_faults(schema, value)
        yield from self._unknown_fields(schema, value, "$")

    def schema_faults(self, schema: Schema, value: object) -> Iterator[str]:
        root = {**schema, "components": self.raw.get("components", {})}
        for error in _Validator(root, format_checker=_FORMATS).iter_errors(value):
            yield f"{error.json_path}: {error.message}"[:LONGEST_FAULT]

    def _security_faults(self, operation: Operation, asked: Asked) -> Iterator[str]:
        wanted = operation.node.get("security", self.raw.get("security", ()))
        known = self.raw["components"]["securitySchemes"]
        schemes = {known[name]["scheme"].lower() for one in wanted for name in one}
        given = asked.headers.get("authorization", "").partition(" ")[0].lower()
        if schemes and given not in schemes:
            yield f"authorization is not {' or '.join(sorted(schemes))}"

    def _path_faults(self, operation: Operation, asked: Asked) -> Iterator[str]:
        found = operation.path.fullmatch(asked.path)
        values = found.groupdict() if found else {}
        for one in _of(operation, "path"):
            given = unquote(values[_group(one["name"])])
            yield from self._parameter_faults(one, given)

    def _query_faults(self, operation: Operation, asked: Asked) -> Iterator[str]:
        known = {one["name"]: one for one in _of(operation, "query")}
        given = dict(parse_qsl(asked.query, keep_blank_values=True))
        for name in sorted(given.keys() - known.keys()):
            yield f"query {name} is unknown"
        for name, one in known.items():
            if name in given:
                yield from self._parameter_faults(one, given[name])
            elif one.get("required"):
                yield f"query {name} is missing"

    def _header_faults(self, operation: Operation, asked: Asked) -> Iterator[str]:
        for one in _of(operation, "header"):
            given = asked.headers.get(one["name"].lower())
            if given is None:
                if one.get("required"):
                    yield f"header {one['name']} is missing"
            elif one["name"].lower() != "content-type":  # which the body is held against
                yield from self._parameter_faults(one, given)

    def _parameter_faults(self, parameter: Schema, text: str) -> Iterator[str]:
        schema = self.resolved(parameter["schema"])
        for fault in self.schema_faults(schema, decoded(schema, text)):
            yield f"{parameter['in']} {parameter['name']}{fault.removeprefix('$')}"

    def body_faults(self, operation: Operation, kind: str, body: bytes) -> Iterator[str]:
        """Where a request's body breaks its schema; unknown fields are not looked for."""
        node = self.resolved(operation.node.get("requestBody", {}))
        if not node:
            if body:
                yield "the request has no body"
            return
        if kind not in node["content"]:
            yield f"content type {kind!r} is not documented"
            return
        schema = node["content"][kind]["schema"]
        try:
            value = self._read(schema, kind, body)
        except ValueError:
            yield f"the body is not {kind}"
            return
        yield from self.schema_faults(schema, value)

    def _unknown_in_body(self, operation: Operation, asked: Asked) -> Iterator[str]:
        node = self.resolved(operation.node.get("requestBody", {}))
        content = node.get("content", {}).get(asked.media_type)
        if content is None:
            return
        with suppress(ValueError):  # which `body_faults` has told
            value = self._read(content["schema"], asked.media_type, asked.body)
            yield from self._unknown_fields(content["schema"], value, "$")

    def _read(self, schema: Schema, kind: str, body: bytes) -> object:
        return self._form(schema, body) if kind == FORM else orjson.loads(body)

    def _form(self, schema: Schema, body: bytes) -> dict[str, object]:
        """The fields with the types that the schema gives them; raises ValueError."""
        known = self._properties(schema)
        form: dict[str, object] = {}
        for name, text in parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
        ):
            field = self.resolved(known.get(name, {}))
            if field.get("type") == "array":
                before = form.get(name, [])
                form[name] = [*(before if isinstance(before, list) else ()), text]
            elif name in form:
                raise ValueError(name)
            else:
                form[name] = decoded(field, text)
        return form

    def _properties(self, schema: Schema) -> dict[str, Schema]:
        schema = self.resolved(schema)
        found: dict[str, Schema] = {}
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                found |= self._properties(part)
        found |= schema.get("properties", {})
        return found

    def _unknown_fields(self, schema: Schema, value: object, where: str) -> Iterator[str]:
        """Fields that no `properties` names; a schema without any, or open by word, is free."""
        schema = self.resolved(schema)
        if isinstance(value, list):
            for number, one in enumerate(value):
                yield from self._unknown_fields(schema.get("items", {}), one, f"{where}[{number}]")
        known = self._properties(schema)
        if not isinstance(value, dict) or not known or schema.get("additionalProperties"):
            return
        for name, one in value.items():
            if name in known:
                yield from self._unknown_fields(known[name], one, f"{where}.{name}")
            elif "additionalProperties" not in schema:
                yield f"{where}.{name} is unknown"


def decoded(schema: Schema, text: str) -> object:
    """Read a text as the scalar that its schema asks for; as it is where it cannot be."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


def is_error(status: int) -> bool:
    return status >= HTTPStatus.BAD_REQUEST


def _of(operation: Operation, place: str) -> list[Schema]:
    return [one for one in operation.parameters if one["in"] == place]


def _group(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _pattern(path: str) -> re.Pattern[str]:
    """A regular expression with one group for each `{name}`."""
    parts = re.split(r"\{([^}]+)\}", path)
    return re.compile(
        "".join(
            f"(?P<{_group(part)}>[^/]+?)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )

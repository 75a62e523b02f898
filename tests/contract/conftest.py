"""A document of a few lines, and requests and answers that keep it."""

import json
from typing import Any

import pytest
from tools.contract.openapi import FORM, JSON, Document
from tools.contract.types import Asked, Asker, Scenario

from handbell.channels.types import Provider
from handbell.platform.transport import Answer

RAW: dict[str, Any] = {
    "openapi": "3.0.1",
    "components": {
        "securitySchemes": {"key": {"type": "http", "scheme": "basic"}},
        "schemas": {
            "Made": {
                "type": "object",
                "required": ["sid"],
                "properties": {
                    "sid": {"type": "string", "pattern": "^SM"},
                    "from": {"type": "string", "nullable": True},
                    "parts": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
                    },
                },
            }
        },
    },
    "security": [{"key": []}],
    "paths": {
        "/v1/{Account}/Messages.json": {
            "parameters": [
                {
                    "name": "Account",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^AC"},
                }
            ],
            "post": {
                "requestBody": {
                    "content": {
                        FORM: {
                            "schema": {
                                "type": "object",
                                "required": ["To"],
                                "properties": {
                                    "To": {"type": "string", "format": "phone-number"},
                                    "Validity": {"type": "integer", "maximum": 9},
                                    "Hook": {"type": "string", "format": "uri"},
                                    "Media": {"type": "array", "items": {"type": "string"}},
                                    "Short": {"type": "boolean"},
                                },
                                "anyOf": [{"required": ["Hook"]}, {"required": ["Media"]}],
                            }
                        }
                    }
                },
                "responses": {
                    "201": {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Made"}}}},
                    "202": {"description": "nothing to say"},
                },
            },
            "get": {
                "parameters": [
                    {"name": "Size", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                    {"name": "Day", "in": "query", "required": True, "schema": {}},
                ],
                "responses": {"200": {"description": "nothing to say"}},
            },
        }
    },
}
SCENARIO = Scenario(provider=Provider.TWILIO, asker=Asker.OURS, name="a test")


@pytest.fixture
def document() -> Document:
    return Document(RAW)


def asked(**changes: Any) -> Asked:
    """A request that keeps the document, with changes."""
    right: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/AC1/Messages.json",
        "query": "",
        "headers": {"authorization": "Basic eA==", "content-type": f"{FORM}; charset=UTF-8"},
        "body": b"To=%2B12025550123&Validity=9&Media=a&Media=b&Short=true",
    }
    return Asked(**right | changes)


def made(status: int = 201, body: object = None, **headers: str) -> Answer:
    """An answer that keeps the document, with changes."""
    told = {"sid": "SM1", "from": None, "parts": [{"n": 1}]} if body is None else body
    kept = {"content-type": JSON} | headers
    return Answer(status=status, headers=kept, body=json.dumps(told).encode())

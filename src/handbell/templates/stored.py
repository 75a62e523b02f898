"""A template's text as JSON, as it lies in the database."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.types import (
    Button,
    HeaderFormat,
    LinkButton,
    PhoneButton,
    QuickReply,
    TemplateBody,
    TemplateKind,
    TemplatePair,
    WhatsAppCategory,
    WhatsAppForm,
    WhatsAppHeader,
)


def to_content(pair: TemplatePair) -> dict[str, Any]:
    """The JSON of a text and its sibling."""
    return {
        "full": asdict(pair.full),
        "generic": asdict(pair.generic) if pair.generic else None,
    }


def digest_of(content: Mapping[str, Any]) -> bytes:
    """The SHA-256 of the canonical JSON: equal texts have equal digests."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def from_content(content: Mapping[str, Any]) -> TemplatePair:
    """The text and its sibling of stored JSON."""
    generic = content["generic"]
    return TemplatePair(full=_body(content["full"]), generic=_body(generic) if generic else None)


def _body(told: Mapping[str, Any]) -> TemplateBody:
    return TemplateBody(
        channel=Channel(told["channel"]),
        language=told["language"],
        purpose=Purpose(told["purpose"]),
        body=told["body"],
        kind=TemplateKind(told["kind"]),
        subject=told["subject"],
        preheader=told.get("preheader"),
        whatsapp=_form(told["whatsapp"]) if told["whatsapp"] else None,
    )


def _form(told: Mapping[str, Any]) -> WhatsAppForm:
    header = told.get("header")
    return WhatsAppForm(
        name=told["name"],
        language=told["language"],
        parameters=tuple(told["parameters"]),
        category=WhatsAppCategory(told["category"]),
        buttons=tuple(_button(button) for button in told["buttons"]),
        header=None
        if header is None
        else WhatsAppHeader(
            format=HeaderFormat(header["format"]),
            text=header["text"],
            media_url=header["media_url"],
        ),
        footer=told.get("footer"),
    )


def _button(told: Mapping[str, str]) -> Button:
    if "payload" in told:
        return QuickReply(text=told["text"], payload=told["payload"])
    if "url" in told:
        return LinkButton(text=told["text"], url=told["url"])
    return PhoneButton(text=told["text"], phone_number=told["phone_number"])

"""SendGrid's Inbound Parse: an e-mail that a patient wrote, as a multipart form.

Only what a person wrote counts: an absence note or a list's mail asks for nothing. The address
that the mail was written to may name the message that it answers, behind a plus.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from hashlib import sha256
from html.parser import HTMLParser
from typing import Final, cast

from handbell.channels.types import Ignored, InboundText, Provider, WebhookItem
from handbell.platform.vocabulary import Channel

_ANSWERS: Final = re.compile(r"^\s*((re|fwd?|aw|wg|rv|res|rif|उत्तर)\s*:\s*)+", re.IGNORECASE)
_AUTOMATIC: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_BREAKS: Final = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})
_NOT_OWN: Final = frozenset({"style", "script", "blockquote", "head", "title"})
_TEXT_TYPE: Final = "text/"


def parse_inbound(raw: bytes) -> tuple[WebhookItem, ...]:
    """One e-mail. What is no form, comes from no mailbox or from a machine is ignored."""
    fields = _fields(raw)
    headers = _headers(fields)
    sender, line, token = _from(fields), *_to(fields)
    key = headers.get("message-id") or sha256(raw).hexdigest()
    if not sender or not line:
        return (_ignored(key, "no form, or no sender"),)
    if _is_automatic(fields, headers):
        return (_ignored(key, "no person wrote it"),)
    return (
        InboundText(
            provider=Provider.SENDGRID,
            channel=Channel.EMAIL,
            key=key,
            line=line,
            body=_body(fields),
            sender=sender,
            provider_ref=key,
            context_ref=token,
            occurred_at=_date(headers.get("date")),
        ),
    )


def _fields(raw: bytes) -> Mapping[str, str]:
    """The form's own fields, each in the charset that SendGrid names for it. The boundary is the
    first line; files are left out."""
    boundary = raw.split(b"\r\n", 1)[0].removeprefix(b"--")
    if not raw.startswith(b"--") or not boundary:
        return {}
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    form = message_from_bytes(head + raw, policy=default)
    found: dict[str, bytes] = {}
    for part in form.iter_parts() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            found.setdefault(name, cast("bytes", part.get_payload(decode=True) or b""))
    charsets = _json(found.get("charsets", b"{}"))
    return {
        name: _decoded(value, charsets.get(name)).strip("\r\n") for name, value in found.items()
    }


def _decoded(value: bytes, charset: object) -> str:
    try:
        return value.decode(str(charset or "utf-8"), errors="replace")
    except LookupError:
        return value.decode(errors="replace")


def _json(value: bytes | str) -> Mapping[str, object]:
    try:
        told = json.loads(value)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _headers(fields: Mapping[str, str]) -> Mapping[str, str]:
    raw = fields.get("headers") or fields.get("email", "")
    mail = message_from_bytes(raw.encode(), policy=default)
    return {name.lower(): str(value) for name, value in mail.items()}


def _from(fields: Mapping[str, str]) -> str:
    address = parseaddr(fields.get("from", ""))[1]
    return address.strip().lower() if "@" in address else ""


def _to(fields: Mapping[str, str]) -> tuple[str, str | None]:
    """Where the mail was written to, and what stands behind the plus of it."""
    told = _json(fields.get("envelope", "")).get("to")
    named = [str(one) for one in told] if isinstance(told, list) else []
    listed = [address for _, address in getaddresses([fields.get("to", "")])]
    address = next((one for one in (*named, *listed) if "@" in one), "")
    local, _, domain = address.strip().partition("@")
    name, _, token = local.partition("+")
    return (f"{name}@{domain}".lower() if address else ""), token or None


def _is_automatic(fields: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """RFC 3834, and what older machines say; a mail without a return path is one's as well."""
    envelope = _json(fields.get("envelope", ""))
    is_bounce = "from" in envelope and not envelope["from"]
    says = headers.get("auto-submitted", "no").strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    return is_bounce or not says.startswith("no") or precedence in _AUTOMATIC


def _body(fields: Mapping[str, str]) -> str:
    """What was written. A subject of the patient's own is part of it; ours with "Re:" is not."""
    text = fields.get("text") or _plain(fields.get("html", "")) or _of_mail(fields)
    subject = fields.get("subject", "").strip()
    if not subject or (_ANSWERS.match(subject) and text.strip()):
        return text
    return f"{_ANSWERS.sub('', subject)}\n{text}".strip()


def _of_mail(fields: Mapping[str, str]) -> str:
    """The text of a whole MIME message, where SendGrid is set to hand that on."""
    if not fields.get("email"):
        return ""
    mail = message_from_bytes(fields["email"].encode(), policy=default)
    part = mail.get_body(("plain", "html"))
    if part is None or not part.get_content_type().startswith(_TEXT_TYPE):
        return ""
    content = str(part.get_content())
    return _plain(content) if part.get_content_subtype() == "html" else content


@dataclass
class _Written(HTMLParser):
    """Collects the words of an HTML mail that are the writer's own."""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _NOT_OWN:
            self._inside += 1
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _NOT_OWN and self._inside:
            self._inside -= 1

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)


def _plain(html: str) -> str:
    written = _Written()
    written.feed(html)
    return "".join(written.words).strip()


def _date(value: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at and at.tzinfo else None


def _ignored(key: str, why: str) -> Ignored:
    return Ignored(provider=Provider.SENDGRID, key=key, why=why)

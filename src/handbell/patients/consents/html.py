"""The proof as a page: no script, one style that the policy names by its hash, values escaped."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from handbell.consent.types import Altered, Decision, Fault, Kind
from handbell.patients.consents.types import Proof

_PAGES: Final = Environment(
    loader=PackageLoader("handbell.patients.consents", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_CSS: Final = (files("handbell.patients.consents") / "pages" / "proof.css").read_text("utf-8")
_CSS_HASH: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_CHANNELS: Final = {"email": "E-mail", "sms": "SMS", "whatsapp": "WhatsApp"}
_CLASSES: Final = {
    "emergency": "emergencies",
    "inbound_reply": "replies",
    "care": "care",
    "billing_admin": "bills and administration",
    "research": "research",
    "marketing": "marketing",
}
_FAULTS: Final = {
    Fault.ALTERED: "is not as it was written",
    Fault.MISSING: "is missing",
    Fault.UNWITNESSED: "is not known to the audit log",
}


def render(proof: Proof) -> str:
    """The whole document. Times are in the organisation's zone."""
    zone = ZoneInfo(proof.zone)

    def when(at: datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"

    return _PAGES.get_template("proof.html").render(
        proof=proof,
        css=Markup(_CSS),  # noqa: S704 - our own file, whose hash the policy names
        when=when,
        plain=plain,
        said=said_in_words,
        channels=_CHANNELS,
        classes=_CLASSES,
        faults=_FAULTS,
        is_altered=lambda verdict: isinstance(verdict, Altered),
    )


def plain(word: str) -> str:
    """A stored word as people write it."""
    return word.replace("_", " ")


def said_in_words(decision: Decision) -> str:
    """What was decided, in a sentence."""
    about = "all messages" if decision.message_class is None else _CLASSES[decision.message_class]
    match decision.kind:
        case Kind.GRANT:
            return f"Agreed to {about}"
        case Kind.REVOKE:
            return f"Stopped {about}"
        case Kind.ACKNOWLEDGE_RISK:
            return "Knows that messages are not encrypted, and prefers them"
        case Kind.WITHDRAW_RISK:
            return "Does not want unencrypted details any more"

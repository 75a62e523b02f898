"""Whether an exchange is what the provider's document allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

from handbell.channels.types import Provider
from tools.contract.errors import ErrorTable
from tools.contract.openapi import Document, is_error
from tools.contract.types import Asker, Exchange

FILES: Final = {
    Provider.TWILIO: "twilio_messages.json",
    Provider.SENDGRID: "sendgrid_mail_send.json",
    Provider.WHATSAPP: "whatsapp_cloud.json",
}
GAPS: Final = frozenset(
    (Provider.WHATSAPP, f"{side}: {what} is unknown")
    for side, what in (
        ("request", "query fields"),
        ("request", "query summary"),
        ("request", "$.components[0].example"),
        ("answer", "$.data[0].parameter_format"),
        ("answer", "$.summary"),
    )
)
"""What Meta's file leaves out of the management of templates, and pywa asks for and reads.

Our clients do not manage templates, so none of this passes over a fault of theirs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Holds exchanges against the documents. Read from the reference folder."""

    documents: dict[Provider, Document]
    errors: ErrorTable

    @classmethod
    def read(cls, folder: Path) -> Self:
        """`folder` is the reference on providers, with `openapi` and `fixtures`."""
        patched = folder / "openapi" / "patched"
        return cls(
            documents={one: Document.read(patched / name) for one, name in FILES.items()},
            errors=ErrorTable.read(folder / "fixtures" / "errors.json"),
        )

    def faults(self, exchange: Exchange) -> Iterator[str]:
        """The request must keep the document, or break it where it was made to.

        Then it must be refused; and every answer must be one that the provider gives.
        """
        document = self.documents[exchange.scenario.provider]
        operation = document.operation(exchange.asked)
        if operation is None:
            asks = [f"{exchange.asked.method} {exchange.asked.path} is not in the document"]
        else:
            asks = list(document.request_faults(operation, exchange.asked))
        if exchange.scenario.asker is Asker.BROKEN:
            yield from self._broken_faults(exchange, asks)
        else:
            yield from (f"request: {fault}" for fault in asks)
        yield from (f"answer: {fault}" for fault in self._answer_faults(exchange))

    def _broken_faults(self, exchange: Exchange, asks: list[str]) -> Iterator[str]:
        if not asks:
            yield "request: made to break the document, and does not"
        if not is_error(exchange.answer.status):
            yield f"answer: {exchange.answer.status} to a broken request ({'; '.join(asks[:2])})"

    def _answer_faults(self, exchange: Exchange) -> Iterator[str]:
        provider, answer = exchange.scenario.provider, exchange.answer
        document = self.documents[provider]
        operation = document.operation(exchange.asked)
        if is_error(answer.status):
            yield from self.errors.faults(provider, answer, document)
        elif operation is not None:
            yield from document.answer_faults(operation, answer)
        if answer.status == HTTPStatus.ACCEPTED and not answer.headers.get("x-message-id"):
            yield "header x-message-id is missing"
        if operation is None and answer.status < HTTPStatus.BAD_REQUEST:
            yield f"{answer.status} to a path that does not exist"

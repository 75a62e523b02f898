"""What a log line may hold."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from handbell.platform.lines import printable
from handbell.platform.logging import configure_logging, silence_tracebacks
from handbell.platform.vocabulary import Channel


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    structlog.reset_defaults()


def test_a_line_keeps_ids_enum_values_and_numbers(log: io.StringIO) -> None:
    structlog.get_logger().info(
        "message.sent", message_id=7, patient_ids=[1, 2], channel=Channel.SMS, duration_ms=1.5
    )
    line = json.loads(log.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "message.sent",
        "level": "info",
        "message_id": 7,
        "patient_ids": [1, 2],
        "channel": "sms",
        "duration_ms": 1.5,
    }


def test_an_address_a_name_or_a_text_cannot_slip_in(log: io.StringIO) -> None:
    structlog.get_logger().warning(
        "message.failed",
        to="+12125550101",
        name="Ada",
        patient_id="ada@example.org",
        reason="ada@example.org",
        code="+12125550101",
        status="Dear Ada, your results",
        exc_info="Ada",
        reasons=["no_consent", "+12125550101"],
    )
    assert set(json.loads(log.getvalue())) == {"event", "level", "timestamp"}


def test_an_event_name_that_is_a_sentence_is_dropped(log: io.StringIO) -> None:
    structlog.get_logger().info("Sent to Ada at +12125550101")
    assert "Ada" not in log.getvalue()
    assert "555" not in log.getvalue()


@pytest.fixture
def web_server(caplog: pytest.LogCaptureFixture) -> Iterator[logging.Logger]:
    """The web server's logger as it starts, whatever a server of an earlier test made of it."""
    logger = logging.getLogger("uvicorn.error")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.ERROR, logger="uvicorn.error"):
        yield logger
    logger.removeHandler(caplog.handler)
    logger.propagate = propagate


def test_the_web_servers_log_names_an_errors_type_and_place_and_nothing_else(
    caplog: pytest.LogCaptureFixture, web_server: logging.Logger
) -> None:
    silence_tracebacks()
    silence_tracebacks()
    web_server.error("Ada", exc_info=ValueError("Ada Lovelace, +12125550123"))
    try:
        printable("Ada\x00Lovelace")
    except ValueError as error:
        web_server.error("Ada", exc_info=error)
    elsewhere, ours = [record.getMessage() for record in caplog.records]
    assert elsewhere == "error ValueError"
    assert re.fullmatch(r"error ValueError at handbell\.platform\.lines:\d+", ours)
    assert "Lovelace" not in caplog.text
    assert len(web_server.filters) == 1

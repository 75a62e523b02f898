"""Canonical addresses and the age of statements: pure."""

from datetime import UTC, datetime, timedelta

import pytest

from handbell.directory.errors import InvalidAddress
from handbell.directory.policy import canonical_address, is_older
from handbell.directory.types import Origin
from handbell.platform.vocabulary import Channel

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


@pytest.mark.requirement("R1.3")
@pytest.mark.parametrize(
    ("channel", "raw", "canonical"),
    [
        (Channel.SMS, "(212) 555-0123", "+12125550123"),
        (Channel.WHATSAPP, "+1 212 555 0123", "+12125550123"),
        (Channel.EMAIL, " Ada@Example.ORG ", "ada@example.org"),
    ],
)
def test_spellings_of_one_address_become_one(channel: Channel, raw: str, canonical: str) -> None:
    assert canonical_address(channel, raw).value == canonical


@pytest.mark.requirement("R1.3")
@pytest.mark.parametrize(
    ("channel", "raw"),
    [
        (Channel.SMS, "555-01"),
        (Channel.SMS, "call me"),
        (Channel.SMS, "212 555 0123 ext. 7"),
        (Channel.EMAIL, "ada"),
        (Channel.EMAIL, "ada..l@example.org"),
        (Channel.EMAIL, "ada@example.org\r\nBcc: bob@example.org"),
    ],
)
def test_what_cannot_be_reached_is_refused_and_not_repeated(channel: Channel, raw: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        canonical_address(channel, raw)
    assert raw not in repr((refused.value.message, refused.value.details))


@pytest.mark.requirement("R8.2")
def test_a_version_counts_before_the_time_and_the_time_where_there_is_none() -> None:
    told = Origin(source="ehr", external_id="a", version=3, told_at=NOW)
    assert is_older(told, version=4, told_at=NOW - timedelta(days=1))
    assert not is_older(told, version=2, told_at=NOW + timedelta(days=1))
    assert is_older(told, version=None, told_at=NOW + timedelta(days=1))
    assert not is_older(told, version=None, told_at=NOW)

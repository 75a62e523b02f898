"""Prices are dated, an organisation's own come first, and SMS costs by the segment."""

from datetime import date
from decimal import Decimal

import pytest
from tests.http_client import serving

from handbell.audit.service import AuditService
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.prices.router import prices_router
from handbell.templates.prices.service import PriceService, cost_of, list_prices, price_on
from handbell.templates.prices.types import Price
from handbell.templates.types import TemplateBody, WhatsAppForm

DAY = date(2026, 12, 1)
SMS = TemplateBody(channel=Channel.SMS, language="en", purpose=Purpose.NO_SHOW, body="x")


def price(unit: str, on: date, **more: object) -> Price:
    told = {"channel": Channel.SMS, "category": "", "currency": "USD"} | more
    return Price(unit_price=Decimal(unit), effective_on=on, **told)  # type: ignore[arg-type]


def test_the_newest_price_that_has_begun_holds_and_an_own_one_before_the_lists() -> None:
    old, new, later = (
        price("0.01", date(2026, 1, 1)),
        price("0.02", DAY),
        price("0.03", date(2026, 12, 2)),
    )
    own = price("0.05", date(2025, 1, 1), is_own=True)
    assert price_on([later, new, old], Channel.SMS, "", DAY) == new
    assert price_on([later, new, old], Channel.SMS, "", date(2026, 11, 30)) == old
    assert price_on([own, new], Channel.SMS, "", DAY) == own
    assert price_on([old], Channel.SMS, "", date(2025, 12, 31)) is None
    assert price_on([old], Channel.EMAIL, "", DAY) is None


def test_an_sms_costs_by_the_segment_and_a_whatsapp_template_by_its_category() -> None:
    prices = [
        price("0.0118", DAY),
        price("0.004", DAY, channel=Channel.WHATSAPP, category="utility"),
        price("0.025", DAY, channel=Channel.WHATSAPP, category="marketing"),
    ]
    one, three = cost_of(SMS, "a" * 160, prices, on=DAY), cost_of(SMS, "a" * 307, prices, on=DAY)
    assert one is not None
    assert three is not None
    assert (one.amount, three.units, three.amount) == (
        Decimal("0.0118"),
        3,
        Decimal("0.0354"),
    )
    form = WhatsAppForm(name="x", language="en_US", parameters=())
    body = TemplateBody(
        channel=Channel.WHATSAPP, language="en", purpose=Purpose.NO_SHOW, body="x", whatsapp=form
    )
    utility = cost_of(body, "a" * 1000, prices, on=DAY)
    assert utility is not None
    assert (utility.units, utility.amount) == (1, Decimal("0.004"))


def test_the_packaged_prices_have_a_source() -> None:
    assert list_prices()
    assert all(one.source and not one.is_own for one in list_prices())


async def test_an_organisation_sets_its_own_prices(
    db: Database,
    keys: KeyRing,
    clock: FrozenClock,
    organization: OrganizationId,
    other_organization: OrganizationId,
) -> None:
    router = prices_router(PriceService(db, AuditService(db, keys)), clock)
    path = "/comm/message-prices"
    own = {"channel": "sms", "effective_on": "2026-01-01", "unit_price": "0.0105"}
    async with serving(router, clock) as client:
        admin = {"authorization": f"Bearer admin@{organization}"}
        packaged = len((await client.get(path, headers=admin)).json())
        for unit in ("0.0105", "0.0099"):
            answer = await client.put(path, headers=admin, json={**own, "unit_price": unit})
            assert answer.status_code == 200
        listed = (await client.get(path, headers=admin)).json()
        staff = {"authorization": f"Bearer staff@{organization}"}
        assert (await client.put(path, headers=staff, json=own)).status_code == 403
        negative = await client.put(path, headers=admin, json={**own, "unit_price": "-1"})
        assert negative.status_code == 422
        other = {"authorization": f"Bearer admin@{other_organization}"}
        assert len((await client.get(path, headers=other)).json()) == packaged
    assert [one["unit_price"] for one in listed if one["is_own"]] == ["0.009900"]


@pytest.mark.parametrize("price_of", list_prices(), ids=lambda one: one.channel)
def test_a_packaged_price_is_one_that_a_message_may_cost(price_of: Price) -> None:
    assert Decimal(0) < price_of.unit_price < Decimal(1)

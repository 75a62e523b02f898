"""What the tests of delivery share: a desk, and a Valkey that is emptied for each test."""

from typing import Any

import pytest
from tests.delivery.desk import Desk
from tests.valkey import valkey, valkey_url

from handbell.platform.clock import FrozenClock

__all__ = ["valkey", "valkey_url"]


@pytest.fixture
def desk(practice: Any, clock: FrozenClock) -> Desk:
    return Desk(practice, clock)

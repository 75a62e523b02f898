"""What the tests of delivery share."""

from typing import Any

import pytest
from tests.delivery.desk import Desk

from handbell.platform.clock import FrozenClock


@pytest.fixture
def desk(practice: Any, clock: FrozenClock) -> Desk:
    return Desk(practice, clock)

"""Where a patient may be, by the place of residence and the number together."""

from handbell.directory.types import Address
from handbell.patients.types import Residence
from handbell.platform.vocabulary import Channel
from handbell.scheduling.zones import ZoneEvidence, candidate_zones


class InferredWhereabouts:
    """Infers from residence and number; what the patient stated stands in the preferences."""

    def candidate_zones(self, address: Address, residence: Residence) -> tuple[str, ...]:
        return _evidence(address, residence).zones

    def states(self, address: Address, residence: Residence) -> tuple[str, ...]:
        return _evidence(address, residence).states


def _evidence(address: Address, residence: Residence) -> ZoneEvidence:
    return candidate_zones(
        stated=None,
        country=residence.country,
        state=residence.state,
        postal_code=residence.postal_code,
        phone=None if address.channel is Channel.EMAIL else address.value,
    )

"""The figures of a run, as a table and as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from handbell.channels.types import Provider
from tools.contract.types import Asker, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was checked, by (provider, asker), the webhooks of each provider, and what is wrong."""

    exchanges: Counter[tuple[Provider, Asker]]
    webhooks: Counter[Provider]
    violations: Sequence[Violation]
    gaps: Sequence[Violation]
    """Passed over, for the document is known to lack them: `judge.GAPS`."""

    def summary(self) -> str:
        """The last line: all the figures."""
        return (
            f"{self.exchanges.total()} exchanges and {self.webhooks.total()} webhooks checked,"
            f" {len(self.violations)} violations,"
            f" {len(self.gaps)} gaps of the documents passed over"
        )

    def as_json(self) -> dict[str, object]:
        return {
            "exchanges": [
                {"provider": provider, "asker": asker, "checked": count}
                for (provider, asker), count in sorted(self.exchanges.items())
            ],
            "webhooks": [
                {"provider": provider, "checked": count}
                for provider, count in sorted(self.webhooks.items())
            ],
            "violations": [asdict(one) for one in self.violations],
            "gaps": [asdict(one) for one in self.gaps],
        }

    def table(self) -> Table:
        """One row for each provider."""
        table = Table("provider", *(one.value for one in Asker), "webhooks", "violations")
        for provider in Provider:
            wrong = sum(1 for one in self.violations if one.provider is provider)
            counts = [self.exchanges[provider, asker] for asker in Asker]
            cells = (*counts, self.webhooks[provider], wrong)
            table.add_row(provider.value, *(str(cell) for cell in cells))
        return table

"""Why figures are not told."""

from handbell.platform.errors import NotFoundError


class MetricsOff(NotFoundError):
    """`HANDBELL_METRICS_TOKEN` is not set."""

    code = "metrics_off"

    def __init__(self) -> None:
        super().__init__("HANDBELL_METRICS_TOKEN is not set, so that nobody is told.")

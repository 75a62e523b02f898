"""What can be wrong with a restriction."""

from handbell.platform.errors import NotFoundError


class RestrictionNotFound(NotFoundError):
    """No such restriction of this patient."""

    code = "restriction_not_found"

    def __init__(self, restriction_id: int) -> None:
        super().__init__("There is no such restriction.", restriction_id=restriction_id)

"""Why an organisation cannot be made or found."""

from handbell.platform.errors import ConflictError, NotFoundError


class OrganizationNameTaken(ConflictError):
    """Another organisation bears this name."""

    code = "organization_name_taken"


class OrganizationNotFound(NotFoundError):
    """There is no such organisation."""

    code = "organization_not_found"

"""Why an import does not begin."""

from handbell.platform.errors import InvalidError, NotFoundError


class PathNotFound(NotFoundError):
    """There is no such file or folder."""

    code = "path_not_found"


class NothingToImport(InvalidError):
    """The folder holds no file that could be FHIR."""

    code = "nothing_to_import"

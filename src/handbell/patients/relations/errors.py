"""Why somebody may not be told in a patient's place."""

from handbell.platform.errors import ConflictError, InvalidError, NotFoundError


class RelationNotFound(NotFoundError):
    """No such relation of this patient."""

    code = "relation_not_found"

    def __init__(self, relation_id: int) -> None:
        super().__init__("There is no such relation.", relation_id=relation_id)


class RelationStands(ConflictError):
    """The same person stands in the same relation already."""

    code = "relation_stands"

    def __init__(self) -> None:
        super().__init__("This person is already told in the patient's place.")


class NotAMinor(InvalidError):
    """Only a patient known to be under 18 has a guardian."""

    code = "not_a_minor"

    def __init__(self) -> None:
        super().__init__("A guardian is for a patient whose date of birth says: under 18.")


class PermissionMissing(InvalidError):
    """A caregiver is told what the patient has permitted in writing."""

    code = "permission_missing"

    def __init__(self) -> None:
        super().__init__("A caregiver needs the patient's written permission.", field="permission")


class InvalidRelation(InvalidError):
    """The relation names nobody, two people, or the patient; `field` says where."""

    code = "invalid_relation"

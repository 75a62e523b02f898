"""What can be wrong with a request about tasks."""

from handbell.platform.errors import NotFoundError


class TaskNotFound(NotFoundError):
    """The organisation has no such task."""

    code = "staff_task_not_found"

    def __init__(self, task_id: int) -> None:
        super().__init__("There is no such task.", task_id=task_id)

"""The one error that a user can fix."""


class InputError(Exception):
    """Unusable input: what is wrong, and what to do. Both are one line, already escaped."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

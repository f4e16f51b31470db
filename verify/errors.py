"""Mistakes in the input, each of which a user can fix."""

from collections.abc import Sequence


class InputError(Exception):
    """Unusable input: what is wrong, and what to do. Both are one line, already escaped."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def within(self, location: str) -> "InputError":
        """Return the same mistake with the location in front of it, if there is one."""
        return InputError(f"{location}: {self.problem}", self.hint) if location else self


class MistakesError(Exception):
    """Several mistakes, found at once."""

    def __init__(self, mistakes: Sequence[InputError]) -> None:
        super().__init__("\n".join(mistake.problem for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def refuse(mistakes: Sequence[InputError]) -> None:
    """Raise the mistakes, if there are any.

    Raises:
        InputError: There is one.
        MistakesError: There are more.
    """
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        raise MistakesError(mistakes)

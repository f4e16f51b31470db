"""Declarations of command line options: each once, as an attribute of its group."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

from verify.escaping import visible

_Value = TypeVar("_Value")


class Option(Generic[_Value]):
    """A choice: its names, what reads its value, and its help.

    As an attribute of a run's options it is the value.
    """

    name = ""

    def __init__(
        self,
        *flags: str,
        help: str,  # noqa: A002 — its name in every parser
        metavar: str = "",
        read: Callable[[str], object] = str,
        choices: tuple[str, ...] = (),
        default: str | None = None,
        repeatable: bool = False,
        constant: object = None,
        sets: str = "",
        needs_time: bool = False,
        needs_https: bool = False,
        extra_check: bool = False,
        needs_direct: bool = False,
    ) -> None:
        """Declare an option; the functions below give it the type of its value.

        Args:
            flags: Its names on the command line, the long one last.
            help: The row of `--help` and of docs/verify.md.
            metavar: The placeholder of its value; empty where it takes none.
            read: Turns text into the value; raises `ValueError` with the reason.
            choices: All the values that there are, where they are few.
            default: The text of the value it has unless given.
            repeatable: Whether each use adds a value.
            constant: The value it stands for, where it takes none.
            sets: The attribute that it sets, where several options set the same.
            needs_time: Whether a single attempt can't do it.
            needs_https: Whether it means something for https targets only.
            extra_check: Whether it is a separate check, made once the service is stable.
            needs_direct: Whether it connects to the service by itself, which a proxy prevents.
        """
        self.flags = flags
        self.help = help
        self.metavar = metavar
        self.read = read
        self.choices = choices
        self.default = default
        self.repeatable = repeatable
        self.constant = constant
        self.sets = sets
        self.needs_time = needs_time
        self.needs_https = needs_https
        self.extra_check = extra_check
        self.needs_direct = needs_direct

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.sets or name

    @property
    def unset(self) -> Any:
        """The value where the option isn't given."""
        if self.repeatable:
            return ()
        if self.default is not None:
            return self.read(self.default)
        # Flags that set the same attribute need the same default.
        return False if self.constant is not None and not self.sets else None

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for; raise `ValueError` with the reason."""
        if self.choices and text not in self.choices:
            raise ValueError(f"'{visible(text, 40)}' is none of {', '.join(self.choices)}")
        return self.read(text)

    @overload
    def __get__(self, values: None, group: type) -> Self: ...
    @overload
    def __get__(self, values: object, group: type) -> _Value: ...
    def __get__(self, values: object, group: type) -> Self | _Value:
        # The value is in the instance's own dictionary, which Python looks into first.
        if values is None:
            return self
        raise AttributeError(f"{group.__name__} was made without a value of {self.name}")


def optional(*flags: str, read: Callable[[str], _Value], **words: Any) -> Option[_Value | None]:
    """Declare an option whose value is None unless given."""
    return Option(*flags, read=read, **words)


def defaulted(
    *flags: str, default: str, read: Callable[[str], _Value], **words: Any
) -> Option[_Value]:
    """Declare an option with a default."""
    return Option(*flags, read=read, default=default, **words)


def repeatable(
    *flags: str, read: Callable[[str], _Value], **words: Any
) -> Option[tuple[_Value, ...]]:
    """Declare an option that may be given several times."""
    return Option(*flags, read=read, repeatable=True, **words)


def switch(*flags: str, **words: Any) -> Option[bool]:
    """Declare an option without a value, which is True where given."""
    return Option(*flags, constant=True, **words)


def constant(value: object, *flags: str, sets: str, **words: Any) -> Option[None]:
    """Declare one of several flags that set the same attribute, each to its own value."""
    return Option(*flags, constant=value, sets=sets, **words)


class Values:
    """The values of the options that a class and its bases declare; nothing changes them."""

    def __init__(self, **values: object) -> None:
        """Take a value for each attribute.

        Raises:
            TypeError: One is missing, or unknown.
        """
        if values.keys() != self.names():
            wrong = ", ".join(sorted(values.keys() ^ self.names()))
            raise TypeError(f"{type(self).__name__} has missing or unknown values: {wrong}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} can't be set: replace() makes a copy with other values")

    def replace(self, **changes: object) -> Self:
        """Return a copy with some values changed."""
        return type(self)(**{**self.__dict__, **changes})

    @classmethod
    def names(cls) -> set[str]:
        """Return the names of the attributes that hold values."""
        found: set[str] = set()
        for base in cls.__mro__:
            found.update(getattr(base, "__annotations__", ()))
            found.update(option.name for option in declared(base))
        return found


def declared(group: type) -> Iterator[Option[Any]]:
    """Yield the options that a class itself declares, in the order of `--help`."""
    return (attribute for attribute in vars(group).values() if isinstance(attribute, Option))

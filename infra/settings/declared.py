"""The base class of settings: their fields are declared as in a frozen dataclass."""

from __future__ import annotations

from dataclasses import Field, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, dataclass_transform

if TYPE_CHECKING:
    from infra.settings.kinds import Kind


def key(kind: Kind) -> Any:
    """Declare a field as a configuration key whose value is of this kind."""
    return field(metadata={"kind": kind}, repr=not kind.encrypted)


def topic(topic_class: type[Declared]) -> Any:
    """Declare a field of settings as a topic."""
    return field(metadata={"topic": topic_class})


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(field, key, topic)
)
class Declared:
    """Values that can't be changed, each given by name when an object is made.

    A dataclass compiles methods of its own whenever its class is made, so in every run. Settings
    have many classes, which share these methods instead, and are otherwise dataclasses. No field
    has a default.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __init_subclass__(cls) -> None:
        """Make the subclass a dataclass that has the methods of this class."""
        super().__init_subclass__()
        dataclass(init=False, repr=False, eq=False)(cls)

    def __init__(self, **values: Any) -> None:
        """Take a value for each field."""
        names = {each.name for each in fields(self)}
        if values.keys() != names:
            wrong = ", ".join(sorted(values.keys() ^ names))
            raise TypeError(f"missing or unknown fields of {type(self).__name__}: {wrong}")
        vars(self).update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse a change."""
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse a change."""
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __repr__(self) -> str:
        """Show the fields, without secrets."""
        shown = [f"{each.name}={vars(self)[each.name]!r}" for each in fields(self) if each.repr]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        """Compare the fields with those of an object of the same class."""
        if type(other) is not type(self):
            return NotImplemented
        return all(vars(self)[each.name] == vars(other)[each.name] for each in fields(self))

    __hash__ = None  # type: ignore[assignment]  # Fields hold maps.

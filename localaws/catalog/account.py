"""The interface through which rules see an AWS account, and get ids for a new resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from localaws.catalog.properties import Properties


@dataclass(frozen=True)
class Resource:
    """A resource that exists."""

    token: str
    id: str
    urn: str
    """Empty for a resource that AWS itself makes along with another one, such as a VPC's main route
    table.
    """

    region: str
    inputs: Properties
    computed: Properties
    """Outputs that AWS chose or completed (ARNs, addresses, defaults); they override inputs of the
    same name.
    """

    acknowledged: bool = False
    """Whether the engine has shown that it knows this resource. It doesn't know one whose
    creation's answer was lost.
    """

    @property
    def made_by_aws(self) -> bool:
        """Whether AWS made it along with another resource, so that no program declares it."""
        return not self.urn

    @property
    def outputs(self) -> dict[str, Any]:
        """All outputs: the inputs, overridden by `computed`."""
        return {**self.inputs, **self.computed}

    def __deepcopy__(self, _memo: dict[int, Any]) -> Resource:
        # Nothing writes to a resource, so copies of an account share it.
        return self


SEEDED_SECRET = "SecretsManager"  # noqa: S105 — a type of parameter
"""The type of a seeded secret of Secrets Manager."""


@dataclass(frozen=True)
class SeededParameter:
    """An SSM parameter or secret that exists beforehand; its value is never saved."""

    value: str
    type: str = "String"
    """String, StringList or SecureString; SecretsManager for a secret of that service."""

    def __repr__(self) -> str:
        return f"SeededParameter(type={self.type!r})"


class Account(Protocol):
    """An AWS account, as rules see it."""

    @property
    def account_id(self) -> str:
        """Twelve digits."""

    @property
    def zones(self) -> Sequence[str]:
        """Suffixes of the availability zones that every region has, `a` first."""

    @property
    def draining(self) -> Container[str]:
        """Ids of the resources whose deletion is under way."""

    @property
    def parameters(self) -> Mapping[str, SeededParameter]:
        """The SSM parameters and secrets of the user's file, by name."""

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """Functions to call after every change."""

    def get(self, token: str, identifier: object) -> Resource | None:
        """Return the resource of this type with that id, or None."""

    def find(self, token: str, identifier: object) -> Resource | None:
        """Return the resource of this type with that id or import id, or None."""

    def all(self, token: str) -> Sequence[Resource]:
        """Return every resource of this type, oldest first."""

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """Return the resources of a type with this text or number at a path, oldest first.

        An index makes this fast, even if there are many resources of the type.
        """

    def holders(self, resource: Resource) -> Sequence[Resource]:
        """Return the resources whose references to this one forbid its deletion."""


class Mint(Protocol):
    """Generates the ids and other values that AWS chooses for a new resource."""

    @property
    def region(self) -> str:
        """The new resource's region."""

    @property
    def account(self) -> Account:
        """The new resource's account."""

    def hex(self, digits: int) -> str:
        """Return that many random hexadecimal digits."""

    def digits(self, count: int) -> str:
        """Return that many random decimal digits."""

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Return an ARN in this account; `region=""` for a global service."""

    def count(self, counter: str) -> int:
        """Return the next value of a counter, which starts at 1 and is never reset."""


def uuid(mint: Mint) -> str:
    """Return a random UUID."""
    return "-".join(map(mint.hex, (8, 4, 4, 4, 12)))


def is_current(resource: Resource, current: Resource | None) -> bool:
    """Return whether a resource is `current`, the one that an update changes.

    `current` is None for a creation.
    """
    return current is not None and resource.id == current.id


def others_with_same(
    account: Account, token: str, inputs: Properties, current: Resource | None, *names: str
) -> list[Resource]:
    """Return the other resources of a type with the same values of these inputs.

    `current` is the resource with the inputs, or None before its creation. The value of the first
    name must be a text or a number.
    """
    wanted = [inputs.get(name) for name in names]
    found = []
    for each in account.where(token, names[0], wanted[0]):
        same = [each.outputs.get(name) for name in names] == wanted
        if same and not is_current(each, current):
            found.append(each)
    return found

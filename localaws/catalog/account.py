"""What a rule may read of an AWS account: the resources in it, and values for a new one."""

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
    """Pulumi's name for it; empty for what AWS makes along with another resource, such as a VPC's
    main route table.
    """

    region: str
    inputs: Properties
    computed: Properties
    """Outputs that AWS chose or completed (ARNs, addresses, defaults); they win over inputs of the
    same name.
    """

    acknowledged: bool = False
    """Whether the engine has shown that it knows this resource; a creation whose answer got lost
    never is.
    """

    @property
    def outputs(self) -> dict[str, Any]:
        """Everything the resource shows: its inputs, and over them what AWS computed."""
        return {**self.inputs, **self.computed}


SEEDED_SECRET = "SecretsManager"  # noqa: S105 — a type of parameter
"""The type of what is seeded in Secrets Manager."""


@dataclass(frozen=True)
class SeededParameter:
    """An SSM parameter or secret that exists beforehand; its value is never saved."""

    value: str
    type: str = "String"
    """String, StringList or SecureString; SecretsManager for a secret of that service."""

    def __repr__(self) -> str:
        return f"SeededParameter(type={self.type!r})"


class Account(Protocol):
    """What a rule may ask about the account in which a resource lives."""

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
        """The SSM parameters and secrets that exist without being resources, by name."""

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """Functions to call after every change."""

    def get(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or None."""

    def find(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or another name AWS knows it by, or None."""

    def all(self, token: str) -> Sequence[Resource]:
        """Every resource of this type, oldest first."""

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """Return the resources of a type with a text or number at a path, oldest first.

        It costs what it finds, while a look through `all` costs what is there.
        """

    def holders(self, resource: Resource) -> Sequence[Resource]:
        """The resources that refer to this one in a way that forbids its deletion."""


class Mint(Protocol):
    """Where ids and other values come from that AWS makes up for a new resource."""

    @property
    def region(self) -> str:
        """The region in which the resource is made."""

    @property
    def account(self) -> Account:
        """The account in which the resource is made."""

    def hex(self, digits: int) -> str:
        """That many random hexadecimal digits."""

    def digits(self, count: int) -> str:
        """That many random decimal digits."""

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN in this account; `region=""` for a global service."""

    def count(self, counter: str) -> int:
        """The next value of a counter that never goes back, from 1."""


def uuid(mint: Mint) -> str:
    """A random UUID."""
    return "-".join(mint.hex(digits) for digits in (8, 4, 4, 4, 12))


def namesakes(
    account: Account, token: str, inputs: Properties, current: Resource | None, *names: str
) -> list[Resource]:
    """Return other resources of the type with the same values; the first is no list."""
    wanted = [inputs.get(name) for name in names]
    return [
        each
        for each in account.where(token, names[0], wanted[0])
        if (current is None or each.id != current.id)
        and [each.outputs.get(name) for name in names] == wanted
    ]

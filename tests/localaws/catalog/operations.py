"""Operations on the account of the catalog's tests: those that AWS refuses, and common ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localaws.catalog.conftest import Account


def refused(operation: Callable[..., object], *args: Any, **kwargs: Any) -> set[tuple[str, str]]:
    """Return the rules that refuse an operation, with their error codes; fail if it succeeds."""
    with pytest.raises(Refused) as caught:
        operation(*args, **kwargs)
    return {(each.rule, each.code) for each in caught.value.refusals}


def refused_rules(operation: Callable[..., object], *args: Any, **kwargs: Any) -> set[str]:
    """Return the rules that refuse an operation; fail if it succeeds."""
    return {rule for rule, _ in refused(operation, *args, **kwargs)}


def filled(account: Account, value: Any) -> Any:
    """Return the value with every `$name` replaced by the id of that resource.

    A JSON path such as `$.detail` stays.
    """
    if isinstance(value, str) and value.startswith("$") and not value.startswith("$."):
        return account.id(value[1:])
    if isinstance(value, dict):
        return {name: filled(account, each) for name, each in value.items()}
    return [filled(account, each) for each in value] if isinstance(value, list) else value


def other_vpc(account: Account) -> str:
    """Create a second VPC, with subnets in two zones and a security group; return its id."""
    vpc: str = account.make("aws:ec2/vpc:Vpc", "other", cidrBlock="10.1.0.0/16").id
    for number, zone in enumerate("ab"):
        account.make(
            "aws:ec2/subnet:Subnet",
            f"other-{zone}",
            vpcId=vpc,
            cidrBlock=f"10.1.{number}.0/24",
            availabilityZone=f"eu-west-1{zone}",
        )
    account.make("aws:ec2/securityGroup:SecurityGroup", "other-group", name="other", vpcId=vpc)
    return vpc


def minimal_with(account: Account, token: str, more: dict[str, Any]) -> dict[str, Any]:
    """Return a type's minimal inputs with others, of which None removes one."""
    inputs = {**account.minimal(token), **filled(account, more)}
    return {name: value for name, value in inputs.items() if value is not None}

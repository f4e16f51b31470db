"""Check what a stack needs in its account before anything is registered, in previews too.

The checks are read-only calls whose answers hold no secret's value (docs/adr/0017). A call that
AWS refuses to this caller is a warning that names the missing action, never a failure.
docs/permissions.md lists them. Any other error of a check is a bug and fails the run.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming
from infra.costs import limit as cost_limit
from infra.errors import SettingsError, is_failed_lookup, reason_of
from infra.program.lookups import (
    Lookup,
    capacity,
    certificates,
    ownership,
    quotas,
    running_network,
    secrets,
)
from infra.program.network import VPC_NAME
from infra.settings import routing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.errors import Problem
    from infra.settings import Settings


def check(settings: Settings, environment: AwsEnvironment) -> None:
    """Refuse settings that can't be deployed to this account and region.

    Raises:
        SettingsError: Something that the settings name doesn't exist or isn't suitable; it lists
            all problems.
    """
    problems = [
        *settings.problems_in(environment),
        *cost_limit.problems(settings, environment.region),
    ]
    # One after the other: they are few, and when a call of the SDK that doesn't wait fails, the
    # run fails too.
    for lookup in _lookups(settings, environment):
        try:
            problems.extend(lookup.problems())
        except Exception as error:
            if not is_failed_lookup(error):
                raise
            pulumi.log.warn(f"{lookup.subject} wasn't checked: {_why(error)}")
    if problems:
        raise SettingsError(problems)
    for warning in routing.warnings(settings):
        pulumi.log.warn(warning)


def _lookups(settings: Settings, environment: AwsEnvironment) -> Iterator[Lookup]:
    yield Lookup(
        "The owner of the cluster and of the log groups", partial(_problems_with_owners, settings)
    )
    # Two lookups need it. If the first one fails, the second one tries and reports it, too.
    own_vpcs = cache(partial(_own_vpcs, settings))
    yield Lookup(
        "The network of the running stack",
        partial(running_network.problems, settings, VPC_NAME, own_vpcs),
    )
    for service in settings.services:
        yield from secrets.lookups(service, environment)
    on_spot = any(service.capacity.spot for service in settings.services)
    if on_spot and not settings.services_on_instances:
        yield Lookup("Whether the cluster has instances", partial(capacity.problems, settings))
    yield from certificates.lookups(settings)
    yield from quotas.lookups(settings, environment, own_vpcs)


def _problems_with_owners(settings: Settings) -> Iterator[Problem]:
    return ownership.problems(
        naming.cluster(settings.stack), partial(_existing_log_groups, settings), settings.tags
    )


def _existing_log_groups(settings: Settings) -> frozenset[str]:
    """Return the log groups that exist, of those that the stack may ever use."""
    services = (service.name for service in settings.services)
    own = naming.log_groups(settings.stack, services)
    return log_group.existing(naming.log_group_prefixes(settings.stack)) & set(own)


def _own_vpcs(settings: Settings) -> Sequence[str]:
    """Return the ids of the VPCs that the stack created; a failed run can leave two."""
    return aws.ec2.get_vpcs(tags=settings.tags).ids


def _why(error: Exception) -> str:
    """Return why a lookup failed, with the action that its caller isn't allowed."""
    denied = re.search(r"not authorized to perform: ([\w-]+:\w+)", str(error))
    if denied:
        return f"that takes {denied[1]}, which the caller lacks (docs/permissions.md)"
    return reason_of(error)

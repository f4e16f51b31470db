"""Check what a stack needs in its account before anything is registered, in previews too.

The checks are read-only calls whose answers hold no secret's value (docs/adr/0017). A call that
AWS refuses to this caller is a warning that names the missing action, never a failure.
docs/permissions.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming
from infra.aws.secret_names import SSM, resolve
from infra.costs import limit as cost_limit
from infra.errors import Problem, SettingsError, reason_of
from infra.program import ownership, running_network
from infra.program.network import VPC_NAME
from infra.settings import routing
from infra.settings.kinds import counted
from infra.settings.service.capacity import FARGATE, FARGATE_SPOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.aws.secret_names import Secret
    from infra.settings import Settings
    from infra.settings.service import ServiceSettings

_NO_VERSION: Final = 999_999_999
"""A version that no parameter has: SSM keeps the newest hundred, numbered from 1."""

_NO_SUCH_VERSION: Final = "ParameterVersionNotFound"
_MISSING: Final = "couldn't find resource"
"""The provider's error for a parameter or secret that doesn't exist or is being deleted. Source:
its `retry` package.
"""

_VPCS: Final = ("vpc", "L-F678F1CE")
_ADDRESSES: Final = ("ec2", "L-0263D0A3")
"""Services and codes of the quotas. Source: Service Quotas, "VPCs per Region" and "EC2-VPC Elastic
IPs".
"""

_MOST_DESCRIBED: Final = 10
_DESTROY: Final = (
    "`pulumi destroy --stack NAME`, with the local AWS `pulumi-local destroy --stack NAME`, "
    "deletes those of a stack"
)

_NOT_ISSUED: Final = (
    "PENDING_VALIDATION",
    "VALIDATION_TIMED_OUT",
    "FAILED",
    "EXPIRED",
    "REVOKED",
    "INACTIVE",
)
_KEY_TYPES: Final = (
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
)
"""All of ACM's; a lookup that names none finds RSA keys of up to 2048 bits only."""


_Lookup = Callable[[], Iterator[Problem]]
"""Looks up one thing in AWS, and yields the problems with it."""


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
    for subject, look_up in _lookups(settings, environment):
        try:
            problems.extend(look_up())
        # The SDK has nothing narrower for a lookup that fails
        except Exception as error:  # noqa: BLE001
            pulumi.log.warn(f"{subject} wasn't checked: {_why(error)}")
    if problems:
        raise SettingsError(problems)
    for warning in routing.warnings(settings):
        pulumi.log.warn(warning)


def _lookups(settings: Settings, environment: AwsEnvironment) -> Iterator[tuple[str, _Lookup]]:
    """Yield each lookup, after its subject as a warning names it."""
    yield "The owner of the cluster and of the log groups", partial(_owners, settings)
    yield "The network of the running stack", partial(running_network.problems, settings, VPC_NAME)
    for service in settings.services:
        yield from _secrets(service, environment)
    if not settings.services_on_instances and any(each.capacity.spot for each in settings.services):
        yield "Whether the cluster has instances", partial(_instances_in_use, settings)
    yield from _certificates(settings)
    yield from _quotas(settings, environment)


def _owners(settings: Settings) -> Iterator[Problem]:
    return ownership.problems(
        naming.cluster(settings.stack),
        partial(_log_groups, settings),
        settings.tags,
    )


def _log_groups(settings: Settings) -> frozenset[str]:
    """Return the log groups that exist, of those that the stack may ever use."""
    stack = settings.stack
    own = naming.log_groups(stack, (service.name for service in settings.services))
    return log_group.existing(naming.log_group_prefixes(stack)) & set(own)


def _instances_in_use(settings: Settings) -> Iterator[Problem]:
    """Refuse to take the instances' capacity provider from a cluster whose services may use it.

    The cluster's association with providers is updated before the old services are deleted, and ECS
    refuses to remove one that a service uses.
    """
    cluster = naming.cluster(settings.stack)
    if ownership.arn_of(cluster) is None:
        return
    found = aws.ecs.get_cluster(cluster_name=cluster).registered_container_instances_count
    if found:
        yield Problem(
            "capacity",
            f"{FARGATE_SPOT}, where the cluster {cluster} has {counted(found, 'instance')}",
            f"{FARGATE} for every service first; then {FARGATE_SPOT}, in a second run",
        )


def _why(error: Exception) -> str:
    """Return why a lookup failed, with the action that its caller isn't allowed."""
    denied = re.search(r"not authorized to perform: ([\w-]+:\w+)", str(error))
    if denied:
        return f"that takes {denied[1]}, which the caller lacks (docs/permissions.md)"
    return reason_of(error)


def _secrets(
    service: ServiceSettings, environment: AwsEnvironment
) -> Iterator[tuple[str, _Lookup]]:
    """Look up each secret once, however many variables and parts of it are configured."""
    for key, secrets in service.secrets_of_containers.items():
        yield from _secrets_of_container(key, secrets, environment)


def _secrets_of_container(
    key: str, secrets: Mapping[str, str], environment: AwsEnvironment
) -> Iterator[tuple[str, _Lookup]]:
    variables: dict[Secret, list[str]] = {}
    for variable, text in secrets.items():
        secret = resolve(environment, text)
        # A lookup in another account needs that account's permission, and a secret in another
        # region is refused anyway.
        _, _, _, region, account, *_ = secret.resource.split(":")
        if (region, account) == (environment.region, environment.account):
            whole_secret = replace(secret, value_from="")
            variables.setdefault(whole_secret, []).append(variable)
    for secret, names in variables.items():
        kind = "SSM parameter" if secret.service == SSM else "Secrets Manager secret"
        yield (
            f"The {kind} {secret.name}",
            partial(_missing_secret, secret, key, ", ".join(names), environment),
        )


def _missing_secret(
    secret: Secret, key: str, variables: str, environment: AwsEnvironment
) -> Iterator[Problem]:
    if secret.service == SSM:
        exists, kind = _parameter_exists(secret.name), "parameter of SSM"
        create = f"ssm put-parameter --type SecureString --name {secret.name} --value VALUE"
    else:
        exists, kind = _secret_exists(secret.name), "secret of Secrets Manager"
        create = f"secretsmanager create-secret --name {secret.name} --secret-string VALUE"
    if not exists:
        yield Problem(
            key,
            f"{variables}, {secret.name}, which is no {kind} in {environment.account}, "
            f"{environment.region}",
            f"one that exists; `aws {create} --region {environment.region}` creates it; with the "
            "local AWS, add a row to local.parameters.toml",
        )


def _parameter_exists(name: str) -> bool:
    """Request a version that no parameter has: AWS answers with an error, never with a value."""
    _, is_arn, path = name.rpartition(":parameter/")
    if not is_arn:
        names = [name]
    elif "/" in path:
        names = [f"/{path}"]
    else:
        # The ARN of a name with one level is the same with and without a slash before it.
        names = [path, f"/{path}"]
    for candidate in names:
        try:
            aws.ssm.get_parameter(name=f"{candidate}:{_NO_VERSION}", with_decryption=False)
        except Exception as error:
            if _NO_SUCH_VERSION in str(error):
                return True
            if _MISSING not in str(error):
                raise
    # Those answers alone refuse no stack. If they are wrong, this read succeeds; only then is a
    # value read.
    return _found(partial(aws.ssm.get_parameter, name=name, with_decryption=False))


def _secret_exists(name: str) -> bool:
    """Look up the secret's description, which doesn't include its value."""
    is_arn = name.startswith("arn:")
    return _found(
        partial(
            aws.secretsmanager.get_secret,
            arn=name if is_arn else None,
            name=None if is_arn else name,
        )
    )


def _found(lookup: Callable[[], object]) -> bool:
    try:
        lookup()
    except Exception as error:
        if _MISSING in str(error):
            return False
        raise
    return True


def _certificates(settings: Settings) -> Iterator[tuple[str, _Lookup]]:
    """Look up configured certificates that ACM hasn't issued.

    The lookup matches a certificate's main domain name only, so one whose main name is neither the
    domain nor the wildcard that covers it isn't found.
    """
    domain = settings.https.domain
    if settings.https.certificate_arn and domain:
        _, _, parent_domain = domain.partition(".")
        for name in (domain, f"*.{parent_domain}"):
            yield f"Whether the certificate of {name} is issued", partial(_unissued, settings, name)


def _unissued(settings: Settings, name: str) -> Iterator[Problem]:
    try:
        found = aws.acm.get_certificate(
            domain=name, statuses=_NOT_ISSUED, key_types=_KEY_TYPES, most_recent=True
        )
    except Exception as error:
        # No such certificate is the good case. The lookup also fails if it finds several; then
        # nothing is checked.
        if re.search(
            r"no ACM Certificate|multiple ACM Certificates|different ACM certificate", str(error)
        ):
            return
        raise
    for key, arns in (
        ("certificateArn", (settings.https.certificate_arn,)),
        ("extraCertificateArns", settings.https.extra_certificate_arns),
    ):
        if found.arn in arns:
            yield Problem(
                key,
                f"{found.arn}, whose status is {found.status}",
                "one that is issued; `aws acm describe-certificate` shows the records by which ACM "
                "validates it, a few minutes after they are in DNS; one that failed or expired "
                "must be requested again",
            )


def _quotas(settings: Settings, environment: AwsEnvironment) -> Iterator[tuple[str, _Lookup]]:
    if not settings.network.existing_vpc:
        own = settings.tags
        yield "The quota of VPCs", partial(_too_many_vpcs, own, environment)
        if settings.network.nat_gateways:
            yield (
                "The quota of elastic IP addresses",
                partial(_too_many_addresses, settings, own, environment),
            )


def _too_many_vpcs(own: dict[str, str], environment: AwsEnvironment) -> Iterator[Problem]:
    if aws.ec2.get_vpcs(tags=own).ids:
        return
    existing, quota = aws.ec2.get_vpcs().ids, _quota(*_VPCS)
    if len(existing) >= quota:
        yield Problem(
            "vpcId",
            f"empty, so that a VPC is created, where {environment.region} has {len(existing)} of "
            f"at most {quota}: {_described(existing)}",
            f"the id of an existing VPC; or fewer of them: {_DESTROY}; or a higher quota: "
            + _request(*_VPCS, len(existing) + 1, environment),
        )


def _described(vpc_ids: Sequence[str]) -> str:
    """Name the stacks that VPCs belong to, and others by their ids."""
    found: list[str] = []
    for vpc_id in vpc_ids[:_MOST_DESCRIBED]:
        vpc = aws.ec2.get_vpc(id=vpc_id)
        if vpc.default:
            found.append("the default VPC")
        elif "Stack" in vpc.tags:
            found.append(f"that of stack {vpc.tags['Stack']} of {vpc.tags.get('Project')}")
        else:
            found.append(vpc_id)
    if len(vpc_ids) > _MOST_DESCRIBED:
        found.append(f"and {len(vpc_ids) - _MOST_DESCRIBED} more")
    return ", ".join(found)


def _too_many_addresses(
    settings: Settings, own: dict[str, str], environment: AwsEnvironment
) -> Iterator[Problem]:
    needed = settings.network.nat_gateways - len(aws.ec2.get_eips(tags=own).allocation_ids)
    if needed <= 0:
        return
    existing, quota = len(aws.ec2.get_eips().allocation_ids), _quota(*_ADDRESSES)
    if existing + needed > quota:
        yield Problem(
            "network",
            f"{settings.network.network}, whose NAT gateways need {needed} more elastic IP "
            f"addresses, where {environment.region} has {existing} of at most {quota}",
            f"a network with fewer NAT gateways; or fewer addresses: {_DESTROY}; or a higher "
            "quota: " + _request(*_ADDRESSES, existing + needed, environment),
        )


def _quota(service: str, code: str) -> int:
    return int(aws.servicequotas.get_service_quota(service_code=service, quota_code=code).value)


def _request(service: str, code: str, wanted: int, environment: AwsEnvironment) -> str:
    """Return the command that requests a higher quota."""
    return (
        f"`aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {code} --desired-value {wanted} --region {environment.region}`"
    )

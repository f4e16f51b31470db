"""IAM: service-linked roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.iam.names import CREATED
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import ResourceType
from localaws.catalog.values import Limit, length, matches, text

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

SERVICE_LINKED_ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"

_NAMES = {
    "autoscaling": "AutoScaling",
    "ecs": "ECS",
    "elasticache": "ElastiCache",
    "elasticfilesystem": "AmazonElasticFileSystem",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "es": "AmazonElasticsearchService",
    "opensearchservice": "AmazonOpenSearchService",
    "rds": "RDS",
    "spot": "EC2Spot",
    "wafv2": "WAFV2Logging",
}
"""The part of a role's name after `AWSServiceRoleFor`, by service.

Source: AWS's guides to the services' roles.
"""

_SCALING = ".application-autoscaling"
"""The end of the principal that scales a service: `ecs.application-autoscaling`."""

_WITH_SUFFIX = frozenset({"autoscaling"})
"""The services in `_NAMES` whose role can have a custom suffix."""


def _service(inputs: Properties) -> str:
    """Return the service's name: `ecs` of `ecs.amazonaws.com`."""
    return str(inputs.get("awsServiceName")).removesuffix(".cn").removesuffix(".amazonaws.com")


def _role_name(inputs: Properties) -> str:
    """Return the role's name: `AWSServiceRoleForECS` for `ecs.amazonaws.com`."""
    principal = _service(inputs)
    service = principal.removesuffix(_SCALING)
    name = _NAMES.get(service) or _camel_case(service)
    if principal.endswith(_SCALING):
        name = f"ApplicationAutoScaling_{name}Service"
    suffix = inputs.get("customSuffix")
    return f"AWSServiceRoleFor{name}_{suffix}" if suffix else f"AWSServiceRoleFor{name}"


def _camel_case(service: str) -> str:
    """Return `CostOptimizationHub` for `cost-optimization-hub`."""
    words = service.replace("-", ".").split(".")
    return "".join(word[:1].upper() + word[1:] for word in words)


def _rules(inputs: Properties) -> Refusals:
    if not text(inputs.get("awsServiceName")) or not inputs.get("customSuffix"):
        return
    if _service(inputs) in _NAMES.keys() - _WITH_SUFFIX:
        message = (
            f"Custom suffix is not allowed for {inputs['awsServiceName']}: leave customSuffix out"
        )
        yield Refusal("InvalidInput", message, "iam.service-linked-role.suffix", "customSuffix")


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    name = _role_name(inputs)
    if current is None and account.where(SERVICE_LINKED_ROLE, "name", name):
        message = (
            f"Service role name {name} has been taken in this account, please try a "
            "different suffix."
        )
        yield Refusal("InvalidInput", message, "iam.service-linked-role.unique", "awsServiceName")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    path = f"/aws-service-role/{inputs.get('awsServiceName')}/"
    name = _role_name(inputs)
    arn = mint.arn("iam", f"role{path}{name}", region="")
    return {
        "id": arn,
        "arn": arn,
        "name": name,
        "path": path,
        "createDate": CREATED,
        "uniqueId": f"AROA{mint.hex(17).upper()}",
    }


TYPES = (
    ResourceType(
        token=SERVICE_LINKED_ROLE,
        only_recorded=NO_PERMISSION,
        replaces=frozenset({"awsServiceName", "customSuffix"}),
        limits=(
            Limit(
                "awsServiceName",
                matches(r".*\..*", "a service's full host name, such as ecs.amazonaws.com"),
                "iam.service-linked-role.service",
            ),
            Limit("description", length(0, 1000), "iam.role.description"),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
    ),
)

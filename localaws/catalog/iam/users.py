"""IAM: users and their policies, uploaded certificates, and service-linked roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.iam.roles import (
    CREATED,
    PATH,
    WORDS,
    inline_policy,
    name_of,
    policy_attachment,
)
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import ARN, Allowed, Limit, length, matches, text

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

USER = "aws:iam/user:User"
USER_POLICY = "aws:iam/userPolicy:UserPolicy"
USER_ATTACHMENT = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
SERVER_CERTIFICATE = "aws:iam/serverCertificate:ServerCertificate"
SERVICE_LINKED_ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"

USER_INLINE_CHARACTERS = 2048
"""AWS's quota for all inline policies of a user; white space doesn't count."""

_EXISTS = "EntityAlreadyExists"

_SERVICE_ROLES = {
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
"""Follows the service's name in the principal that scales the service."""

_WITH_SUFFIX = frozenset({"autoscaling"})
"""The services in `_SERVICE_ROLES` whose role can have a custom suffix."""


def _user_computed(mint: Mint, inputs: Properties) -> Properties:
    return {
        "id": inputs.get("name"),
        "arn": mint.arn("iam", f"user{inputs.get('path') or '/'}{inputs.get('name')}", region=""),
        "uniqueId": f"AIDA{mint.hex(17).upper()}",
    }


def _user_updated(current: Resource, inputs: Properties) -> Properties:
    """Return the ARN, which changes when a user is renamed or moved to another path."""
    account = str(current.computed["arn"]).partition(":user/")[0]
    return {"arn": f"{account}:user{inputs.get('path') or '/'}{inputs.get('name')}"}


def _user_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    name = text(inputs.get("name"))
    for user in account.all(USER):
        same = name and str(user.outputs.get("name")).lower() == name.lower()
        if same and (current is None or user.id != current.id):
            yield Refusal(
                _EXISTS, f"User with name {name} already exists.", "iam.user.unique", "name"
            )


def _user_deletion_rules(user: Resource, account: Account) -> Refusals:
    for token, what in ((USER_POLICY, "delete policies"), (USER_ATTACHMENT, "detach all policies")):
        users = [each.inputs.get("user") for each in account.all(token)]
        if user.id in users or user.outputs.get("name") in users:
            yield Refusal(
                "DeleteConflict", f"Cannot delete entity, must {what} first.", "iam.user.held"
            )


def _pem(what: str) -> Allowed:
    return Allowed(
        f"{what} in PEM form", lambda value: isinstance(value, str) and _is_pem(value, what)
    )


def _is_pem(value: str, what: str) -> bool:
    label = "CERTIFICATE" if what == "a certificate" else "PRIVATE KEY"
    return "-----BEGIN " in value and f"{label}-----" in value and "-----END " in value


def _certificate_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn(
        "iam", f"server-certificate{inputs.get('path') or '/'}{inputs.get('name')}", region=""
    )
    return {"id": f"ASCA{mint.hex(17).upper()}", "arn": arn, "uploadDate": CREATED}


def _service(inputs: Properties) -> str:
    return str(inputs.get("awsServiceName")).removesuffix(".cn").removesuffix(".amazonaws.com")


def _role_name(inputs: Properties) -> str:
    service, suffix = _service(inputs), inputs.get("customSuffix")
    scaled = service.removesuffix(_SCALING)
    words = scaled.replace("-", ".").split(".")
    name = _SERVICE_ROLES.get(scaled, "".join(word[:1].upper() + word[1:] for word in words))
    if scaled != service:
        name = f"ApplicationAutoScaling_{name}Service"
    if suffix:
        name = f"{name}_{suffix}"
    return f"AWSServiceRoleFor{name}"


def _service_role_rules(inputs: Properties) -> Refusals:
    service = text(inputs.get("awsServiceName")) and _service(inputs)
    if inputs.get("customSuffix") and service in _SERVICE_ROLES.keys() - _WITH_SUFFIX:
        message = f"Custom suffix is not allowed for {inputs['awsServiceName']}"
        yield Refusal("InvalidInput", message, "iam.service-linked-role.suffix", "customSuffix")


def _service_role_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    name = _role_name(inputs)
    if current is None and account.where(SERVICE_LINKED_ROLE, "name", name):
        message = (
            f"Service role name {name} has been taken in this account, please try a "
            "different suffix."
        )
        yield Refusal("InvalidInput", message, "iam.service-linked-role.unique", "awsServiceName")


def _service_role_computed(mint: Mint, inputs: Properties) -> Properties:
    path, name = f"/aws-service-role/{inputs.get('awsServiceName')}/", _role_name(inputs)
    arn = mint.arn("iam", f"role{path}{name}", region="")
    found = {"id": arn, "arn": arn, "name": name, "path": path, "createDate": CREATED}
    return {**found, "uniqueId": f"AROA{mint.hex(17).upper()}"}


_USER = Reference("user", USER, "NoSuchEntity", "iam.user.exists")

TYPES = (
    ResourceType(
        token=USER,
        recorded=NO_PERMISSION,
        autoname=AutoName(longest=64),
        defaults={"path": "/", "forceDestroy": False},
        limits=(
            Limit("name", matches(name_of(64), f"1 to 64 {WORDS}"), "iam.user.name"),
            Limit("path", PATH, "iam.role.path"),
            Limit("permissionsBoundary", ARN, "iam.role.boundary"),
        ),
        account_rules=_user_account_rules,
        computed=_user_computed,
        updated=_user_updated,
        deletion_rules=_user_deletion_rules,
        # A user that was renamed keeps its id here.
        import_ids=lambda user: (str(user.outputs.get("name")),),
    ),
    inline_policy(USER_POLICY, _USER, limit=USER_INLINE_CHARACTERS, rule="iam.user.policy-size"),
    policy_attachment(USER_ATTACHMENT, _USER, rule="iam.user.quota"),
    ResourceType(
        token=SERVER_CERTIFICATE,
        recorded="the local authority signs what a listener serves in its place",
        autoname=AutoName(longest=128),
        replaces=frozenset(
            {"certificateBody", "certificateChain", "name", "namePrefix", "path", "privateKey"}
        ),
        defaults={"path": "/"},
        limits=(
            Limit(
                "name", matches(name_of(128), f"1 to 128 {WORDS}"), "iam.server-certificate.name"
            ),
            Limit("path", PATH, "iam.role.path"),
            Limit(
                "certificateBody",
                _pem("a certificate"),
                "iam.server-certificate.pem",
                "MalformedCertificate",
                hidden=True,
            ),
            Limit(
                "certificateChain",
                _pem("a certificate"),
                "iam.server-certificate.pem",
                "MalformedCertificate",
                hidden=True,
            ),
            Limit(
                "privateKey",
                _pem("a private key"),
                "iam.server-certificate.pem",
                "MalformedCertificate",
                hidden=True,
            ),
        ),
        unique=(
            Unique(
                ("name",),
                _EXISTS,
                "iam.server-certificate.unique",
                "The Server Certificate with name {name} already exists.",
            ),
        ),
        computed=_certificate_computed,
        held=("DeleteConflict", "iam.server-certificate.held"),
        # Listeners know it by its ARN.
        import_ids=lambda certificate: (
            str(certificate.outputs.get("name")),
            certificate.computed["arn"],
        ),
    ),
    ResourceType(
        token=SERVICE_LINKED_ROLE,
        recorded=NO_PERMISSION,
        replaces=frozenset({"awsServiceName", "customSuffix"}),
        limits=(
            Limit(
                "awsServiceName",
                matches(r".*\..*", "a service's full host name, such as ecs.amazonaws.com"),
                "iam.service-linked-role.service",
            ),
            Limit("description", length(0, 1000), "iam.role.description"),
        ),
        rules=_service_role_rules,
        account_rules=_service_role_account_rules,
        computed=_service_role_computed,
    ),
)

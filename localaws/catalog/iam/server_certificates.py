"""IAM: uploaded certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.iam.names import CREATED, PATH, iam_name, path_and_name
from localaws.catalog.resource_type import AutoName, ResourceType, Unique
from localaws.catalog.values import Allowed, Limit

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties

SERVER_CERTIFICATE = "aws:iam/serverCertificate:ServerCertificate"


def _pem(kind: str, label: str) -> Allowed:
    """Allow text in PEM form whose label ends with `label`; what it encodes isn't checked."""

    def contains(value: object) -> bool:
        if not isinstance(value, str):
            return False
        return "-----BEGIN " in value and f"{label}-----" in value and "-----END " in value

    return Allowed(f"{kind} in PEM form", contains)


_CERTIFICATE = _pem("a certificate", "CERTIFICATE")
_PRIVATE_KEY = _pem("a private key", "PRIVATE KEY")


def _pem_limit(name: str, allowed: Allowed) -> Limit:
    return Limit(name, allowed, "iam.server-certificate.pem", "MalformedCertificate", hidden=True)


def _computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("iam", f"server-certificate{path_and_name(inputs)}", region="")
    return {"id": f"ASCA{mint.hex(17).upper()}", "arn": arn, "uploadDate": CREATED}


TYPES = (
    ResourceType(
        token=SERVER_CERTIFICATE,
        only_recorded="the local authority signs what a listener serves in its place",
        autoname=AutoName(longest=128),
        replaces=frozenset(
            {"certificateBody", "certificateChain", "name", "namePrefix", "path", "privateKey"}
        ),
        defaults={"path": "/"},
        limits=(
            Limit("name", iam_name(128), "iam.server-certificate.name"),
            Limit("path", PATH, "iam.role.path"),
            _pem_limit("certificateBody", _CERTIFICATE),
            _pem_limit("certificateChain", _CERTIFICATE),
            _pem_limit("privateKey", _PRIVATE_KEY),
        ),
        unique=(
            Unique(
                ("name",),
                "EntityAlreadyExists",
                "iam.server-certificate.unique",
                "The Server Certificate with name {name} already exists.",
            ),
        ),
        computed=_computed,
        held=("DeleteConflict", "iam.server-certificate.held"),
        # Listeners know it by its ARN.
        import_ids=lambda certificate: (
            str(certificate.outputs.get("name")),
            certificate.computed["arn"],
        ),
    ),
)

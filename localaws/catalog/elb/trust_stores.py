"""Elastic Load Balancing: trust stores, with which listeners verify clients' certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.elb.load_balancers import PREFIX
from localaws.catalog.elb.target_groups import NAME
from localaws.catalog.resource_type import AutoName, ResourceType, Unique
from localaws.catalog.values import Limit, matches

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties

TRUST_STORE = "aws:lb/trustStore:TrustStore"

_NOT_EMPTY = matches(r"(?s).+", "a text that isn't empty")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    suffix = f"truststore/{inputs.get('name')}/{mint.hex(16)}"
    arn = mint.arn("elasticloadbalancing", suffix)
    return {"id": arn, "arn": arn, "arnSuffix": suffix}


TYPES = (
    ResourceType(
        token=TRUST_STORE,
        only_recorded="no certificate is requested of a client; a listener's run mentions that",
        autoname=AutoName(longest=32),
        replaces=frozenset({"name", "namePrefix", "region"}),
        limits=(
            Limit("name", NAME, "elbv2.trust-store.name"),
            Limit("namePrefix", PREFIX, "elbv2.trust-store.name"),
            Limit("caCertificatesBundleS3Bucket", _NOT_EMPTY, "elbv2.trust-store.bundle"),
            Limit("caCertificatesBundleS3Key", _NOT_EMPTY, "elbv2.trust-store.bundle"),
            Limit("caCertificatesBundleS3ObjectVersion", _NOT_EMPTY, "elbv2.trust-store.bundle"),
        ),
        unique=(
            Unique(
                ("name",),
                "DuplicateTrustStoreName",
                "elbv2.trust-store.unique",
                "A trust store with name '{name}' already exists",
            ),
        ),
        computed=_computed,
        held=("TrustStoreInUse", "elbv2.trust-store.held"),
    ),
)

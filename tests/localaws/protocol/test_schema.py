"""The package schema; the engine tests' imports show that the CLI writes code from it."""

from __future__ import annotations

import json
import re

from localaws.catalog import CATALOG
from localaws.catalog.tokens import SECOND_TOKENS
from localaws.protocol.schema import package

SCHEMA = package("7.51.1")


def test_every_type_of_the_catalog_is_described() -> None:
    assert (SCHEMA["name"], SCHEMA["version"]) == ("aws", "7.51.1")
    types = {token for token, first in SECOND_TOKENS.items() if first in CATALOG}
    assert SCHEMA["resources"].keys() == CATALOG.keys() | types
    for token, kind in CATALOG.items():
        assert SCHEMA["resources"][token]["inputProperties"].keys() == kind.inputs


def test_a_type_with_two_tokens_is_described_the_same_under_both() -> None:
    first = SCHEMA["resources"]["aws:lb/listener:Listener"]
    second = SCHEMA["resources"]["aws:alb/listener:Listener"]
    assert first["inputProperties"].keys() == second["inputProperties"].keys()
    assert second["inputProperties"]["defaultActions"]["items"] == {
        "$ref": "#/types/aws:alb/ListenerDefaultActions:ListenerDefaultActions"
    }


def test_references_in_the_schema_match_its_types() -> None:
    references = re.findall(r'"#/types/([^"]+)"', json.dumps(SCHEMA))
    assert set(references) == SCHEMA["types"].keys()


def test_blocks_inside_inputs_are_described_as_types() -> None:
    group = SCHEMA["resources"]["aws:ec2/securityGroup:SecurityGroup"]["inputProperties"]
    rule = "aws:ec2/SecurityGroupIngress:SecurityGroupIngress"
    assert group["ingress"] == {"type": "array", "items": {"$ref": f"#/types/{rule}"}}
    assert SCHEMA["types"][rule]["properties"].keys() > {"fromPort", "cidrBlocks"}
    assert SCHEMA["types"][rule]["required"] == ["fromPort", "protocol", "toPort"]
    assert group["tags"] == group["name"] == {"$ref": "pulumi.json#/Any"}
    log = "aws:ecs/ClusterConfigurationExecuteCommandConfigurationLogConfiguration"
    assert f"{log}:{log.rpartition('/')[2]}" in SCHEMA["types"]


def test_a_reference_to_another_resource_can_name_its_arn() -> None:
    role = SCHEMA["resources"]["aws:iam/role:Role"]
    assert role["properties"]["arn"] == {"type": "string"}
    assert "arn" not in role["inputProperties"]

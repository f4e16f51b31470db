"""Any configuration passes the gate's rules, or is refused before anything is registered.

The values come from the kinds of the settings, so that a new key needs no line here. A test also
fails if a rule of AWS, as the local AWS knows it, refuses an accepted configuration.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from gate import graph, rules
from gate.configurations import VALUE_OF_A_SECRET
from infra.aws.environment import AwsEnvironment
from infra.errors import SettingsError
from infra.settings import Settings, kinds
from infra.settings.build_kind import Build
from infra.settings.collection_kinds import ListOf, Map, MapsByName
from infra.settings.kinds import (
    Choice,
    Destinations,
    Flag,
    IpRange,
    Ipv4Network,
    OrNone,
    Text,
    Whole,
)
from infra.settings.route_kinds import (
    Alternatives,
    ClientSecrets,
    OidcClient,
    Rewriting,
    Routes,
    Weights,
)
from infra.settings.statements_kind import Statements
from localaws.mocks import Cloud
from tests.infra import recorder
from tests.infra.changes import task_sizes
from tests.infra.logins import CERTIFICATE, CLIENT_SECRETS, OIDC
from tests.infra.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gate.graph import Graph
    from infra.settings.kinds import Kind
    from localaws.mocks import Recording

pytestmark = pytest.mark.slow  # the program runs for each of many configurations

CHOSEN = {
    "alarms-have-recipients",
    "containers-drop-capabilities",
    "containers-run-as-non-root",
    "images-are-pinned",
    "no-plain-text-secrets",
}
"""Rules about choices of a stack: the container's image and user, the names of plain variables, the
recipients of alarms.
"""

ENVIRONMENT = AwsEnvironment(partition="aws", region=recorder.REGION, account="123456789012")
HERE = f"{ENVIRONMENT.region}:{ENVIRONMENT.account}"
KEY = f"arn:aws:kms:{HERE}:key/00000000-0000-4000-8000-000000000000"
PRIVATE_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:" + "0" * 64
DESTINATIONS = ("10.0.0.0/8:5432", "192.0.2.7/32:8000-8100", "2001:db8::/32:443", "0.0.0.0/0:25")
STATEMENTS = (
    {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/*"},
    {"Action": "*", "Resource": "*"},
)

BUILDS = (
    "",
    "tests/infra/app",
    "tests/infra",
    {"context": "tests/infra/app", "target": "service", "args": {"VERSION": "2"}},
    {"context": "tests/infra/app", "platform": "linux/arm64"},
)

BUSYBOX = "public.ecr.aws/docker/library/busybox:stable"
EFS = {"efsFileSystemId": "fs-01234567", "efsAccessPointId": "fsap-01234567"}
MAPS: dict[str, tuple[Any, ...]] = {
    "services": (
        "",
        {"web": {}},
        {"shop": {"cpuUnits": 512, "memoryMib": 2048, "secrets": {"A": "/a"}}},
        {"Shop": {}},
    ),
    "sidecars": (
        {},
        {"beside": {"image": BUSYBOX, "secrets": {"A": "/a"}, "writablePaths": ["/tmp"]}},
        {"beside": {"image": BUSYBOX, "port": 8081}},
        {"beside": {"image": PRIVATE_IMAGE, "memoryMib": 64, "dependsOn": {"nginx": "START"}}},
        {"beside": {"command": ["true"]}},
    ),
    "volumes": ({}, {"shared": {}}, {"files": EFS}, {"files": {"efsFileSystemId": "fs-01234567"}}),
}
"""Maps of maps by their keys, some of them wrong."""

REWRITES: tuple[dict[str, str], ...] = (
    {},
    {"regex": "^/old/(.*)", "replace": "/new/$1"},
    {"regex": "(?!a)", "replace": ""},
)

ROUTES: tuple[Any, ...] = (
    [],
    [{}, {"paths": ["/a/*"]}],
    [{"paths": [f"/{number}" for number in range(12)]}, {"hosts": ["a.example.com"]}],
    [{"paths": ["a"]}],
)

TOGETHER: list[dict[str, Any]] = [
    {
        "services": {
            "api": {"paths": ["/api", "/api/*"], "methods": ["GET"], "headers": {"x-a": "b*"}},
            "web": {"routes": [{"hosts": ["a.example.com"]}, {"paths": ["/*"]}]},
        }
    },
    {
        "services": {
            "web": {"weights": {"web": 9, "next": 1}, "weightStickinessSeconds": 60},
            "next": {"stickinessSeconds": 60},
        }
    },
    {"certificateArn": CERTIFICATE, "oidc": OIDC, "oidcClientSecrets": CLIENT_SECRETS},
    {"paths": ["/a?b", "/c*"], "rewriteUrl": REWRITES[1], "routePriority": 5},
    {"domain": "shop.example.com", "hostedZone": "example.com"},
    {"certificateArn": CERTIFICATE},
    {"network": "nat"},
    {"capacity": "ec2", "network": "nat"},
    {"capacity": "ec2", "network": "endpoints", "image": PRIVATE_IMAGE, "instanceType": "m5.large"},
    {"capacity": "ec2", "network": "nat", "cpuArchitecture": "ARM64", "instanceType": "t4g.small"},
    {"capacity": "fargate-spot", "onDemandBase": 1},
    {"network": "nat-per-zone", "dualStack": True},
    {"network": "endpoints", "image": PRIVATE_IMAGE, "ecsExec": False},
    {"network": "endpoints", "image": PRIVATE_IMAGE, "ecsExec": True, "execKeyArn": KEY},
    {"internal": True, "allowedCidrs": ["10.0.0.0/8"]},
    {"image": PRIVATE_IMAGE, "requireImageDigest": True},
    {"build": BUILDS[3], "command": [], "requireImageDigest": True, "network": "endpoints"},
    {"user": "101:101", "containerPort": 8080},
    {
        "secrets": {"PASSWORD": f"arn:aws:secretsmanager:{HERE}:secret:shop-AbCdEf"},
        "secretKeyArns": [KEY],
    },
    {"accessLogs": True, "waf": "block", "flowLogs": "all", "logKeyArn": KEY},
    {"egress": ["10.0.0.0/8:5432"]},
    {"ecsExec": False, "taskPolicyStatements": [STATEMENTS[0]]},
    {
        "sidecars": {
            "beside": {
                "image": BUSYBOX,
                "essential": False,
                "mounts": {"shared": "/in", "files": "/files:ro"},
                "healthCheckCommand": ["CMD", "true"],
            }
        },
        "dependsOn": {"beside": "HEALTHY"},
        "volumes": {"shared": {}, "files": EFS},
        "mounts": {"shared": "/out"},
        "ephemeralStorageGib": 21,
    },
    {
        "sidecars": {"proxy": {"image": BUSYBOX, "port": 8081}},
        "ingressContainer": "proxy",
        "connectContainer": "proxy",
        "serviceConnect": True,
    },
    {
        "sidecars": {
            "router": {"image": BUSYBOX, "logRouter": "fluentbit", "logRouterFile": "/extra.conf"},
            "beside": {"image": BUSYBOX, "logTo": "router"},
        },
        "logTo": "router",
        "logOptions": {"Name": "datadog"},
        "logSecrets": {"apikey": "/a"},
    },
    {"desiredCount": 1, "minimumHealthyPercent": 100, "drainSeconds": 5},
]
"""Keys that are accepted together, which values drawn for each key alone would hardly ever be."""


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Return values that a kind accepts, as a stack file contains them."""
    return VALUES[type(kind)](kind)


def _text(kind: Text) -> st.SearchStrategy[str]:
    form = re.compile(kind.pattern, re.ASCII)
    return st.from_regex(form, fullmatch=True).filter(lambda text: len(text) <= kind.longest)


def _network(address: int, prefix: int) -> str:
    return str(ipaddress.IPv4Network((0x0A000000 + address, prefix), strict=False))


ADDRESS = st.integers(0, 2**24 - 1)
VALUES: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    Whole: lambda kind: st.integers(kind.minimum, kind.maximum),
    Choice: lambda kind: st.sampled_from(kind.choices),
    Flag: lambda _: st.booleans(),
    Text: _text,
    OrNone: lambda kind: st.just("") | values(kind.kind),
    Ipv4Network: lambda kind: st.builds(
        _network, ADDRESS, st.integers(kind.widest, kind.narrowest)
    ),
    IpRange: lambda _: st.builds(_network, ADDRESS, st.integers(8, 32)),
    ListOf: lambda kind: st.lists(values(kind.each), max_size=3),
    Map: lambda kind: st.dictionaries(values(kind.name), values(kind.value), max_size=3),
    Destinations: lambda _: st.sampled_from(DESTINATIONS),
    Statements: lambda _: st.lists(st.sampled_from(STATEMENTS), max_size=2),
    MapsByName: lambda _: st.just(""),
    Build: lambda _: st.sampled_from(BUILDS),
    Alternatives: lambda kind: st.dictionaries(
        values(kind.name), values(kind.value) | st.lists(values(kind.value), max_size=2), max_size=2
    ),
    Rewriting: lambda _: st.sampled_from(REWRITES),
    Routes: lambda _: st.sampled_from(ROUTES),
    OidcClient: lambda _: st.sampled_from(({}, OIDC, {"issuer": "http://login.example.com"})),
    Weights: lambda _: st.sampled_from(({}, {"web": 1}, {"web": 0}, {"web": 1, "shop": 9})),
    ClientSecrets: lambda _: st.sampled_from(({}, CLIENT_SECRETS, {"web": "in plain text"})),
}
"""How values of each kind are drawn; a new kind needs a line here."""

HOLDING_MAPS = set(MAPS)
"""Keys of which a problem may name a path."""
for key, kind in kinds().items():
    if isinstance(kind, Map | Alternatives):
        HOLDING_MAPS.add(key)

SIZES = st.sampled_from(task_sizes())
SIZE = SIZES.map(lambda size: {"cpuUnits": size[0], "memoryMib": size[1]})
BY_KEY = {key: values(kind) for key, kind in kinds().items()}
BY_KEY.update((key, st.sampled_from(maps)) for key, maps in MAPS.items())
ONE_KEY = st.sampled_from(sorted(BY_KEY)).flatmap(
    lambda key: BY_KEY[key].map(lambda value: {key: value})
)
REFUSED_BY_ALL = "\x00"
ONE_REFUSED = st.sampled_from(sorted(BY_KEY)).map(lambda key: {key: REFUSED_BY_ALL})


LOOKED_UP = {"availabilityZoneCount", "hostedZone", "monthlyCostLimitUsd", "vpcId", "vpcTags"}
"""Keys whose values are compared with the account or with prices, so that a run may refuse values
that the settings accept.
"""


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw changes of a stack file: related keys, single keys, and at times a refused value."""
    parts = draw(st.lists(st.sampled_from(TOGETHER) | SIZE, max_size=4)) + draw(
        st.lists(ONE_KEY, max_size=3)
    )
    if draw(st.integers(0, 9)) == 0:
        parts.append(draw(ONE_REFUSED))
    drawn: dict[str, Any] = {}
    for part in parts:
        drawn.update(part)
    return drawn


@settings(max_examples=40, derandomize=True)
@given(stack=st.sampled_from(recorder.STACKS), changed=changes())
def test_a_configuration_is_deployed_safely_or_refused_at_once(
    stack: str, changed: dict[str, Any]
) -> None:
    event("deployed" if deployed_or_refused(stack, changed) else "refused")


@settings(max_examples=5, derandomize=True, phases=[Phase.generate])
@given(st.fixed_dictionaries(BY_KEY))
def test_every_key_is_tried_with_some_values(drawn: dict[str, Any]) -> None:
    """Deploy the values that are accepted together in one run, and each other one by itself."""
    together: dict[str, Any] = {}
    for key, value in drawn.items():
        if key not in LOOKED_UP and is_accepted({**together, key: value}):
            together[key] = value
        else:
            deployed_or_refused("dev", {key: value})
    assert deployed_or_refused("dev", together)


@pytest.mark.parametrize("together", TOGETHER)
def test_keys_that_are_accepted_together_are_deployed_safely(together: dict[str, Any]) -> None:
    config = recorder.configuration("dev", together)
    recording = recorder.run_under(engine_for(config), "dev", config)
    assert_safe(recording, graph.build(recording), together)


@pytest.mark.parametrize(
    "changed",
    [
        {"availabilityZoneCount": 4},
        {"healthCheckCodes": "200,399-200"},
        {"dropCapabilities": ["NET_ROW"]},
    ],
)
def test_a_value_that_aws_would_refuse_during_the_deployment_is_refused_at_once(
    changed: dict[str, Any],
) -> None:
    refusal = recorder.refusal_of(**changed)
    assert {problem.key for problem in refusal.problems} == set(changed)


@pytest.mark.parametrize("key", sorted(BY_KEY))
def test_a_value_that_its_key_does_not_allow_is_refused_with_the_key(key: str) -> None:
    config = recorder.configuration("dev", {key: REFUSED_BY_ALL})
    if key in {"environment", "command"}:
        config[f"{recorder.PROJECT}:{key}"] = "nonsense"
    refusal = recorder.refusal_by(engine_for(config), config)
    assert key in {problem.key for problem in refusal.problems}
    assert_names_its_keys(refusal)


def is_accepted(changed: dict[str, Any]) -> bool:
    """Return whether the settings accept changes, before anything is looked up in the account."""
    texts = recorder.configuration("dev", changed).items()
    own = {
        key.removeprefix(f"{recorder.PROJECT}:"): text
        for key, text in texts
        if key.startswith(recorder.PROJECT)
    }
    try:
        return not Settings.of(own, project=recorder.PROJECT, stack="dev").problems_in(ENVIRONMENT)
    except SettingsError:
        return False


def deployed_or_refused(stack: str, changed: dict[str, Any]) -> bool:
    """Return whether changes are deployed; check that they are safe, or refused at once."""
    config = recorder.configuration(stack, changed)
    engine = engine_for(config)
    try:
        recording = recorder.run_under(engine, stack, config)
    except SettingsError as refusal:
        assert not engine.registered, "something was registered before the refusal"
        assert_names_its_keys(refusal)
        return False
    assert_safe(recording, graph.build(recording), changed)
    return True


def assert_names_its_keys(refusal: SettingsError) -> None:
    assert refusal.problems
    for problem in refusal.problems:
        key, _, inside = problem.key.partition(".")
        assert key in BY_KEY, "no such key"
        assert not inside or key in HOLDING_MAPS, "there is nothing inside of this key"
        assert f"{problem.key}: " in str(refusal)
        assert problem.allowed


def assert_safe(recording: Recording, registered: Graph, changed: dict[str, Any]) -> None:
    accepted = set(CHOSEN)
    for destination in changed.get("egress", ()):
        if destination.startswith(("0.0.0.0/0", "::/0")):
            accepted.add("egress-is-restricted")
    if changed.get("capacity") == "ec2":
        accepted.add("tasks-are-isolated-from-their-host")
    for finding in rules.findings(recording.stack, registered):
        assert finding.rule in accepted, finding
    assert all(recording.exports.values()), "an output is empty"
    sent = json.dumps(
        [[each.inputs for each in recording.registered], list(recording.outputs.values())]
    )
    assert VALUE_OF_A_SECRET not in sent, "the program read a secret"
    assert_in_order(recording, registered)


def assert_in_order(recording: Recording, registered: Graph) -> None:
    """Check that each resource was registered after those that it needs."""
    position = {each.urn: number for number, each in enumerate(recording.registered)}
    for node in registered.nodes:
        for source in node.sources:
            assert position[source.registered.urn] < position[node.registered.urn], (
                f"{node.title} needs {source.title}"
            )


def engine_for(config: Mapping[str, str]) -> Recorder:
    """Return an engine whose account has every secret that a configuration names."""
    try:
        return Recorder(recorder.account_for(config))
    except ValueError:  # a refused value names none
        return Recorder(Cloud(seed=1))

"""Any configuration passes a security review, or is refused before anything is registered.

The values come from the settings' own kinds, so a new key is tried by itself. What AWS's rules, as
the local AWS knows them, refuse of an accepted configuration fails here too.
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
from infra.settings.kinds import (
    Build,
    Choice,
    Destinations,
    Flag,
    IpRange,
    Ipv4Network,
    ListOf,
    Map,
    MapsByName,
    OrNone,
    Statements,
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
from localaws.mocks import Cloud
from tests.infra import recorder
from tests.infra.changes import task_sizes
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
"""Rules about what a stack's people choose: image and user of the container, how a plain variable
is called, who gets the alarms.
"""

ENVIRONMENT = AwsEnvironment(partition="aws", region=recorder.REGION, account="123456789012")
HERE = f"{ENVIRONMENT.region}:{ENVIRONMENT.account}"
KEY = f"arn:aws:kms:{HERE}:key/00000000-0000-4000-8000-000000000000"
CERTIFICATE = f"arn:aws:acm:{HERE}:certificate/00000000-0000-0000-0000-000000000001"
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

OIDC: dict[str, str] = {
    "issuer": "https://login.example.com",
    "authorizationEndpoint": "https://login.example.com/authorize",
    "tokenEndpoint": "https://login.example.com/token",
    "userInfoEndpoint": "https://login.example.com/me",
    "clientId": "shop",
}
CLIENT_SECRETS = {"web": {"secure": "v1:encrypted"}}

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
"""Keys that make sense together, which values drawn for each key alone would hardly ever."""


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Values that a kind takes, as a stack's file would hold them."""
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

SIZES = st.sampled_from(task_sizes())
SIZE = SIZES.map(lambda size: {"cpuUnits": size[0], "memoryMib": size[1]})
BY_KEY = {key: values(kind) for key, kind in kinds().items()}
BY_KEY.update((key, st.sampled_from(maps)) for key, maps in MAPS.items())
ONE_KEY = st.sampled_from(sorted(BY_KEY)).flatmap(
    lambda key: BY_KEY[key].map(lambda value: {key: value})
)
NONSENSE_VALUE = "\x00 nothing takes this"
NONSENSE = st.sampled_from(sorted(BY_KEY)).map(lambda key: {key: NONSENSE_VALUE})


LOOKED_UP = {"availabilityZoneCount", "hostedZone", "monthlyCostLimitUsd", "vpcId", "vpcTags"}
"""Keys whose values are compared with what there is, or with prices, so that a run may refuse what
the settings accept.
"""


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw changes of a stack's file: related keys, single keys, and at times nonsense."""
    parts = draw(st.lists(st.sampled_from(TOGETHER) | SIZE, max_size=4)) + draw(
        st.lists(ONE_KEY, max_size=3)
    )
    if draw(st.integers(0, 9)) == 0:
        parts.append(draw(NONSENSE))
    drawn: dict[str, Any] = {}
    for part in parts:
        drawn.update(part)
    return drawn


@settings(max_examples=40, derandomize=True)
@given(stack=st.sampled_from(recorder.STACKS), changed=changes())
def test_a_configuration_is_deployed_safely_or_refused_at_once(
    stack: str, changed: dict[str, Any]
) -> None:
    event("deployed" if _is_deployed(stack, changed) else "refused")


@settings(max_examples=5, derandomize=True, phases=[Phase.generate])
@given(st.fixed_dictionaries(BY_KEY))
def test_every_key_is_tried_with_some_values(drawn: dict[str, Any]) -> None:
    """Deploy the values that agree in one run, as runs are slow, and each other one by itself."""
    together: dict[str, Any] = {}
    for key, value in drawn.items():
        if key not in LOOKED_UP and _agree({**together, key: value}):
            together[key] = value
        else:
            _is_deployed("dev", {key: value})
    assert _is_deployed("dev", together)


@pytest.mark.parametrize("together", TOGETHER)
def test_what_belongs_together_is_deployed_safely(together: dict[str, Any]) -> None:
    config = recorder.configuration("dev", together)
    recording = recorder.run_under(_engine(config), "dev", config)
    _holds(recording, graph.build(recording), together)


@pytest.mark.parametrize(
    "changed",
    [
        {"availabilityZoneCount": 4},
        {"healthCheckCodes": "200,399-200"},
        {"dropCapabilities": ["NET_ROW"]},
    ],
)
def test_what_only_aws_would_refuse_later_is_refused_at_once(changed: dict[str, Any]) -> None:
    config = recorder.configuration("dev", changed)
    engine = _engine(config)
    with pytest.raises(SettingsError) as refusal:
        recorder.run_under(engine, "dev", config)
    assert not engine.registered
    assert {problem.key for problem in refusal.value.problems} == {*changed}


@pytest.mark.parametrize("key", sorted(BY_KEY))
def test_a_value_of_no_allowed_form_is_refused_with_its_key(key: str) -> None:
    config = recorder.configuration("dev", {key: NONSENSE_VALUE})
    if key in {"environment", "command"}:
        config[f"{recorder.PROJECT}:{key}"] = "nonsense"
    engine = _engine(config)
    with pytest.raises(SettingsError) as refusal:
        recorder.run_under(engine, "dev", config)
    assert not engine.registered
    assert key in {problem.key for problem in refusal.value.problems}
    _names_what_is_wrong(refusal.value)


def _agree(changed: dict[str, Any]) -> bool:
    """Whether the settings accept it, before anything that exists is looked at."""
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


def _is_deployed(stack: str, changed: dict[str, Any]) -> bool:
    """Whether it is, safely; otherwise it was refused at once, by the name of a key."""
    config = recorder.configuration(stack, changed)
    engine = _engine(config)
    try:
        recording = recorder.run_under(engine, stack, config)
    except SettingsError as refusal:
        assert not engine.registered, "something was made before the refusal"
        _names_what_is_wrong(refusal)
        return False
    _holds(recording, graph.build(recording), changed)
    return True


def _names_what_is_wrong(refusal: SettingsError) -> None:
    assert refusal.problems
    for problem in refusal.problems:
        # A path begins with a key that holds maps.
        assert problem.key in BY_KEY or problem.key.partition(".")[0] in MAPS, "no such key"
        assert f"{problem.key}: " in str(refusal)
        assert problem.allowed


def _holds(recording: Recording, registered: Graph, changed: dict[str, Any]) -> None:
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
        [[each.inputs for each in recording.registered], [*recording.outputs.values()]]
    )
    assert VALUE_OF_A_SECRET not in sent, "the program read a secret"
    _is_in_order(recording, registered)


def _is_in_order(recording: Recording, registered: Graph) -> None:
    """Nothing needs what was registered after it."""
    position = {each.urn: number for number, each in enumerate(recording.registered)}
    for node in registered.nodes:
        for source in node.sources:
            assert position[source.registered.urn] < position[node.registered.urn], (
                f"{node.title} needs {source.title}"
            )


def _engine(config: Mapping[str, str]) -> Recorder:
    """An engine with an account that keeps the value of every secret that a configuration names."""
    try:
        return Recorder(recorder.account_for(config))
    except ValueError:  # nonsense names none
        return Recorder(Cloud(seed=1))

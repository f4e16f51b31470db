"""Check which imports folders may have, and that facts which are written twice agree."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
import yaml

from infra.aws import fargate
from infra.settings import Settings, kinds
from infra.settings.build_kind import Build
from infra.settings.collection_kinds import ListOf, Map, MapsByName
from infra.settings.kinds import Choice, Flag, Whole
from infra.settings.route_kinds import (
    Alternatives,
    ClientSecrets,
    OidcClient,
    Rewriting,
    Routes,
    Weights,
)
from infra.settings.service.scaling import ScheduledBounds
from infra.settings.service.sidecars import Sidecar
from infra.settings.service.volumes import Volume
from infra.settings.stack import TOPICS
from infra.settings.statements_kind import Statements
from infra.settings.topic import camel
from localaws.catalog.ecs import fargate_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.settings.kinds import Kind

ROOT = Path(__file__).parents[1]
PACKAGES = ("infra", "verify", "localaws")
"""The packages that are installed, none of which imports another."""

IMPORTS_OF_OTHER_PACKAGES = {"infra.costs.__main__": ("localaws.stack_files",)}
"""The exceptions: commands, and the modules of other packages that they import. The command that
estimates a stack's cost reads its file as `pulumi-local` does; no run of the program imports it.
"""

PURE = (
    "infra.aws",
    *(
        f"infra.settings.{name}"
        for name in ("values", "kinds", "collection_kinds", "build_kind", "statements_kind")
    ),
    *(f"infra.service.{name}" for name in ("causes", "container", "events", "rollout_report")),
)
"""Modules and folders of the program that import only each other and the standard library."""

AREAS = ("network", "edge", "cluster", "service", "alarms")
"""Folders of the program that only its composition root combines."""

SHARED = ("aws", "errors", "group_rules", "log_group", "outputs")
"""Modules that every folder of the program may import."""

COMPONENTS = {
    "AccessLogs": "fargate-web:index:AccessLogs",
    "Alias": "fargate-web:index:Alias",
    "BuiltImage": "fargate-web:index:BuiltImage",
    "CapacityProviders": "fargate-web:index:CapacityProviders",
    "Certificate": "fargate-web:index:Certificate",
    "Cluster": "fargate-web:index:Cluster",
    "Firewall": "fargate-web:index:Firewall",
    "FlowLogs": "fargate-web:index:FlowLogs",
    "Instances": "fargate-web:index:Instances",
    "LoadBalancedIngress": "fargate-web:index:LoadBalancedIngress",
    "Notifications": "fargate-web:index:Notifications",
    "PrivateEndpoints": "fargate-web:index:PrivateEndpoints",
    "WebService": "fargate-web:index:WebService",
}
"""Every component and its type token. Tokens are part of URNs: another token would replace the
deployed resources.
"""

OUTPUTS = [
    "albDns",
    "serviceUrl",
    "clusterName",
    "serviceName",
    "targetGroupArn",
    "webLogGroup",
    "services",
    "execLogGroup",
    "monthlyCostUsd",
]
"""The stack's outputs, for people and for `verify`."""

MAPS = dict.fromkeys(
    (
        *("build", "environment", "secrets", "taskPolicyStatements"),
        *("headers", "oidc", "oidcClientSecrets", "query", "rewriteHost", "rewriteUrl", "routes"),
        *("schedules", "services", "sidecars", "dependsOn", "volumes", "mounts"),
        *("logOptions", "logSecrets"),
        *("vpcTags", "subnetTags", "taskSubnetTags", "weights"),
    ),
    "none",
)
"""Keys for which Pulumi's schema has no type, with their defaults in the manual."""


IN_MAPS = (ScheduledBounds, Sidecar, Volume)
"""Topics of which a map has one by each of its names; their defaults aren't in Pulumi.yaml."""


def modules(folder: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _source(module: str) -> Path:
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


_WITH_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@cache
def imports(module: str) -> frozenset[str]:
    """Return the modules that a module imports, inside functions too."""
    found: set[str] = set()
    for node in _statements(ast.parse(_source(module).read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module} has a relative import; write the absolute one"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def _statements(parent: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a module, with those inside others, but none of the expressions."""
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, _WITH_STATEMENTS):
            yield node
            yield from _statements(node)


def packages(module: str) -> set[str]:
    """Return the top-level packages that a module imports, without the standard library."""
    return {name.partition(".")[0] for name in imports(module)} - sys.stdlib_module_names


@pytest.mark.parametrize("package", PACKAGES)
def test_program_check_and_local_aws_do_not_import_each_other(package: str) -> None:
    others = set(PACKAGES) - {package}
    for module in modules(package):
        exceptions = IMPORTS_OF_OTHER_PACKAGES.get(module, ())
        for name in imports(module):
            if _is_in(name, others):
                assert _is_in(name, exceptions), f"{module} imports {name}"


@pytest.mark.parametrize("command", IMPORTS_OF_OTHER_PACKAGES)
def test_no_module_imports_a_command_that_uses_another_package(command: str) -> None:
    for package in PACKAGES:
        for module in modules(package):
            assert command not in imports(module), module


def _is_in(module: str, folders: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{folder}.") for folder in folders)


def _imports_of_the_program(module: str) -> frozenset[str]:
    """Return the modules of the program that a module imports."""
    return (imports(module) & set(modules("infra"))) - {"infra"}


@pytest.mark.parametrize("module", [name for name in modules("infra") if _is_in(name, PURE)])
def test_the_programs_pure_modules_import_only_each_other(module: str) -> None:
    assert packages(module) <= {"infra"}
    for name in _imports_of_the_program(module):
        assert _is_in(name, PURE), name


@pytest.mark.parametrize("area", AREAS)
def test_the_areas_of_the_program_do_not_import_each_other(area: str) -> None:
    allowed = [f"infra.{name}" for name in (area, *SHARED)]
    found = list(modules(f"infra/{area}"))
    assert found
    for module in found:
        for name in _imports_of_the_program(module):
            assert _is_in(name, allowed), f"{module} imports {name}, which only infra.program may"


@pytest.mark.parametrize(
    ("folder", "own"), [("infra/settings", ()), ("infra/costs", ("infra.costs",))]
)
def test_settings_and_costs_import_only_facts_about_aws(folder: str, own: tuple[str, ...]) -> None:
    # The modules that declare resources import pulumi_aws, which takes as long as all the rest.
    allowed = ("infra.settings", "infra.aws", "infra.errors", *own)
    for module in modules(folder):
        for name in _imports_of_the_program(module):
            assert _is_in(name, allowed), f"{module} imports {name}"


def test_the_catalog_is_pure() -> None:
    io = {"asyncio", "os", "pathlib", "socket", "subprocess", "time"}
    for module in modules("localaws/catalog"):
        assert packages(module) <= {"localaws"}, module
        for name in imports(module):
            own = _is_in(name, ("localaws.catalog", "localaws.unknown"))
            assert own or not name.startswith("localaws"), f"{module} imports {name}"
        assert not imports(module) & io, f"{module} does no I/O"


def test_the_check_imports_nothing_of_pulumi() -> None:
    for module in modules("verify"):
        for name in packages(module):
            assert not name.startswith("pulumi"), module


PARSING = {
    "verify.__main__",
    "verify.main",
    "verify.command",
    "verify.jobs",
    "verify.cli.commands",
    "verify.cli.parser",
    "verify.cli.words",
}
"""The modules of the check that use its command line; all others use `verify.options.groups`."""


def test_only_the_checks_entry_point_uses_its_command_line() -> None:
    for module in set(modules("verify")) - PARSING:
        assert not imports(module) & {"argparse", "verify.cli.parser", "verify.command"}, module
    assert "argparse" not in imports("verify.command")


def test_the_options_of_the_check_are_plain_values_below_its_network() -> None:
    below = {"verify", "verify.errors", "verify.escaping"}
    for module in modules("verify/options"):
        for name in imports(module) & set(modules("verify")):
            assert name in below or name.startswith("verify.options"), f"{module} imports {name}"


LAYERS: dict[str, tuple[set[str], ...]] = {
    "localaws": (
        {"not_settled", "unknown", "user_error"},
        {"catalog", "machine", "speed", "stack_files"},
        {"ec2", "images", "scaling", "vpc"},
        {"account", "alb"},
        {"alarms", "ecs", "protocol"},
        {"ecr"},
        {"daemon", "mocks"},
        {"cli"},
    ),
    "verify": (
        {"errors", "escaping", "exit_codes"},
        {"options", "streams"},
        {"network"},
        {"judging"},
        {"cli", "formats", "checking"},
        {"watching"},
        {"jobs"},
        {"command"},
        {"main"},
        {"__main__"},
    ),
    "gate": (
        {"findings", "graph", "patterns"},
        {"queries"},
        {"configurations", "reachability", "rules", "scanners"},
        {"permissions"},
        {"__main__"},
    ),
    "tools": (
        {"running", "data_files"},
        {"prices", "sdk_inputs", "service_models"},
        {"cache", "retries", "versions"},
        {"debian"},
        {"setup_context"},
        {"executables"},
        {"browser", "crane", "interpreter", "network_programs", "pulumi", "stand_in", "uv"},
        {"gate", "picture", "setup"},
    ),
}
"""The parts of a folder, the lowest first. A part imports only itself and parts of lower layers,
also in a `TYPE_CHECKING` block and inside functions.
"""


@pytest.mark.parametrize("folder", LAYERS)
def test_the_parts_of_a_folder_import_only_lower_ones(folder: str) -> None:
    level: dict[str, int] = {}
    for number, parts in enumerate(LAYERS[folder]):
        level.update(dict.fromkeys(parts, number))
    known = set(modules(folder)) - {folder}
    assert {_part(module) for module in known} == level.keys(), "every part has a layer"
    for module in known:
        for name in imports(module) & known:
            lower = level[_part(name)] < level[_part(module)]
            assert lower or _part(name) == _part(module), f"{module} imports {name}"


def _part(module: str) -> str:
    return module.split(".")[1]


def test_services_import_of_load_balancers_only_targets_and_their_health() -> None:
    for module in modules("localaws/ecs"):
        known = imports(module) & set(modules("localaws/alb"))
        assert known <= {"localaws.alb", "localaws.alb.targets"}, module
    assert not packages("localaws.alb.targets"), "it consists of plain values"


@pytest.mark.parametrize("folder", ["infra", *LAYERS])
def test_modules_have_no_circular_imports(folder: str) -> None:
    known = set(modules(folder))
    try:
        TopologicalSorter({module: _depends_on(module, known) for module in known}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def _depends_on(module: str, known: set[str]) -> set[str]:
    """Return the modules whose code an import runs or names.

    `from package import module` names the module, and nothing that the package defines.
    """
    names = imports(module)
    only_path = set()
    for package in names & known:
        within = {name for name in names if name.rpartition(".")[0] == package}
        if within and within <= known:
            only_path.add(package)
    return set(names) & known - only_path


def test_no_module_of_the_tests_imports_a_test_module() -> None:
    known = set(modules("tests"))
    tests = {module for module in known if module.rpartition(".")[2].startswith("test_")}
    assert tests
    names = "|".join(test.rpartition(".")[2] for test in tests)
    # Parsing all files would take a second; those without this text can't have such an import.
    candidate = re.compile(rf"\b(?:{names})\b|\bfrom \.")
    for module in known:
        found: list[str] = []
        if candidate.search(_source(module).read_text()):
            found = sorted(imports(module) & tests)
        assert not found, f"{module} imports {found}; both can import a helper module"


def test_only_settings_reads_the_configuration() -> None:
    reading = re.compile(r"pulumi\.Config|get_stack|get_project|os\.environ")
    for module in modules("infra"):
        if not _is_in(module, ["infra.settings"]):
            assert not reading.search(_source(module).read_text()), module


def test_every_component_has_its_token_in_the_table() -> None:
    tokens: dict[str, str] = {}
    for cls in _components():
        (tokens[cls.__name__],) = re.findall(r'"(fargate-web:index:\w+)"', inspect.getsource(cls))
    assert tokens == COMPONENTS


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_has_a_meaningless_name(package: str) -> None:
    meaningless = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base"}
    for module in modules(package):
        assert meaningless.isdisjoint(module.split(".")), module


def test_the_program_and_the_local_aws_have_the_same_task_sizes() -> None:
    # Neither may import the other, so each has a table.
    assert fargate.MEMORY_MIB == fargate_sizes.SIZES


def test_the_entry_point_has_no_logic() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 15


def test_the_schema_has_every_setting_with_its_type() -> None:
    types = {key: _schema_type(kind) for key, kind in kinds().items()}
    schema = {key: entry["type"] for key, entry in _schema().items()}
    assert {**schema, **dict.fromkeys(MAPS)} == types


def test_every_key_of_the_schema_has_a_default_and_a_description() -> None:
    for key, entry in _schema().items():
        assert entry.keys() >= {"default", "description"}, key
        assert entry["description"][0].isupper(), key


def test_settings_have_no_defaults() -> None:
    for parameter in inspect.signature(Settings).parameters.values():
        assert parameter.default is inspect.Parameter.empty, parameter.name
    for topic in TOPICS:
        for each in dataclasses.fields(topic):
            if each.name in topic.kinds():
                assert each.default is each.default_factory is dataclasses.MISSING, each.name


def test_a_key_is_declared_once_in_the_schema_the_settings_and_the_manual() -> None:
    schema = (ROOT / "Pulumi.yaml").read_text()
    manual = _between("docs/config.md", "keys")
    fields: list[str] = []
    for topic in TOPICS:
        fields.extend(topic.kinds())
    assert sorted(map(camel, fields)) == sorted(kinds())
    for topic in IN_MAPS:
        fields.extend(topic.kinds())
    declared: list[str] = []
    for module in modules("infra/settings"):
        source = _source(module).read_text()
        declared += re.findall(r"^    (\w+): .* = key\(", source, re.MULTILINE)
    assert sorted(fields) == sorted(declared)
    for key in kinds():
        entries = re.findall(rf"^  {key}:$", schema, re.MULTILINE)
        assert len(entries) == (0 if key in MAPS else 1), key
        assert len(re.findall(rf"^\| `{key}` \|", manual, re.MULTILINE)) == 1, key


@pytest.mark.parametrize("area", AREAS)
def test_components_have_no_second_default_of_a_setting(area: str) -> None:
    for cls in _dataclasses(area):
        for entry in dataclasses.fields(cls):
            if camel(entry.name) in kinds():
                assert entry.default in (dataclasses.MISSING, None, ()), (
                    f"{cls.__name__}.{entry.name}: only Pulumi.yaml has the default of a key"
                )


def test_the_manual_has_every_key_with_its_default_and_what_is_allowed() -> None:
    documented = {row[0]: row for row in _rows(_between("docs/config.md", "keys"))}
    for key, kind in kinds().items():
        _, default, meaning, allowed, _ = documented.pop(f"`{key}`")
        assert default == _default(key), key
        assert allowed == kind.allowed, key
        assert key in MAPS or meaning == _schema()[key]["description"], key
    assert not documented, "the manual describes keys that don't exist"


def test_the_manual_describes_the_effect_of_every_change() -> None:
    for key, _, _, _, effect in _rows(_between("docs/config.md", "keys")):
        assert effect, key


def test_the_manual_has_every_output() -> None:
    assert [row[0] for row in _rows(_between("docs/config.md", "outputs"))] == [
        f"`{name}`" for name in OUTPUTS
    ]


def test_the_program_exports_every_output() -> None:
    tree = ast.parse((ROOT / "infra/program/__init__.py").read_text())
    exported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "outputs":
            assert isinstance(node.value, ast.Dict)
            exported += [ast.literal_eval(key) for key in node.value.keys if key]
    assert exported == OUTPUTS


def test_the_check_names_outputs_that_exist() -> None:
    help_text = (ROOT / "verify/cli/commands.py").read_text()
    named = re.findall(r"(?:stack output|--output-name) (\w+)", help_text)
    assert named
    assert set(named) <= set(OUTPUTS)


def _components() -> Iterator[type[pulumi.ComponentResource]]:
    """Yield every component class of the program."""
    for module in modules("infra"):
        import_module(module)
    for cls in pulumi.ComponentResource.__subclasses__():
        if cls.__module__.startswith("infra."):
            yield cls


def _dataclasses(area: str) -> Iterator[type[Any]]:
    """Yield every dataclass that a folder of the program defines."""
    for name in modules(f"infra/{area}"):
        for member in vars(import_module(name)).values():
            if not isinstance(member, type) or member.__module__ != name:
                continue
            if dataclasses.is_dataclass(member):
                yield member


@cache
def _schema() -> dict[str, dict[str, Any]]:
    config: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return config


def _schema_type(kind: Kind) -> str | None:
    if isinstance(kind, Choice):
        return "integer" if isinstance(kind.choices[0], int) else "string"
    types: dict[type[Kind], str | None] = {
        Whole: "integer",
        Flag: "boolean",
        ListOf: "array",
        Map: None,
        MapsByName: None,
        Statements: None,
        Build: None,
        Alternatives: None,
        Rewriting: None,
        OidcClient: None,
        ClientSecrets: None,
        Routes: None,
        Weights: None,
    }
    return types.get(type(kind), "string")


def _default(key: str) -> str:
    """Return a default as the manual writes it."""
    if key in MAPS:
        return MAPS[key]
    if key == "command":
        return "the page's shell line in `Pulumi.yaml`"
    value = _schema()[key]["default"]
    if value == "":
        return "empty"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _between(file: str, marker: str) -> str:
    text = (ROOT / file).read_text()
    return text[text.index(f"<!-- {marker}:") : text.index(f"<!-- /{marker} -->")]


def _rows(text: str) -> list[list[str]]:
    """Return the cells of each row in a text's tables, without the heads."""
    rows = re.findall(r"^\| (`.*) \|$", text, re.MULTILINE)
    assert rows, "no table was found"
    return [re.split(r"\s*\|\s*", row) for row in rows]

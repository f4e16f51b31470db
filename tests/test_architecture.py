"""Check the folders' permitted imports, and that facts written down twice agree."""

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
from infra.settings.kinds import Build, Choice, Flag, ListOf, Map, Statements, Whole
from infra.settings.stack import TOPICS
from infra.settings.topic import camel
from localaws.catalog.ecs import fargate_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.settings.kinds import Kind

ROOT = Path(__file__).parents[1]
ROOMS = ("infra", "verify", "localaws")
PURE = (
    "infra.aws",
    "infra.settings.kinds",
    *(f"infra.service.{name}" for name in ("causes", "container", "events")),
)
"""Modules and folders of the program that know nothing but Python."""

AREAS = ("network", "edge", "cluster", "service")
"""Folders of the program that only its composition root brings together."""

SHARED = ("aws", "errors", "log_group")
"""What every folder of the program may import."""

COMPONENTS = {
    "AccessLogs": "fargate-web:index:AccessLogs",
    "Alias": "fargate-web:index:Alias",
    "BuiltImage": "fargate-web:index:BuiltImage",
    "Certificate": "fargate-web:index:Certificate",
    "Cluster": "fargate-web:index:Cluster",
    "Firewall": "fargate-web:index:Firewall",
    "FlowLogs": "fargate-web:index:FlowLogs",
    "LoadBalancedIngress": "fargate-web:index:LoadBalancedIngress",
    "PrivateEndpoints": "fargate-web:index:PrivateEndpoints",
    "WebService": "fargate-web:index:WebService",
}
"""Every component and its type token, which is part of every URN: changing one replaces what is
deployed.
"""

OUTPUTS = [
    "albDns",
    "serviceUrl",
    "clusterName",
    "serviceName",
    "targetGroupArn",
    "webLogGroup",
    "execLogGroup",
]
"""What a stack shows to people, and to `verify`."""

MAPS = dict.fromkeys(
    (
        *("build", "environment", "secrets", "taskPolicyStatements"),
        *("vpcTags", "subnetTags", "taskSubnetTags"),
    ),
    "none",
)
"""Keys that Pulumi's schema has no type for, and what they are by default."""


def modules(folder: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _source(module: str) -> Path:
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def imports(module: str) -> frozenset[str]:
    """The modules that one imports, wherever in it."""
    tree = ast.parse(_source(module).read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module} imports relatively; say where from"
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return frozenset(found)


def packages(module: str) -> set[str]:
    """The top-level packages that a module imports, the standard library aside."""
    return {name.partition(".")[0] for name in imports(module)} - sys.stdlib_module_names


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_know_nothing_of_each_other(room: str) -> None:
    others = {*ROOMS} - {room}
    trespassers = {module: packages(module) & others for module in modules(room)}
    assert not {module: known for module, known in trespassers.items() if known}


def _is_in(module: str, folders: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{folder}.") for folder in folders)


def _imports_of_the_program(module: str) -> set[str]:
    """The modules of the program that one imports."""
    known = {*modules("infra")}
    return {name for name in imports(module) if name in known} - {"infra"}


@pytest.mark.parametrize("module", [name for name in modules("infra") if _is_in(name, PURE)])
def test_the_programs_pure_modules_import_only_each_other(module: str) -> None:
    assert packages(module) <= {"infra"}
    assert all(_is_in(name, PURE) for name in _imports_of_the_program(module))


@pytest.mark.parametrize("area", AREAS)
def test_the_areas_of_the_program_know_nothing_of_each_other(area: str) -> None:
    allowed = [f"infra.{name}" for name in (area, *SHARED)]
    found = list(modules(f"infra/{area}"))
    assert found
    for module in found:
        others = {name for name in _imports_of_the_program(module) if not _is_in(name, allowed)}
        assert not others, f"{module} imports {others}, which only infra.program may"


def test_settings_know_only_facts_about_aws() -> None:
    allowed = ("infra.settings", "infra.aws", "infra.errors")
    for module in modules("infra/settings"):
        assert all(_is_in(name, allowed) for name in _imports_of_the_program(module)), module


@pytest.mark.parametrize("module", list(modules("localaws/catalog")))
def test_the_catalog_is_pure(module: str) -> None:
    assert packages(module) <= {"localaws"}
    assert all(
        name.startswith("localaws.catalog")
        for name in imports(module)
        if name.startswith("localaws")
    )
    assert not imports(module) & {"asyncio", "os", "pathlib", "socket", "subprocess", "time"}, (
        "it does no I/O"
    )


@pytest.mark.parametrize("module", list(modules("verify")))
def test_the_check_needs_no_pulumi(module: str) -> None:
    assert not {name for name in packages(module) if name.startswith("pulumi")}


PARSING = {"verify.__main__", "verify.main", "verify.command", "verify.cli.parser"}
"""The modules of the check that know its command line; `verify.options.groups` has the options for
all others.
"""


def test_the_check_knows_its_command_line_in_one_place() -> None:
    for module in set(modules("verify")) - PARSING:
        assert not imports(module) & {"argparse", "verify.cli.parser", "verify.command"}, module
    assert "argparse" not in imports("verify.command")


def test_the_options_of_the_check_are_plain_values_below_its_network() -> None:
    below = {"verify", "verify.errors", "verify.escaping"}
    for module in modules("verify/options"):
        known = imports(module) & {*modules("verify")}
        above = {name for name in known - below if not name.startswith("verify.options")}
        assert not above, module


LAYERS: dict[str, tuple[set[str], ...]] = {
    "localaws": (
        {"catalog", "machine", "speed"},
        {"images", "vpc"},
        {"account", "alb"},
        {"ecs", "protocol"},
        {"daemon", "mocks"},
        {"cli"},
    ),
    "verify": (
        {"errors", "escaping", "exit_codes"},
        {"options"},
        {"network"},
        {"judging"},
        {"cli", "formats", "checking"},
        {"watching"},
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
        {"sdk_inputs", "service_models"},
        {"cache", "versions"},
        {"workshop"},
        {"executables"},
        {"browser", "crane", "network_programs", "pulumi", "stand_in", "uv"},
        {"gate", "picture", "setup"},
    ),
}
"""The parts of a folder, the lowest first. A part imports only itself and parts of lower layers, a
`TYPE_CHECKING` block and the inside of a function included.
"""


@pytest.mark.parametrize("folder", LAYERS)
def test_the_parts_of_a_folder_import_only_lower_ones(folder: str) -> None:
    level = {part: number for number, parts in enumerate(LAYERS[folder]) for part in parts}
    known = {*modules(folder)} - {folder}
    assert {_part(module) for module in known} == {*level}, "every part has a layer"
    for module in known:
        for name in imports(module) & known:
            lower = level[_part(name)] < level[_part(module)]
            assert lower or _part(name) == _part(module), f"{module} imports {name}"


def _part(module: str) -> str:
    return module.split(".")[1]


def test_services_know_of_load_balancers_only_targets_and_their_health() -> None:
    for module in modules("localaws/ecs"):
        known = imports(module) & {*modules("localaws/alb")}
        assert known <= {"localaws.alb", "localaws.alb.targets"}, module
    assert not packages("localaws.alb.targets"), "it is plain values"


@pytest.mark.parametrize("folder", ["infra", *LAYERS])
def test_no_module_imports_itself_by_way_of_others(folder: str) -> None:
    known = {*modules(folder)}
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
    return {*names} & known - only_path


def test_only_settings_reads_the_configuration() -> None:
    for module in modules("infra"):
        if not _is_in(module, ["infra.settings"]):
            assert not re.search(
                r"pulumi\.Config|get_stack|get_project|os\.environ", _source(module).read_text()
            ), module


def test_every_component_has_its_token_in_the_table() -> None:
    tokens = {
        cls.__name__: re.findall(r'"(fargate-web:index:\w+)"', inspect.getsource(cls))
        for cls in _components()
    }
    assert tokens == {name: [token] for name, token in COMPONENTS.items()}


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {module.rpartition(".")[2] for room in ROOMS for module in modules(room)}
    assert not named & {"utils", "util", "helpers", "helper", "common", "misc", "core", "base"}


def test_the_program_and_the_local_aws_have_the_same_task_sizes() -> None:
    # Neither may import the other, and a size that only one of them has is wrong in one of them.
    assert fargate.MEMORY_MIB == fargate_sizes.SIZES


def test_the_entry_point_has_no_logic() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 15


def test_the_schema_has_every_setting_with_its_type() -> None:
    types = {key: _schema_type(kind) for key, kind in kinds().items()}
    schema = {key: entry["type"] for key, entry in _schema().items()}
    assert {**schema, **dict.fromkeys(MAPS)} == types


def test_every_key_of_the_schema_has_a_default_and_says_what_it_is() -> None:
    for key, entry in _schema().items():
        assert entry.keys() >= {"default", "description"}, key
        assert entry["description"][0].isupper(), key


def test_settings_hold_no_defaults_of_their_own() -> None:
    assert all(parameter.default is inspect.Parameter.empty for parameter in _parameters(Settings))
    for topic in TOPICS:
        for each in dataclasses.fields(topic):
            if each.name in topic.kinds():
                assert each.default is each.default_factory is dataclasses.MISSING, each.name


def test_a_key_is_declared_once_in_the_schema_the_settings_and_the_manual() -> None:
    schema = (ROOT / "Pulumi.yaml").read_text()
    manual = _between("docs/config.md", "keys")
    fields = [camel(name) for topic in TOPICS for name in topic.kinds()]
    sources = "".join(_source(module).read_text() for module in modules("infra/settings"))
    declared = [
        camel(name) for name in re.findall(r"^    (\w+): .* = key\(", sources, re.MULTILINE)
    ]
    assert sorted(fields) == sorted(declared) == sorted(kinds())
    for key in kinds():
        entries = re.findall(rf"^  {key}:$", schema, re.MULTILINE)
        assert len(entries) == (0 if key in MAPS else 1), key
        assert len(re.findall(rf"^\| `{key}` \|", manual, re.MULTILINE)) == 1, key


@pytest.mark.parametrize("area", AREAS)
def test_components_hold_no_second_default_of_a_setting(area: str) -> None:
    defaults = {
        f"{cls.__name__}.{entry.name}": entry.default
        for cls in _dataclasses(area)
        for entry in dataclasses.fields(cls)
        if camel(entry.name) in kinds() and entry.default not in (dataclasses.MISSING, None, ())
    }
    assert not defaults, "Pulumi.yaml has the default of each key"


def test_the_manual_has_every_key_with_its_default_and_what_is_allowed() -> None:
    written = {
        row[0]: (row[1], row[2], row[3]) for row in _rows(_between("docs/config.md", "keys"))
    }
    for key, kind in kinds().items():
        default, meaning, allowed = written.pop(f"`{key}`")
        assert default == _default(key), key
        assert allowed == kind.allowed, key
        assert key in MAPS or meaning == _schema()[key]["description"], key
    assert not written, "the manual describes keys that don't exist"


def test_the_manual_says_what_every_change_does() -> None:
    assert all(row[4] for row in _rows(_between("docs/config.md", "keys")))


def test_the_manual_has_every_output() -> None:
    assert [row[0] for row in _rows(_between("docs/config.md", "outputs"))] == [
        f"`{name}`" for name in OUTPUTS
    ]


def test_the_program_exports_every_output() -> None:
    tree = ast.parse((ROOT / "infra/program/__init__.py").read_text())
    (deploy,) = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "deploy"
    ]
    tables = [
        node.value
        for node in ast.walk(deploy)
        if isinstance(node, ast.Assign) and _targets(node) == ["outputs"]
    ]
    (table,) = [node for node in tables if isinstance(node, ast.Dict)]
    assert [ast.literal_eval(key) for key in table.keys if key] == OUTPUTS


def test_the_check_asks_for_outputs_that_exist() -> None:
    help_text = (ROOT / "verify/cli/parser.py").read_text()
    asked = re.findall(r"stack output (\w+)|--output-name (\w+)", help_text)
    assert asked
    assert {name for names in asked for name in names if name} <= {*OUTPUTS}


def _components() -> list[type[pulumi.ComponentResource]]:
    """Every component class of the program."""
    for module in modules("infra"):
        import_module(module)
    return [
        cls
        for cls in pulumi.ComponentResource.__subclasses__()
        if cls.__module__.startswith("infra.")
    ]


def _dataclasses(area: str) -> list[type[Any]]:
    """Every dataclass that a folder of the program defines."""
    found: list[type[Any]] = []
    for name in modules(f"infra/{area}"):
        members = vars(import_module(name)).values()
        found += [each for each in members if isinstance(each, type) and each.__module__ == name]
    return [each for each in found if dataclasses.is_dataclass(each)]


def _targets(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _parameters(cls: type) -> list[inspect.Parameter]:
    return list(inspect.signature(cls).parameters.values())


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
        Statements: None,
        Build: None,
    }
    return types.get(type(kind), "string")


def _default(key: str) -> str:
    """A default as the manual writes it."""
    if key in MAPS:
        return MAPS[key]
    value = _schema()[key]["default"]
    if key == "command":
        return "the page's shell line in `Pulumi.yaml`"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`" if value != "" else "empty"


def _between(file: str, marker: str) -> str:
    text = (ROOT / file).read_text()
    return text[text.index(f"<!-- {marker}:") : text.index(f"<!-- /{marker} -->")]


def _rows(text: str) -> list[list[str]]:
    """The rows of a text's tables, without their heads."""
    cells = [
        re.split(r"\s*\|\s*", line.strip("| "))
        for line in text.splitlines()
        if line.startswith("| `")
    ]
    assert cells, "no table was found"
    return cells

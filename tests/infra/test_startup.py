"""Importing the SDK in parts: the same objects, and fewer modules."""

from __future__ import annotations

import ast
import gc
import importlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from infra import startup

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def in_a_new_python(function: str, given: object) -> Any:
    """Run a function of imported_in_parts.py where nothing has imported the SDK."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("imported_in_parts.py"), function],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def used_sub_packages() -> set[str]:
    """Return the sub-packages that the program names."""
    used = set()
    for path in (ROOT / "infra").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                of = node.value
                if isinstance(of.value, ast.Name) and of.value.id == "aws":
                    used.add(of.attr)
    return used


STACKS = ("local", "everything", "sealed")
"""Stacks whose run is compared with one that imports the SDK in the ordinary way."""


@cache
def ordinary_runs() -> dict[str, list[str]]:
    found: dict[str, list[str]] = in_a_new_python("ordinary_runs", STACKS)
    return found


@cache
def run(stack: str) -> dict[str, Any]:
    """Return what a run of the program that imports the SDK in parts registers and imports."""
    found: dict[str, Any] = in_a_new_python("run", stack)
    return found


@pytest.mark.slow  # a new Python, which imports much of the SDK
def test_every_name_is_the_same_object_as_by_an_ordinary_import() -> None:
    """Only names that no likely module exports are found by importing the whole package."""
    used = used_sub_packages()
    assert {"ec2", "ecs", "lb", "iam", "s3"} <= used
    wanted = in_a_new_python("ordinary_names", sorted({*used, "ses"}))
    assert {"Vpc", "VpcArgs", "get_vpc_output", "outputs"} <= set(wanted["ec2"])
    # Last: once the package is imported, its other names would be found there too.
    wanted["ec2"].append("typing")
    wanted["config"] = ["region"]
    assert in_a_new_python("names", wanted) == {
        "wrong": [],
        "imported whole": ["ec2.typing", "config.region"],
    }


@pytest.mark.slow  # a new Python
def test_using_a_name_imports_no_other_resource() -> None:
    wanted = ["SecurityGroup", "SecurityGroupArgs", "get_vpc_output", "GetSubnetResult"]
    loaded = in_a_new_python("modules", wanted)
    expected = ["_enums", "_inputs", "get_subnet", "get_vpc", "outputs", "security_group"]
    assert loaded == expected


@pytest.mark.slow  # runs of the program, each in a new Python
@pytest.mark.parametrize("stack", STACKS)
def test_the_program_registers_the_same_and_imports_no_sub_package_whole(stack: str) -> None:
    found = run(stack)
    assert found["imported whole"] == []
    assert found["packages"] > len(used_sub_packages())
    assert found["recorded"] == ordinary_runs()[stack]


@pytest.mark.slow  # a run of the program in a new Python
def test_a_run_imports_no_class_of_resources_that_the_stack_has_none_of() -> None:
    found = run("local")
    entries = map(json.loads, found["recorded"])
    registered = {entry["type"] for entry in entries if isinstance(entry, dict) and "type" in entry}
    names = {each.rpartition(":")[2] for each in registered}
    of_the_vpc_component = {"Eip", "NatGateway", "VpcEndpoint"}  # types of awsx's outputs
    assert set(found["resources"]) - names == {"Provider", *of_the_vpc_component}


@pytest.mark.slow  # a new Python, which imports what the program uses
def test_what_a_run_imports_is_imported_before_the_cli_has_started() -> None:
    preloaded, used = set(in_a_new_python("preload", None)), set(run("local")["modules"])
    quotas = "pulumi_aws.servicequotas"  # are looked up for a first run
    assert used - preloaded == {f"{quotas}.get_service_quota", f"{quotas}.outputs"}
    # What is found of an account that has networks and the stack's cluster
    assert all(".get_" in name for name in preloaded - used)


@pytest.mark.slow  # a new Python
def test_a_reference_becomes_a_resource_of_its_class() -> None:
    assert in_a_new_python("reference", "aws:ec2/securityGroup:SecurityGroup") == {
        "class": "pulumi_aws.ec2.security_group.SecurityGroup",
        "description": "a text",
    }


_SDK = {
    "__init__.py": "",
    "web/__init__.py": "from .site import *\nfrom .get_site import *\nfrom . import outputs\n",
    "web/site.py": "__all__ = ['Site']\nclass Site: pass\n",
    "web/get_site.py": (
        "from . import outputs\n"
        "__all__ = ['get_site', 'GetSiteResult']\n"
        "def get_site(): return 'a site'\n"
        "GetSiteResult = outputs.Page\n"
    ),
    "web/outputs.py": "__all__ = ['Page']\nclass Page: pass\n",
}
"""An SDK as Pulumi generates it."""


@pytest.fixture
def sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """A folder of an SDK called `made_up`, which can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "made_up"
    for name, text in {**_SDK, **getattr(request, "param", {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "made_up"]:
        del sys.modules[name]


def imported() -> Any:
    """Import the made-up SDK's sub-package in parts, as a program does."""
    startup.import_in_parts("made_up")
    return importlib.import_module("made_up.web")


@pytest.mark.usefixtures("sdk")
def test_a_function_is_found_although_its_module_has_the_same_name() -> None:
    web = imported()
    importlib.import_module("made_up.web.get_site")
    assert web.get_site() == "a site"
    assert isinstance(web, startup.PackageInParts)
    assert web.GetSiteResult is web.outputs.Page
    assert isinstance(web.site, ModuleType)
    assert web.Site is web.site.Site
    assert isinstance(web, startup.PackageInParts)


@pytest.mark.usefixtures("sdk")
def test_a_star_import_gives_every_name() -> None:
    imported()
    namespace: dict[str, Any] = {}
    exec("from made_up.web import *", namespace)
    assert {"Site", "get_site", "GetSiteResult", "outputs"} <= namespace.keys()


@pytest.mark.usefixtures("sdk")
def test_an_unknown_name_is_missing_as_usual() -> None:
    web = imported()
    with pytest.raises(AttributeError, match=r"module 'made_up\.web' has no attribute 'Sitee'"):
        _ = web.Sitee


OTHER_LAYOUTS = {
    "the package defines the name itself": {
        "web/__init__.py": "from .site import *\nSite = 'another'\n",
    },
    "the package renames": {"web/__init__.py": "from .site import Site as Page, Site\n"},
    "the module doesn't list its exports": {"web/site.py": "class Site: pass\n"},
    "the module doesn't export the name": {"web/site.py": "__all__ = ['Other']\nOther = 1\n"},
    "the name is in a module of another name": {
        "web/__init__.py": "from .pages import *\n",
        "web/pages.py": "__all__ = ['Site']\nclass Site: pass\n",
    },
    "a likely module has the name for itself": {
        "web/__init__.py": "from .site import *\nfrom .pages import *\n",
        "web/site.py": "__all__ = []\nSite = 'for itself'\n",
        "web/pages.py": "__all__ = ['Site']\nclass Site: pass\n",
    },
    "the module isn't imported by the package": {"web/__init__.py": "from .get_site import *\n"},
    "a package of packages": {
        "web/__init__.py": "from .site import *\n",
        "web/site.py": "",
        "web/site/__init__.py": "from .parts import *\n",
        "web/site/parts.py": "class Site: pass\n",
    },
}


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize("sdk", OTHER_LAYOUTS.values(), ids=OTHER_LAYOUTS.keys(), indirect=True)
def test_an_sdk_of_another_layout_is_imported_as_usual(sdk: Path) -> None:
    ordinary = subprocess.run(
        [sys.executable, "-c", "import made_up.web; print(made_up.web.__dict__.get('Site'))"],
        env={"PYTHONPATH": str(sdk.parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    web = imported()
    assert str(getattr(web, "Site", None)) == ordinary


def test_a_missing_sdk_is_left_to_the_import_that_follows() -> None:
    startup.import_in_parts("no_such_sdk")
    assert "no_such_sdk" not in sys.modules


@pytest.mark.usefixtures("sdk")
def test_an_sdk_that_is_imported_already_stays_as_it_is() -> None:
    web = importlib.import_module("made_up.web")
    startup.import_in_parts("made_up")
    assert sys.modules["made_up.web"] is web
    assert type(web) is ModuleType


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_again_afterwards(*, enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with startup.without_garbage_collection():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        with pytest.raises(ZeroDivisionError), startup.without_garbage_collection():
            _ = 1 / 0
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.slow  # a new Python
def test_imports_of_the_first_program_of_a_process_are_left_out_of_garbage_collection() -> None:
    code = """
import gc
from infra import startup
kept = []
for _ in "ab":
    with startup.without_garbage_collection():
        kept.append([[]])
    print(gc.get_freeze_count() > 0, any(each is kept for each in gc.get_objects()),
          any(each is kept[-1] for each in gc.get_objects()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["True False False", "True False True"]

"""Save the fleet's state in a file, as JSON, so that instances survive the daemon."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from localaws.ec2.fleet import FleetState, GroupState, Instance, Lifecycle, Template
from localaws.machine.files import read_what_can_be_made_anew, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN_ANEW = "Auto Scaling groups launch new instances"


class SavedInstances:
    """The file `instances.json`."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "instances.json"

    def load(self) -> FleetState:
        """Return the saved state; one without instances if there is none that can be read."""
        return read_what_can_be_made_anew(
            self._file, _from_json, otherwise=FleetState(), then=_BEGIN_ANEW
        )

    def save(self, state: FleetState) -> None:
        """Write a state in place of the saved one.

        Raises:
            OSError: It can't be written.
        """
        write_atomically(self._file, json.dumps(asdict(state), indent=1))


def _from_json(saved: dict[str, Any]) -> FleetState:
    groups = {name: GroupState(**each) for name, each in saved["groups"].items()}
    return FleetState(instances=tuple(map(_instance, saved["instances"])), groups=groups)


def _instance(saved: dict[str, Any]) -> Instance:
    lifecycle, template = Lifecycle(saved["lifecycle"]), _template(saved["template"])
    return Instance(**{**saved, "lifecycle": lifecycle, "template": template})


def _template(saved: dict[str, Any]) -> Template:
    first, last = saved["ports"]
    groups = tuple(saved["security_groups"])
    return Template(**{**saved, "security_groups": groups, "ports": (first, last)})

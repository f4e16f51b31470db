"""Changes that weaken a resource's inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Change = Callable[[dict[str, Any]], object]


def having(**values: Any) -> Change:
    """Set inputs, by their names."""
    return lambda inputs: inputs.update(values)


def lacking(name: str) -> Change:
    """Remove an input."""
    return lambda inputs: inputs.pop(name)


def container(**values: Any) -> Change:
    """Change the first container; None removes a value."""

    def change(inputs: dict[str, Any]) -> None:
        containers = json.loads(inputs["containerDefinitions"])
        containers[0].update(values)
        kept = {name: value for name, value in containers[0].items() if value is not None}
        inputs["containerDefinitions"] = json.dumps([kept, *containers[1:]])

    return change


def statement(**values: Any) -> Change:
    """Change the first statement of a policy."""

    def change(inputs: dict[str, Any]) -> None:
        document = json.loads(inputs["policy"])
        document["Statement"][0].update(values)
        inputs["policy"] = json.dumps(document)

    return change


def log_option(name: str, value: str) -> Change:
    """Set an option of the first container's log."""

    def change(inputs: dict[str, Any]) -> None:
        containers = json.loads(inputs["containerDefinitions"])
        containers[0]["logConfiguration"]["options"][name] = value
        inputs["containerDefinitions"] = json.dumps(containers)

    return change


def all_of(*changes: Change) -> Change:
    """Make several changes."""
    return lambda inputs: [change(inputs) for change in changes]


FROM_ANYWHERE = all_of(having(cidrIpv4="0.0.0.0/0"), lacking("referencedSecurityGroupId"))
ALL_TRAFFIC = having(ipProtocol="-1", fromPort=None, toPort=None)

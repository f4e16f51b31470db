"""Rules about task definitions and their containers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from gate.rules.readers import containers
from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.graph import Graph, Node

_SECRET_NAME: Final = re.compile(
    r"(?i)pass(word|wd|phrase)|secret|token|api_?key|private_?key|credential"
)
_SECRET_VALUE: Final = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN|://[^/\s:@]+:[^/\s:@]+@")

_MIN_IMAGES: Final = 10


@rule
def tasks_are_isolated_from_their_host(graph: Graph) -> Iterator[Node]:
    """Require a network interface for each task, its own process ids, and no privileges."""
    for definition in graph.all("TaskDefinition"):
        own_network = definition.inputs.get("networkMode") == "awsvpc"
        own_processes = not definition.inputs.get("pidMode")
        privileged = any(each.get("privileged") for each in containers(definition))
        if not own_network or not own_processes or privileged:
            yield definition


@rule
def containers_run_as_non_root(graph: Graph) -> Iterator[Node]:
    """Require a user other than root. Source: Security Hub, control ECS.20."""
    for definition in graph.all("TaskDefinition"):
        for container in containers(definition):
            user = str(container.get("user", "root")).partition(":")[0]
            if user in {"root", "0", ""}:
                yield definition


@rule
def containers_drop_capabilities(graph: Graph) -> Iterator[Node]:
    """Require every container to drop capabilities."""
    for definition in graph.all("TaskDefinition"):
        for container in containers(definition):
            if not container.get("linuxParameters", {}).get("capabilities", {}).get("drop"):
                yield definition


@rule
def images_are_pinned(graph: Graph) -> Iterator[Node]:
    """Require images by digest."""
    for definition in graph.all("TaskDefinition"):
        if any("@sha256:" not in each["image"] for each in containers(definition)):
            yield definition


@rule
def repositories_keep_what_runs(graph: Graph) -> Iterator[Node]:
    """Require immutable tags, a scan of each push, and a lifecycle policy that keeps ten images.

    Sources: Security Hub, controls ECR.1, ECR.2 and ECR.3. A policy that keeps fewer could expire
    the image that runs.
    """
    for repository in graph.all("Repository"):
        scans = repository.inputs.get("imageScanningConfiguration", {}).get("scanOnPush")
        immutable = repository.inputs.get("imageTagMutability") == "IMMUTABLE"
        if not (scans and immutable and _keeps_images(graph, repository)):
            yield repository


def _keeps_images(graph: Graph, repository: Node) -> bool:
    """Return whether a repository has lifecycle policies, all of which keep ten images."""
    policies = 0
    for policy in graph.all("LifecyclePolicy"):
        if repository in policy.sources:
            policies += 1
            if not _keeps_ten_images(policy):
                return False
    return policies > 0


def _keeps_ten_images(policy: Node) -> bool:
    """Return whether a lifecycle policy expires tagged images by their number only, above ten."""
    for each in json.loads(policy.inputs["policy"])["rules"]:
        selection = each["selection"]
        if selection["tagStatus"] == "untagged":
            continue
        if selection["countType"] != "imageCountMoreThan":
            return False
        if selection["countNumber"] < _MIN_IMAGES:
            return False
    return True


@rule
def no_plain_text_secrets(graph: Graph) -> Iterator[Node]:
    """Require no variable and no log option that looks like a secret, and secrets by reference."""
    for definition in graph.all("TaskDefinition"):
        for container in containers(definition):
            if _shows_a_secret(container):
                yield definition


def _shows_a_secret(container: dict[str, Any]) -> bool:
    logs = container.get("logConfiguration", {})
    texts = list(logs.get("options", {}).items())
    texts += [(each["name"], each["value"]) for each in container.get("environment", [])]
    for name, value in texts:
        if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
            return True
    for secret in (*container.get("secrets", []), *logs.get("secretOptions", [])):
        if not secret["valueFrom"].startswith("arn:"):
            return True
    return False

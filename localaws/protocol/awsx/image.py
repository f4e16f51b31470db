"""`awsx.ecr.Repository` and `awsx.ecr.Image`: a repository with its rules, an image built for one.

Source: pulumi-awsx at e60adf3c, awsx/ecr/repository.ts, image.ts and auth.ts.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.catalog.values import known, without_none
from localaws.protocol.docker_build import IMAGE as DOCKER_IMAGE
from localaws.protocol.property_values import secret, unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.protocol.awsx.monitor import Monitor, Registered
    from localaws.protocol.messages import provider_pb2

REPOSITORY = "awsx:ecr:Repository"
IMAGE = "awsx:ecr:Image"

_UNTAGGED = {
    "description": "remove untagged images",
    "tagStatus": "untagged",
    "maximumNumberOfImages": 1,
}
"""The rule of a repository that is given none."""


async def repository(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component, the repository and its lifecycle policy.

    Raises:
        ValueError: The real awsx refuses it too.
    """
    inputs = unwrapped(monitor.inputs)
    lifecycle = inputs.pop("lifecyclePolicy", None) or {}
    component = await monitor.component()
    name = monitor.name.lower()
    made = await monitor.child(
        "aws:ecr/repository:Repository", name, component, inputs, *monitor.needed
    )
    policy = None
    if not lifecycle.get("skip"):
        rules = lifecycle.get("rules") or [_UNTAGGED]
        policy = await monitor.child(
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            name,
            component,
            {
                "repository": made.output("name"),
                "policy": {"rules": _converted(rules)},
                "region": inputs.get("region"),
            },
            made,
            *monitor.needed,
        )
    await monitor.done(component)
    outputs = monitor.outputs()
    outputs.value("url", made.output("repositoryUrl"), [made])
    outputs.resource("repository", made)
    outputs.resource("lifecyclePolicy", policy)
    return outputs.response(component)


def _converted(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rules in ECR's form, the one for any image last.

    Raises:
        ValueError: The real awsx refuses them too.
    """
    for_any: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for rule in rules:
        if rule.get("tagStatus") == "any":
            for_any.append(rule)
        else:
            others.append(rule)
    if len(for_any) > 1:
        raise ValueError('At most one [selection: "any"] rule can be provided.')
    converted = []
    for priority, rule in enumerate([*others, *for_any], start=1):
        whole = {
            "rulePriority": priority,
            "description": rule.get("description"),
            "selection": {**_tags(rule), **_count(rule)},
            "action": {"type": "expire"},
        }
        converted.append(without_none(whole))
    return converted


def _tags(rule: Mapping[str, Any]) -> dict[str, Any]:
    if rule.get("tagStatus") in {"any", "untagged"}:
        return {"tagStatus": rule["tagStatus"]}
    if not rule.get("tagPrefixList"):
        raise ValueError("tagPrefixList cannot be empty.")
    return {"tagStatus": "tagged", "tagPrefixList": rule["tagPrefixList"]}


def _count(rule: Mapping[str, Any]) -> dict[str, Any]:
    if rule.get("maximumNumberOfImages") is not None:
        return {"countType": "imageCountMoreThan", "countNumber": rule["maximumNumberOfImages"]}
    if rule.get("maximumAgeLimit") is not None:
        return {
            "countType": "sinceImagePushed",
            "countNumber": rule["maximumAgeLimit"],
            "countUnit": "days",
        }
    raise ValueError(
        "Either [maximumNumberOfImages] or [maximumAgeLimit] must be provided with a rule."
    )


async def image(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component, and the image that the docker-build provider builds and pushes.

    While an input isn't known, in a preview, the real component registers no image either.
    """
    component = await monitor.component()
    inputs = await monitor.resolved(monitor.inputs)
    uri: object = UNKNOWN
    needed: list[Registered | str] = list(monitor.needed)
    if known(inputs):
        made = await _built(monitor, component, inputs)
        needed.append(made)
        uri = _uri(inputs["repositoryUrl"], made)
    await monitor.done(component, {"imageUri": uri})
    outputs = monitor.outputs()
    outputs.value("imageUri", uri, needed)
    return outputs.response(component)


async def _built(monitor: Monitor, component: Registered, inputs: Mapping[str, Any]) -> Registered:
    """Register the image."""
    url = inputs["repositoryUrl"]
    name = inputs.get("imageName") or inputs.get("imageTag") or _unique_name(monitor, inputs)
    canonical = f"{url}:{name}"
    dockerfile = inputs.get("dockerfile")
    platform = inputs.get("platform")
    token = await monitor.invoke(
        "aws:ecr/getAuthorizationToken:getAuthorizationToken",
        registryId=inputs.get("registryId") or url.removeprefix("https://").partition(".")[0],
    )
    child: dict[str, Any] = {
        "tags": [canonical],
        "buildArgs": inputs.get("args"),
        "cacheFrom": [{"registry": {"ref": ref}} for ref in inputs.get("cacheFrom") or [canonical]],
        "cacheTo": [{"inline": {}}],
        "context": {"location": inputs.get("context", ".")},
        "dockerfile": {"location": dockerfile} if dockerfile else {},
        "platforms": [platform] if platform else [],
        "target": inputs.get("target"),
        "push": True,
        "registries": [
            {
                "address": token["proxyEndpoint"],
                "username": token["userName"],
                "password": secret(token["password"]),
            }
        ],
    }
    # The real one registers it without any dependency, so that a destroy may delete the repository
    # first.
    return await monitor.child(DOCKER_IMAGE, name, component, child)


def _uri(url: str, made: Registered) -> object:
    """Return an image's name by its digest, without its tag."""
    digest, ref = made.outputs.get("digest"), made.outputs.get("ref")
    if isinstance(digest, str) and digest:
        return f"{url}@{digest}"
    if isinstance(ref, str) and ref:
        return re.sub(r"^(.*):([^@]+)(@sha256:.+)$", r"\1\3", ref)
    return UNKNOWN


def _unique_name(monitor: Monitor, inputs: Mapping[str, Any]) -> str:
    """Return the name that an image gets if it has none, from where and how it is built."""
    signature = inputs.get("context", ".")
    if inputs.get("dockerfile"):
        signature += f";dockerfile={inputs['dockerfile']}"
    for name, value in (inputs.get("args") or {}).items():
        signature += f";arg[{name}]={value}"
    signature += monitor.stack
    return f"{hashlib.sha1(signature.encode()).hexdigest()[:8]}-container"  # noqa: S324 — awsx's

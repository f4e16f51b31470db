"""Amazon's images for container instances, and the public parameters that name the newest ones.

The ids of images are made up here, the same in every local AWS.

Source of the names: Amazon ECS, "Retrieving Amazon ECS-optimized Linux AMI metadata".
"""

from __future__ import annotations

import hashlib
import json
import re

_ARCHITECTURES = {"": "x86_64", "/arm64": "arm64"}
"""Processors, by what a parameter's name has for them."""

_PREFIX = "/aws/service/ecs/optimized-ami/amazon-linux-2023"
_IMAGE = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_RESOLVED = "resolve:ssm:"
"""A launch template's image may be a parameter, which EC2 reads at each launch."""

_ENDS = {"x86_64": "8664", "arm64": "a64"}
"""The last digits of a made-up image's id, by processor: the id alone tells the processor."""


def _image_id(region: str, architecture: str) -> str:
    digest = hashlib.sha256(f"{_PREFIX} {architecture} {region}".encode()).hexdigest()
    end = _ENDS[architecture]
    return f"ami-{digest[: 17 - len(end)]}{end}"


def public_parameter(name: str, region: str) -> str | None:
    """Return the value of a public parameter in a region; None if the local AWS has none."""
    for part, architecture in _ARCHITECTURES.items():
        recommended = f"{_PREFIX}{part}/recommended"
        image = _image_id(region, architecture)
        if name == f"{recommended}/image_id":
            return image
        if name == recommended:
            return json.dumps(
                {
                    "image_id": image,
                    "image_name": f"al2023-ami-ecs-hvm-local-{architecture}",
                    "os": "Amazon Linux 2023",
                    "schema_version": 1,
                }
            )
    return None


def is_image(value: str) -> bool:
    """Return whether a text is an image's id, or the parameter that has it."""
    return _IMAGE.fullmatch(value) is not None or value.startswith(_RESOLVED)


def architecture_of_image(value: str) -> str | None:
    """Return the processor that an image is built for; None for an image that isn't known here."""
    name = value.removeprefix(_RESOLVED)
    for part, architecture in _ARCHITECTURES.items():
        if name == f"{_PREFIX}{part}/recommended/image_id":
            return architecture
        if _IMAGE.fullmatch(name) and name.endswith(_ENDS[architecture]):
            return architecture
    return None


def architecture_of_type(instance_type: str) -> str | None:
    """Return the processor of an instance type; None for a text that isn't like one.

    Types with Graviton processors have a `g` after their generation (t4g, m7gd, im4gn), or are
    a1. Source: EC2, "Amazon EC2 instance type naming conventions".
    """
    found = re.fullmatch(r"([a-z]+)(\d+)([a-z-]*)\.[a-z0-9-]+", instance_type)
    if found is None:
        return "x86_64" if re.fullmatch(r"u-\w+\.[a-z0-9-]+", instance_type) else None
    family, _, attributes = found.groups()
    return "arm64" if "g" in attributes or family == "a" else "x86_64"

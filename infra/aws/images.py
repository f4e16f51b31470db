"""Names of container images. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PRIVATE = (
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+"
    r"/(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?"
)


@dataclass(frozen=True, kw_only=True)
class PrivateImage:
    """An image in a private ECR repository."""

    account: str
    region: str
    repository: str
    tag: str
    """`latest` where the name has none."""

    def repository_arn(self, partition: str) -> str:
        """Return the ARN of its repository."""
        return f"arn:{partition}:ecr:{self.region}:{self.account}:repository/{self.repository}"


def private(image: str) -> PrivateImage | None:
    """Parse the name of an image in a private ECR repository; None for any other registry."""
    found = re.match(_PRIVATE, image)
    if found is None:
        return None
    return PrivateImage(
        account=found["account"],
        region=found["region"],
        repository=found["repository"],
        tag=found["tag"] or "latest",
    )


def is_pinned(image: str) -> bool:
    """Return whether the name always means the same image; a tag can be moved to another one."""
    return "@sha256:" in image


def how_to_pin(image: str) -> str:
    """Return the command that prints the current digest of an image's tag."""
    found = private(image)
    if found is None:
        return f"docker buildx imagetools inspect {image} --format '{{{{.Manifest.Digest}}}}'"
    return (
        f"aws ecr describe-images --registry-id {found.account} --region {found.region} "
        f"--repository-name {found.repository} --image-ids imageTag={found.tag} "
        "--query 'imageDetails[0].imageDigest' --output text"
    )

"""An image that is built from a Dockerfile, and the ECR repository that keeps it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from infra.aws import naming
from infra.service import build_context

if TYPE_CHECKING:
    from infra.aws.image_build import ImageBuild

_KEPT_IMAGES: Final = 20
"""Images that a repository keeps, the deployed one among them: enough to go back to earlier
revisions of the task definition.
"""

_UNTAGGED_DAYS: Final = 7
"""Days that images without a tag are kept, which interrupted pushes leave behind."""


@dataclass(kw_only=True)
class BuiltImageArgs:
    """Arguments of a BuiltImage."""

    build: ImageBuild
    """What the image is built from."""

    platform: str
    """Platform that it is built for, as Docker names it."""

    tags: dict[str, str]
    """Tags of the repository."""


class BuiltImage(pulumi.ComponentResource):
    """An image in its own ECR repository, built where Pulumi runs."""

    image: pulumi.Output[str]
    """The image's name, by its digest."""

    repository_arn: pulumi.Output[str]
    """The repository, from which tasks pull it."""

    def __init__(
        self, name: str, args: BuiltImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:BuiltImage", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        repository = aws.ecr.Repository(
            name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            # With AWS's own key of the account, so that CloudTrail records each use.
            encryption_configurations=[{"encryption_type": "KMS"}],
            # Everything in it can be built again, and a destroy would otherwise stop at it with
            # everything else deleted.
            force_delete=True,
            tags=naming.of_component(args.tags, name),
            opts=child,
        )
        aws.ecr.LifecyclePolicy(
            name,
            repository=repository.name,
            policy=_lifecycle_policy(),
            # A repository has one, so that to delete the old one last would delete the new one.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        built = awsx.ecr.Image(
            name,
            repository_url=repository.repository_url,
            context=args.build.context,
            dockerfile=args.build.dockerfile_path,
            target=args.build.target,
            args=args.build.args or None,
            platform=args.platform,
            image_tag=self._image_tag(name, args),
            # With another tag the image is another resource. The provider would delete the earlier
            # image from the repository, by a digest that the new one may have too.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.image = built.image_uri
        self.repository_arn = repository.arn
        self.register_outputs({"image": self.image, "repositoryArn": self.repository_arn})

    def _image_tag(self, name: str, args: BuiltImageArgs) -> pulumi.Output[str]:
        """Return a tag that changes with what is built, and that no earlier image has.

        An immutable tag is never pushed again, not even when the files become what they were at an
        earlier deployment. So a random part, which the state keeps for as long as the files stay
        the same, follows their fingerprint.
        """
        fingerprint = build_context.fingerprint(args.build, platform=args.platform)[:12]
        attempt = pulumi.Stash(
            f"{name}-{fingerprint}",
            input=secrets.token_hex(4),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["input"]),
        )
        # The id is unknown in a preview that makes it, and so the tag is: nothing is built then.
        return pulumi.Output.all(attempt.id, attempt.output).apply(
            lambda known: f"{fingerprint}-{known[1]}"
        )


def _lifecycle_policy() -> str:
    """Return the repository's lifecycle policy: what expires, and when.

    ECR expires no image that the manifest list of a kept image refers to. Source: Amazon ECR,
    lifecycle policy evaluation rules.
    """
    rules = [
        {
            "rulePriority": 1,
            "description": f"Keep {_KEPT_IMAGES} images",
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["*"],
                "countType": "imageCountMoreThan",
                "countNumber": _KEPT_IMAGES,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "Expire what has no tag",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": _UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        },
    ]
    return json.dumps({"rules": rules})

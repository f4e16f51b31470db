"""Why deployments fail: the causes that ECS's own messages show, and what to try. Pure.

The messages are stopped tasks' reasons, service events and target health, as AWS's manual, the
agents' sources and public reports of failed deployments quote them; tests/infra/ecs_words.toml has
one for each cause, with its source. ECS truncates long reasons, so a pattern matches their
beginning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Cause:
    """A known cause of failed deployments."""

    pattern: str
    """Regular expression over ECS's messages; its named groups are filled into the sentence."""

    sentence: str
    """The problem."""

    advice: str
    """What to try, and which configuration keys to change."""


_NOT_PULLED = r"CannotPull\w*Error.*"
_NOT_INITIALISED = r"ResourceInitializationError.*"
_NOT_STARTED = r"CannotStart\w*Error.*"
# Required, as an application may print the same texts about something else, and its last lines may
# be among the messages.
_NOT_FETCHED = r"(?:ResourceInitializationError|[Ff]etching secret data).*"

CAUSES = (
    Cause(
        rf"{_NOT_FETCHED}invalid parameters: (?P<names>[\w./, -]*[\w/])",
        "There is no SSM parameter {names}, which `secrets` names.",
        (
            "Create it (`aws ssm put-parameter --type SecureString --name NAME --value "
            "VALUE`), or correct `secrets`."
        ),
    ),
    Cause(
        rf"{_NOT_FETCHED}can't find the specified secret",
        "Secrets Manager has no such secret, or no such version of it, as `secrets` names.",
        "Create it, or correct `secrets`; a secret that was deleted keeps its name for a while.",
    ),
    Cause(
        (
            rf"{_NOT_FETCHED}(?:did not contain json key|invalid character .* (?:looking "
            rf"for|in literal))"
        ),
        "The secret isn't a JSON object with the key that `secrets` names.",
        (
            "Correct the key in `secrets`, or the secret's value; without a key the variable "
            "gets the whole value."
        ),
    ),
    Cause(
        rf"{_NOT_FETCHED}not authorized to perform: (?P<action>(?:ssm|secretsmanager|kms):\w+)",
        "A secret isn't readable: the tasks' execution role lacks {action}.",
        "The role may read what `secrets` names. Name the customer managed keys that encrypt it in "
        "`secretKeyArns`; neither their policies nor `permissionsBoundaryArn` may deny it.",
    ),
    Cause(
        rf"{_NOT_FETCHED}Access to KMS is not allowed",
        "A secret is encrypted with a KMS key that the tasks' execution role may not use.",
        (
            "Name the key in `secretKeyArns`; neither its policy nor "
            "`permissionsBoundaryArn` may deny it."
        ),
    ),
    Cause(
        (
            rf"{_NOT_PULLED}(?:descriptor (?:matching|for) platform|no matching manifest "
            rf"for)|[Ee]xec format error"
        ),
        "The image isn't built for the CPU architecture of the tasks.",
        (
            "Build it for `cpuArchitecture` (X86_64 is `--platform linux/amd64`, ARM64 "
            "linux/arm64), or change that key."
        ),
    ),
    Cause(
        rf"(?:{_NOT_PULLED}|{_NOT_INITIALISED})(?:i/o timeout|connection issue between "
        rf"the task|Client\.Timeout|"
        r"context deadl|RequestCanceled|RequestError: send request failed|no such "
        r"host|network is unreachable)",
        "The tasks have no route to the registry or to AWS's endpoints.",
        "In an existing VPC (`vpcId`) the tasks' subnets need DNS, network ACLs that allow HTTPS "
        "out and answers in, and a route: `subnetIds` to an internet gateway, `taskSubnetIds` to a "
        "NAT gateway or endpoints. With `network` endpoints, images come from this region's ECR "
        "only.",
    ),
    Cause(
        rf"{_NOT_PULLED}(?:not authorized to perform: ecr|no basic auth credentials|403 Forbidden)",
        "The tasks' execution role may not pull the image.",
        (
            "An image in another account's ECR needs that repository's policy to let this "
            "account pull; see `image`."
        ),
    ),
    Cause(
        rf"{_NOT_PULLED}(?:toomanyrequests|rate limit)",
        "The registry refuses pulls for now: it counted too many from these addresses.",
        (
            "Run the same again later, or copy the image to your own registry and name that in "
            "`image`."
        ),
    ),
    Cause(
        (
            rf"{_NOT_PULLED}(?:not found|manifest unknown|pull access denied|does not "
            rf"exist|invalid reference)"
        ),
        "The image doesn't exist, or isn't public.",
        (
            "Correct `image`: registry, repository and tag; `docker manifest inspect IMAGE` "
            "must find it."
        ),
    ),
    Cause(
        r"CannotPull",
        "The image can't be pulled.",
        "ECS's reason has the registry's error; the image is `image`.",
    ),
    Cause(
        rf"(?:{_NOT_INITIALISED}|{_NOT_STARTED})log group does not exist",
        "The log group of the containers is gone.",
        "`pulumi up --refresh` detects that and creates it again.",
    ),
    Cause(
        r"ECS was unable to assume the role",
        "ECS can't assume a role of the tasks.",
        "A role that was just created may not be known everywhere yet: run the same again. If the "
        "error stays, the role was changed outside Pulumi: `pulumi up --refresh`.",
    ),
    Cause(
        r"InsufficientFreeAddresses|network interface provisioning",
        "The subnets have no addresses left, or AWS is slow to assign them.",
        (
            "Larger or more subnets (`vpcCidr`, `availabilityZoneCount`, `subnetIds`); else "
            "run the same again."
        ),
    ),
    Cause(
        r"Capacity is unavailable",
        "AWS has no Fargate capacity left in these zones for now.",
        "Run the same again later, or use more zones (`availabilityZoneCount`, `subnetIds`).",
    ),
    Cause(
        r"reached the limit on the number of (?:tasks|vCPUs)",
        "The account's quota of Fargate tasks or vCPUs in this region is used up.",
        (
            "Stop what isn't needed (or lower `desiredCount` or `cpuUnits`), or request a "
            "higher quota of Fargate's vCPUs."
        ),
    ),
    Cause(
        r"local AWS: [^.]* on port \d+ of all addresses",
        (
            "The container listens on 0.0.0.0, as it should on AWS; in the local AWS tasks "
            "share this machine's network."
        ),
        (
            "Have it listen on `$HOST` where that variable is set, else on 0.0.0.0: "
            "docs/local-data-plane.md."
        ),
    ),
    Cause(
        rf"OutOfMemoryError: Container killed|{_NOT_STARTED}OOM-killed|"
        r"Essential container in task exited \([^)]* exited with 137",
        "The container was killed because it used more memory than its task has.",
        (
            "Raise `memoryMib` (docs/config.md lists what goes with `cpuUnits`), or make the "
            "application use less."
        ),
    ),
    Cause(
        r"CannotStartContainerError|Essential container in task exited \([^)]* exited with 12[67]",
        "The container's command can't be run.",
        (
            "Correct `command`: its first word must be a program in the image; [] runs the "
            "image's own."
        ),
    ),
    Cause(
        r"Health checks failed with these codes: \[(?P<codes>3\d\d(?:, ?3\d\d)*)\]",
        (
            "The application answers the health check with a redirect ({codes}), perhaps to "
            "HTTPS or to a login page."
        ),
        "Set `healthCheckPath` to a path that it answers itself, over plain HTTP and without a "
        "login, or add the code to `healthCheckCodes`: a health check follows no redirect.",
    ),
    Cause(
        r"Health checks failed with these codes: \[404\]",
        "The application answers the health check with 404: it has nothing at that path.",
        "Set `healthCheckPath` to a path that it answers with a code of `healthCheckCodes`.",
    ),
    Cause(
        (
            r"Health checks failed with these codes: \[50[234]\]|reason Request timed "
            r"out|\(Request timed out\)"
        ),
        (
            "The application isn't ready in time: the grace period is too short for its "
            "start, or it answers too slowly."
        ),
        "Raise `healthCheckGraceSeconds` above the longest start, or `cpuUnits`; an answer may "
        "take `healthCheckTimeoutSeconds`.",
    ),
    Cause(
        r"Health checks failed with these codes: \[(?P<codes>[^]]+)\]",
        "The application answers the health check with {codes}, which isn't a healthy answer.",
        (
            "Request the path of `healthCheckPath`, and find the reason for its answer; "
            "`healthCheckCodes` are the healthy codes."
        ),
    ),
    Cause(
        r"Essential container in task exited",
        (
            "The container ends by itself: it crashes at its start, or its command goes to "
            "the background."
        ),
        "Its log has the reason. `command` must stay in the foreground; a container that lacks a "
        "permission needs another `user`, `writablePaths` or `dropCapabilities`.",
    ),
    Cause(
        r"Health checks failed|failed ELB health checks",
        "Nothing answers at the container's port: the application listens on another port or on "
        "localhost only, or not yet when the grace period ends.",
        "Compare `containerPort` with the port that the application listens on (on 0.0.0.0); if it "
        "only starts slowly, raise `healthCheckGraceSeconds`.",
    ),
    Cause(
        r"because of the service deployment configuration",
        "ECS may neither start a new task nor stop an old one.",
        "Lower `minimumHealthyPercent`, raise `maximumPercent`, or raise `desiredCount`.",
    ),
    Cause(
        r"was cancelled while it waited|context canceled",
        "The run was cancelled; the deployment goes on without it.",
        "`pulumi up` again waits for its end.",
    ),
    Cause(
        r"timeout while waiting for state|did not reach a steady state within",
        "The deployment was still under way when the run stopped waiting.",
        (
            "`pulumi up` again waits for the rest of it; raise `steadyStateTimeoutMinutes` if it "
            "needs that long."
        ),
    ),
    Cause(
        r"tasks failed to start",
        (
            "The container most likely ends right after its start: other causes have an event of "
            "their own."
        ),
        "Its log has the reason, if it got that far; else the stopped tasks have it.",
    ),
)
"""Every known cause, in order: specific messages before those that many causes share."""


def likely(messages: Iterable[str]) -> Cause | None:
    """Return the cause that the messages show most clearly, with its values, or None."""
    texts = list(messages)
    for cause in CAUSES:
        for text in texts:
            if found := re.search(cause.pattern, text, re.DOTALL):
                return Cause(
                    cause.pattern, cause.sentence.format_map(found.groupdict()), cause.advice
                )
    return None

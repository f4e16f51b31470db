"""Why deployments fail: the causes that ECS's own messages show, and what to try. Pure.

The messages are stopped tasks' reasons, service events and target health, as AWS's manual, the
agents' sources and public reports of failed deployments quote them; tests/infra/ecs_words.toml has
one for each cause, with its source. ECS truncates long reasons, so a pattern matches their
beginning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infra.service.events import BY_ALARM

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Cause:
    """A known cause of failed deployments."""

    pattern: str
    """Regular expression that is searched for in ECS's messages."""

    sentence: str
    """The problem, with the pattern's groups as `{name}`."""

    advice: str
    """What to try, and which configuration keys to change."""


_NOT_PULLED = r"CannotPull\w*Error.*"
_NOT_INITIALISED = r"ResourceInitializationError.*"
_NOT_STARTED = r"CannotStart\w*Error.*"
# Secrets' causes need this beginning: an application's last lines may be among the messages, and
# have the same texts about something else.
_NOT_FETCHED = r"(?:ResourceInitializationError|[Ff]etching secret data).*"

# ECS stops the other containers of a task in which an essential one ended, and they then exit with
# 0, 143 or 137 as well.
_ENDED_BY_ITSELF = r"[^)]* exited with (?!(?:0|137|143)\b)"
_EXITS = r"Essential container in task exited \(([^)]*)\)"
_EXIT = r"([\w-]+) exited with (\d+)(: \w+Error)?"
_STOPPED_BY_ECS = ("0", "137", "143")

CAUSES = (
    # An alarm is why ECS stopped a deployment, whatever else is among its events.
    Cause(
        pattern=BY_ALARM,
        sentence=(
            "The new version passes its health checks, but an alarm went off while it replaced the "
            "old one: users got errors or slow answers."
        ),
        advice=(
            "The command below shows what the alarm saw, and the log what the version answered. "
            "The limits are `maxErrorPercent` and `maxLatencySeconds`. If something else was the "
            "cause, deploy the same again once the alarm is OK."
        ),
    ),
    Cause(
        pattern=rf"{_NOT_FETCHED}invalid parameters: (?P<names>[\w./, -]*[\w/])",
        sentence="There is no SSM parameter {names}, which `secrets` names.",
        advice=(
            "Create it (`aws ssm put-parameter --type SecureString --name NAME --value VALUE`), or "
            "correct `secrets`."
        ),
    ),
    Cause(
        pattern=rf"{_NOT_FETCHED}can't find the specified secret",
        sentence=(
            "Secrets Manager has no such secret, or no such version of it, as `secrets` names."
        ),
        advice=(
            "Create it, or correct `secrets`; a secret that was deleted keeps its name for a while."
        ),
    ),
    Cause(
        pattern=(
            rf"{_NOT_FETCHED}(?:did not contain json key|invalid character .* (?:looking for"
            r"|in literal))"
        ),
        sentence="The secret isn't a JSON object with the key that `secrets` names.",
        advice=(
            "Correct the key in `secrets`, or the secret's value; without a key the variable gets "
            "the whole value."
        ),
    ),
    Cause(
        pattern=(
            rf"{_NOT_FETCHED}not authorized to perform: "
            r"(?P<action>(?:ssm|secretsmanager|kms):\w+)"
        ),
        sentence="A secret isn't readable: the tasks' execution role lacks {action}.",
        advice=(
            "The role may read what `secrets` names. Name the customer managed keys that encrypt "
            "it in `secretKeyArns`; neither their policies nor `permissionsBoundaryArn` may deny "
            "it."
        ),
    ),
    Cause(
        pattern=rf"{_NOT_FETCHED}Access to KMS is not allowed",
        sentence="A secret is encrypted with a KMS key that the tasks' execution role may not use.",
        advice=(
            "Name the key in `secretKeyArns`; neither its policy nor `permissionsBoundaryArn` may "
            "deny it."
        ),
    ),
    Cause(
        pattern=(
            rf"{_NOT_PULLED}(?:descriptor (?:matching|for) platform|no matching manifest for)"
            r"|[Ee]xec format error"
        ),
        sentence="The image isn't built for the CPU architecture of the tasks.",
        advice=(
            "Build it for `cpuArchitecture` (X86_64 is `--platform linux/amd64`, ARM64 "
            "linux/arm64), or change that key."
        ),
    ),
    Cause(
        pattern=rf"{_NOT_PULLED}no such host",
        sentence="DNS has no address for the registry's name.",
        advice=(
            "Correct the registry in `image`. An existing VPC (`vpcId`) must have DNS support."
        ),
    ),
    Cause(
        pattern=(
            rf"(?:{_NOT_PULLED}|{_NOT_INITIALISED})(?:i/o timeout"
            r"|connection issue between the task|Client\.Timeout|context deadl|RequestCanceled"
            r"|RequestError: send request failed|no such host|network is unreachable)"
        ),
        sentence="The tasks have no route to the registry or to AWS's endpoints.",
        advice=(
            "In an existing VPC (`vpcId`) the tasks' subnets need DNS, network ACLs that allow "
            "HTTPS out and answers in, and a route: `subnetIds` to an internet gateway, "
            "`taskSubnetIds` to a NAT gateway or endpoints. With `network` endpoints, images come "
            "from this region's ECR only."
        ),
    ),
    Cause(
        pattern=(
            rf"{_NOT_PULLED}(?:not authorized to perform: ecr|no basic auth credentials"
            r"|403 Forbidden)"
        ),
        sentence="The tasks' execution role may not pull the image.",
        advice=(
            "An image in another account's ECR needs that repository's policy to let this account "
            "pull; see `image`."
        ),
    ),
    Cause(
        pattern=rf"{_NOT_PULLED}(?:toomanyrequests|rate limit)",
        sentence="The registry refuses pulls for now: it counted too many from these addresses.",
        advice=(
            "Run the same again later, or copy the image to your own registry and name that in "
            "`image`."
        ),
    ),
    Cause(
        pattern=(
            rf"{_NOT_PULLED}(?:not found|manifest unknown|pull access denied|does not exist"
            r"|invalid reference)"
        ),
        sentence="The image doesn't exist, or isn't public.",
        advice=(
            "Correct `image`: registry, repository and tag; `docker manifest inspect IMAGE` must "
            "find it."
        ),
    ),
    Cause(
        pattern=r"CannotPull",
        sentence="The image can't be pulled.",
        advice="ECS's reason has the registry's error; the image is `image`.",
    ),
    Cause(
        pattern=rf"(?:{_NOT_INITIALISED}|{_NOT_STARTED})log group does not exist",
        sentence="The log group of the containers is gone.",
        advice="`pulumi up --refresh` detects that and creates it again.",
    ),
    Cause(
        pattern=r"ECS was unable to assume the role",
        sentence="ECS can't assume a role of the tasks.",
        advice=(
            "A role that was just created may not be known everywhere yet: run the same again. If "
            "the error stays, the role was changed outside Pulumi: `pulumi up --refresh`."
        ),
    ),
    Cause(
        pattern=r"InsufficientFreeAddresses|network interface provisioning",
        sentence="The subnets have no addresses left, or AWS is slow to assign them.",
        advice=(
            "Larger or more subnets (`vpcCidr`, `availabilityZoneCount`, `subnetIds`); else run "
            "the same again."
        ),
    ),
    Cause(
        pattern=r"Capacity is unavailable",
        sentence="AWS has no Fargate capacity left in these zones for now.",
        advice=(
            "Run the same again later, or use more zones (`availabilityZoneCount`, `subnetIds`)."
        ),
    ),
    Cause(
        pattern=r"reached the limit on the number of (?:tasks|vCPUs)",
        sentence="The account's quota of Fargate tasks or vCPUs in this region is used up.",
        advice=(
            "Stop what isn't needed (or lower `desiredCount` or `cpuUnits`), or request a higher "
            "quota of Fargate's vCPUs."
        ),
    ),
    Cause(
        pattern=r"local AWS: [^.]* on port \d+ of all addresses",
        sentence=(
            "The container listens on 0.0.0.0, as it should on AWS; in the local AWS tasks share "
            "this machine's network."
        ),
        advice=(
            "Have it listen on `$HOST` where that variable is set, else on 0.0.0.0: "
            "docs/local-data-plane.md."
        ),
    ),
    Cause(
        pattern=(
            rf"OutOfMemoryError: Container killed|{_NOT_STARTED}OOM-killed"
            rf"|Essential container in task exited \((?!{_ENDED_BY_ITSELF})[^)]* exited with 137"
        ),
        sentence="The container was killed because it used more memory than its task has.",
        advice=(
            "Raise `memoryMib` (docs/config.md lists what goes with `cpuUnits`), or make the "
            "application use less."
        ),
    ),
    Cause(
        pattern=(
            r"CannotStartContainerError"
            r"|Essential container in task exited \([^)]* exited with 12[67]"
        ),
        sentence="The container's command can't be run.",
        advice=(
            "Correct `command`: its first word must be a program in the image; [] runs the image's "
            "own."
        ),
    ),
    Cause(
        pattern=r"Health checks failed with these codes: \[(?P<codes>3\d\d(?:, ?3\d\d)*)\]",
        sentence=(
            "The application answers the health check with a redirect ({codes}), perhaps to HTTPS "
            "or to a login page."
        ),
        advice=(
            "Set `healthCheckPath` to a path that it answers itself, over plain HTTP and without a "
            "login, or add the code to `healthCheckCodes`: a health check follows no redirect."
        ),
    ),
    Cause(
        pattern=r"Health checks failed with these codes: \[404\]",
        sentence="The application answers the health check with 404: it has nothing at that path.",
        advice="Set `healthCheckPath` to a path that it answers with a code of `healthCheckCodes`.",
    ),
    Cause(
        pattern=(
            r"Health checks failed with these codes: \[50[234]\]|reason Request timed out"
            r"|\(Request timed out\)"
        ),
        sentence=(
            "The application isn't ready in time: the grace period is too short for its start, or "
            "it answers too slowly."
        ),
        advice=(
            "Raise `healthCheckGraceSeconds` above the longest start, or `cpuUnits`; an answer may "
            "take `healthCheckTimeoutSeconds`."
        ),
    ),
    Cause(
        pattern=r"Health checks failed with these codes: \[(?P<codes>[^]]+)\]",
        sentence=(
            "The application answers the health check with {codes}, which isn't a healthy answer."
        ),
        advice=(
            "Request the path of `healthCheckPath`, and find the reason for its answer; "
            "`healthCheckCodes` are the healthy codes."
        ),
    ),
    Cause(
        pattern=r"Essential container in task exited",
        sentence=(
            "The container ends by itself: it crashes at its start, or its command goes to the "
            "background."
        ),
        advice=(
            "Its log has the reason. `command` must stay in the foreground; a container that lacks "
            "a permission needs another `user`, `writablePaths` or `dropCapabilities`."
        ),
    ),
    Cause(
        pattern=r"Health checks failed|failed ELB health checks",
        sentence=(
            "Nothing answers at the container's port: the application listens on another port or "
            "on localhost only, or not yet when the grace period ends."
        ),
        advice=(
            "Compare `containerPort` with the port that the application listens on (on 0.0.0.0); "
            "if it only starts slowly, raise `healthCheckGraceSeconds`."
        ),
    ),
    Cause(
        pattern=r"No Container Instances were found|EMPTY CAPACITY PROVIDER|NO ACTIVE INSTANCES",
        sentence="The cluster has no EC2 instance that takes tasks.",
        advice=(
            "An instance registers some minutes after its start if it reaches ECS through "
            "`network`; its Auto Scaling group has the reason if none started. With "
            "`minInstances` 0 the first task waits for one."
        ),
    ),
    Cause(
        pattern=r"has insufficient (?:memory|CPU units) available|RESOURCE:(?:MEMORY|CPU)",
        sentence="No EC2 instance has room for another task.",
        advice=(
            "Raise `maxInstances`, choose a larger `instanceType`, or lower `maximumPercent` and "
            "`minimumHealthyPercent`, so that an old task stops before a new one starts."
        ),
    ),
    Cause(
        pattern=r"because of the service deployment configuration",
        sentence="ECS may neither start a new task nor stop an old one.",
        advice="Lower `minimumHealthyPercent`, raise `maximumPercent`, or raise `desiredCount`.",
    ),
    Cause(
        pattern=r"was cancelled while it waited|context canceled",
        sentence="The run was cancelled; the deployment goes on without it.",
        advice="`pulumi up` again waits for its end.",
    ),
    Cause(
        pattern=r"timeout while waiting for state|did not reach a steady state within",
        sentence="The deployment was still under way when the run stopped waiting.",
        advice=(
            "`pulumi up` again waits for the rest of it; raise `steadyStateTimeoutMinutes` if it "
            "needs that long."
        ),
    ),
    Cause(
        pattern=r"tasks failed to start",
        sentence=(
            "The container most likely ends right after its start: ECS reports other causes in "
            "separate events."
        ),
        advice="Its log has the reason, if it got that far; else the stopped tasks have it.",
    ),
)
"""Every known cause. Specific messages come before those that many causes share."""


def failed_containers(messages: Iterable[str]) -> list[str]:
    """Return the containers that made a task of several fail; none if no message shows them.

    Only the local AWS adds the exits of all containers to the reason of a stopped task.
    """
    for message in messages:
        for exits in re.findall(_EXITS, message):
            containers = re.findall(_EXIT, exits)
            failed: list[str] = []
            for name, code, error in containers:
                if error or code not in _STOPPED_BY_ECS:
                    failed.append(name)
            if failed and len(containers) > 1:
                return failed
    return []


def likely(messages: Iterable[str]) -> Cause | None:
    """Return the first known cause that one of the messages shows, with its sentence filled in."""
    texts = list(messages)
    for cause in CAUSES:
        for text in texts:
            found = re.search(cause.pattern, text, re.DOTALL)
            if found:
                return replace(cause, sentence=cause.sentence.format_map(found.groupdict()))
    return None

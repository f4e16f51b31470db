"""The recipients of alarms and failed deployments: a topic, its subscriptions, a chat channel.

The topics aren't encrypted with a key of KMS: CloudWatch can't publish to one that has AWS's own
key for SNS, whose policy doesn't let it, and a customer managed key is the account's business. SNS
encrypts what it stores in any case. Source: "Encrypting Amazon SNS topics", CloudWatch and SNS
guides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra.aws import naming, policies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.aws.environment import AwsEnvironment

_CHAT_REGION: Final = "us-east-2"
"""Chat configurations are the account's, and AWS's API for them has endpoints in a few regions
only. Source: service endpoints of AWS Chatbot; aws/aws-cli#8658.
"""

_FAILED: Final = "SERVICE_DEPLOYMENT_FAILED"
_PATHS: Final = {"reason": "$.detail.reason", "service": "$.resources[0]", "time": "$.time"}
_MANUAL: Final = "docs/alarms.md#deployment-failed"


@dataclass(kw_only=True)
class SlackChannel:
    """A channel of Slack that gets notifications through Amazon Q Developer."""

    configuration_name: str
    team_id: str
    channel_id: str


@dataclass(kw_only=True)
class NotificationsArgs:
    """Arguments of Notifications; what a stack configures has no defaults here."""

    aws_environment: AwsEnvironment
    stack: str
    cluster_name: str
    """Cluster whose failed deployments are reported."""

    topic_arn: str | None
    """An existing topic, which has its own policy and recipients; None creates one."""

    emails: Sequence[str]
    slack: SlackChannel | None
    permissions_boundary_arn: str | None = None
    """Permissions boundary of the chat's role."""

    tags: dict[str, str]


class Notifications(pulumi.ComponentResource):
    """A topic with its recipients, and the events of failed deployments that it gets."""

    topic_arn: pulumi.Output[str]
    """The topic that alarms publish to."""

    def __init__(
        self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Notifications", name, None, opts)
        tags = naming.of_component(args.tags, name)
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{name}-deployment-failed",
            description="Failed deployments of the stack's services",
            event_pattern=_pattern(args.aws_environment, args.cluster_name),
            tags=tags,
            opts=child,
        )
        if args.topic_arn is not None:
            self.topic_arn = pulumi.Output.from_input(args.topic_arn)
            policy = None
        else:
            topic, policy = self._topic(
                name, args, f"{args.cluster_name}-alarms", rule, tags, alarms=True
            )
            self.topic_arn = topic.arn
            for address in args.emails:
                aws.sns.TopicSubscription(
                    f"{name}-{address}",
                    topic=topic.arn,
                    protocol="email",
                    endpoint=address,
                    opts=child,
                )
        self._send(f"{name}-deployment-failed", rule, self.topic_arn, policy, _text(args.stack))
        if args.slack:
            self._chat(name, args, args.slack, rule, tags)
        self.register_outputs({"topicArn": self.topic_arn})

    def _topic(
        self,
        resource_name: str,
        args: NotificationsArgs,
        topic_name: str,
        rule: aws.cloudwatch.EventRule,
        tags: Mapping[str, str],
        *,
        alarms: bool,
    ) -> tuple[aws.sns.Topic, aws.sns.TopicPolicy]:
        """Register a topic to which the event rule may publish, and perhaps the alarms."""
        topic = aws.sns.Topic(
            resource_name, name=topic_name, tags=tags, opts=pulumi.ResourceOptions(parent=self)
        )
        document = pulumi.Output.all(topic.arn, rule.arn).apply(
            lambda arns: policies.publishing(
                args.aws_environment, topic_arn=arns[0], rule_arn=arns[1], alarms=alarms
            )
        )
        policy = aws.sns.TopicPolicy(
            resource_name,
            arn=topic.arn,
            policy=document,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return topic, policy

    def _send(
        self,
        name: str,
        rule: aws.cloudwatch.EventRule,
        topic_arn: pulumi.Input[str],
        policy: aws.sns.TopicPolicy | None,
        template: str,
    ) -> None:
        """Register a topic as a target of the event rule, with what it gets."""
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            arn=topic_arn,
            input_transformer={"input_paths": _PATHS, "input_template": template},
            # Without the policy the first events would be lost.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy] if policy else None),
        )

    def _chat(
        self,
        name: str,
        args: NotificationsArgs,
        slack: SlackChannel,
        rule: aws.cloudwatch.EventRule,
        tags: Mapping[str, str],
    ) -> None:
        """Register the Slack channel, and a topic with what it can show of failed deployments.

        Amazon Q Developer drops texts: it shows alarms, and what has its schema of custom
        notifications, which would be unreadable in an e-mail.
        """
        topic, policy = self._topic(
            f"{name}-chat", args, f"{args.cluster_name}-chat", rule, tags, alarms=False
        )
        self._send(f"{name}-chat", rule, topic.arn, policy, _chat_text(args.stack))
        role = aws.iam.Role(
            f"{name}-chat",
            assume_role_policy=policies.trust_of_chat(args.aws_environment),
            permissions_boundary=args.permissions_boundary_arn,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.chatbot.SlackChannelConfiguration(
            f"{name}-chat",
            configuration_name=slack.configuration_name,
            iam_role_arn=role.arn,
            slack_team_id=slack.team_id,
            slack_channel_id=slack.channel_id,
            sns_topic_arns=[self.topic_arn, topic.arn],
            # Members of the channel read what is published, and can do nothing in the account.
            guardrail_policy_arns=[
                f"arn:{args.aws_environment.partition}:iam::aws:policy/AWSDenyAll"
            ],
            region=_CHAT_REGION,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _pattern(environment: AwsEnvironment, cluster_name: str) -> str:
    """Return the pattern of the events: a cluster is named in the ARNs of its services only."""
    return json.dumps(
        {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "detail": {"eventName": [_FAILED]},
            "resources": [{"prefix": environment.arn("ecs", f"service/{cluster_name}/")}],
        }
    )


def _text(stack: str) -> str:
    """Return the template of a text, which EventBridge wants in quotes."""
    return (
        f'"A deployment of stack {stack} failed at <time>. Service: <service>. Reason: <reason> '
        f'What to do: {_MANUAL}"'
    )


def _chat_text(stack: str) -> str:
    """Return the template of a custom notification.

    Source: "Custom notifications", Amazon Q Developer in chat applications.
    """
    return json.dumps(
        {
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": f"A deployment of stack {stack} failed",
                "description": f"Service: <service>. Reason: <reason> What to do: {_MANUAL}",
            },
        }
    )

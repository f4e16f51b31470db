"""What Terraform and CloudFormation call each type of resource that the program may register.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class UnmappedTypeError(Exception):
    """A registered type isn't in the table, so that the scanners couldn't check it."""

    def __init__(self, token: str) -> None:
        super().__init__(
            f"{token} isn't in gate/scanners/type_names.py; "
            "add what Terraform and CloudFormation call it"
        )


@dataclass(frozen=True)
class Names:
    """The names of one type in Terraform and CloudFormation."""

    terraform: str
    cloudformation: str | None = None
    """None where it is part of another resource, or CloudFormation has no such type."""


TYPES: Final = {
    "aws:acm/certificate:Certificate": Names(
        "aws_acm_certificate", "AWS::CertificateManager::Certificate"
    ),
    "aws:acm/certificateValidation:CertificateValidation": Names("aws_acm_certificate_validation"),
    "aws:appautoscaling/policy:Policy": Names(
        "aws_appautoscaling_policy", "AWS::ApplicationAutoScaling::ScalingPolicy"
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Names(
        "aws_appautoscaling_scheduled_action"
    ),
    "aws:appautoscaling/target:Target": Names(
        "aws_appautoscaling_target", "AWS::ApplicationAutoScaling::ScalableTarget"
    ),
    "aws:autoscaling/group:Group": Names(
        "aws_autoscaling_group", "AWS::AutoScaling::AutoScalingGroup"
    ),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": Names(
        "aws_chatbot_slack_channel_configuration", "AWS::Chatbot::SlackChannelConfiguration"
    ),
    "aws:cloudwatch/dashboard:Dashboard": Names(
        "aws_cloudwatch_dashboard", "AWS::CloudWatch::Dashboard"
    ),
    "aws:cloudwatch/eventRule:EventRule": Names("aws_cloudwatch_event_rule", "AWS::Events::Rule"),
    "aws:cloudwatch/eventTarget:EventTarget": Names("aws_cloudwatch_event_target"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Names(
        "aws_cloudwatch_metric_alarm", "AWS::CloudWatch::Alarm"
    ),
    "aws:cloudwatch/logGroup:LogGroup": Names("aws_cloudwatch_log_group", "AWS::Logs::LogGroup"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Names("aws_default_security_group"),
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": Names(
        "aws_egress_only_internet_gateway", "AWS::EC2::EgressOnlyInternetGateway"
    ),
    "aws:ec2/eip:Eip": Names("aws_eip", "AWS::EC2::EIP"),
    "aws:ec2/flowLog:FlowLog": Names("aws_flow_log", "AWS::EC2::FlowLog"),
    "aws:ec2/internetGateway:InternetGateway": Names(
        "aws_internet_gateway", "AWS::EC2::InternetGateway"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Names(
        "aws_launch_template", "AWS::EC2::LaunchTemplate"
    ),
    "aws:ec2/natGateway:NatGateway": Names("aws_nat_gateway", "AWS::EC2::NatGateway"),
    "aws:ec2/route:Route": Names("aws_route", "AWS::EC2::Route"),
    "aws:ec2/routeTable:RouteTable": Names("aws_route_table", "AWS::EC2::RouteTable"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Names(
        "aws_route_table_association", "AWS::EC2::SubnetRouteTableAssociation"
    ),
    "aws:ec2/securityGroup:SecurityGroup": Names("aws_security_group", "AWS::EC2::SecurityGroup"),
    "aws:ec2/subnet:Subnet": Names("aws_subnet", "AWS::EC2::Subnet"),
    "aws:ec2/vpc:Vpc": Names("aws_vpc", "AWS::EC2::VPC"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Names("aws_vpc_endpoint", "AWS::EC2::VPCEndpoint"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Names("aws_ecr_lifecycle_policy"),
    "aws:ecr/repository:Repository": Names("aws_ecr_repository", "AWS::ECR::Repository"),
    "aws:ecs/capacityProvider:CapacityProvider": Names(
        "aws_ecs_capacity_provider", "AWS::ECS::CapacityProvider"
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Names(
        "aws_ecs_cluster_capacity_providers", "AWS::ECS::ClusterCapacityProviderAssociations"
    ),
    "aws:ecs/cluster:Cluster": Names("aws_ecs_cluster", "AWS::ECS::Cluster"),
    "aws:ecs/service:Service": Names("aws_ecs_service", "AWS::ECS::Service"),
    "aws:ecs/taskDefinition:TaskDefinition": Names(
        "aws_ecs_task_definition", "AWS::ECS::TaskDefinition"
    ),
    "aws:iam/instanceProfile:InstanceProfile": Names(
        "aws_iam_instance_profile", "AWS::IAM::InstanceProfile"
    ),
    "aws:iam/role:Role": Names("aws_iam_role", "AWS::IAM::Role"),
    "aws:iam/rolePolicy:RolePolicy": Names("aws_iam_role_policy", "AWS::IAM::RolePolicy"),
    "aws:lb/listener:Listener": Names("aws_lb_listener", "AWS::ElasticLoadBalancingV2::Listener"),
    "aws:lb/listenerCertificate:ListenerCertificate": Names(
        "aws_lb_listener_certificate", "AWS::ElasticLoadBalancingV2::ListenerCertificate"
    ),
    "aws:lb/listenerRule:ListenerRule": Names(
        "aws_lb_listener_rule", "AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "aws:lb/loadBalancer:LoadBalancer": Names(
        "aws_lb", "AWS::ElasticLoadBalancingV2::LoadBalancer"
    ),
    "aws:lb/targetGroup:TargetGroup": Names(
        "aws_lb_target_group", "AWS::ElasticLoadBalancingV2::TargetGroup"
    ),
    "aws:route53/record:Record": Names("aws_route53_record", "AWS::Route53::RecordSet"),
    "aws:s3/bucket:Bucket": Names("aws_s3_bucket", "AWS::S3::Bucket"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Names(
        "aws_s3_bucket_lifecycle_configuration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Names(
        "aws_s3_bucket_ownership_controls"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Names("aws_s3_bucket_policy", "AWS::S3::BucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Names(
        "aws_s3_bucket_public_access_block"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Names(
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Names("aws_s3_bucket_versioning"),
    "aws:servicediscovery/httpNamespace:HttpNamespace": Names(
        "aws_service_discovery_http_namespace", "AWS::ServiceDiscovery::HttpNamespace"
    ),
    "aws:sns/topic:Topic": Names("aws_sns_topic", "AWS::SNS::Topic"),
    "aws:sns/topicPolicy:TopicPolicy": Names("aws_sns_topic_policy", "AWS::SNS::TopicPolicy"),
    "aws:sns/topicSubscription:TopicSubscription": Names(
        "aws_sns_topic_subscription", "AWS::SNS::Subscription"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Names(
        "aws_vpc_security_group_egress_rule", "AWS::EC2::SecurityGroupEgress"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Names(
        "aws_vpc_security_group_ingress_rule", "AWS::EC2::SecurityGroupIngress"
    ),
    "aws:wafv2/webAcl:WebAcl": Names("aws_wafv2_web_acl", "AWS::WAFv2::WebACL"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Names(
        "aws_wafv2_web_acl_association", "AWS::WAFv2::WebACLAssociation"
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Names(
        "aws_wafv2_web_acl_logging_configuration", "AWS::WAFv2::LoggingConfiguration"
    ),
}


def names(token: str) -> Names:
    """Return the names of a type in Terraform and CloudFormation.

    Raises:
        UnmappedTypeError: It isn't in the table.
    """
    found = TYPES.get(token)
    if found is None:
        raise UnmappedTypeError(token)
    return found

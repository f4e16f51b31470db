"""What Terraform and CloudFormation call each type of resource that the program may register. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class UnmappedTypeError(Exception):
    """A type that isn't in the table; nothing that is registered goes unlooked at."""

    def __init__(self, token: str) -> None:
        super().__init__(f"{token} isn't in gate/types.py; add what Terraform and CloudFormation call it")


@dataclass(frozen=True)
class Names:
    """A type elsewhere."""

    terraform: str
    cloudformation: str | None = None
    """None: it is part of another resource there, or there is no such type."""


_TYPES: Final = {
    "acm/certificate:Certificate": Names("aws_acm_certificate", "AWS::CertificateManager::Certificate"),
    "acm/certificateValidation:CertificateValidation": Names("aws_acm_certificate_validation"),
    "cloudwatch/logGroup:LogGroup": Names("aws_cloudwatch_log_group", "AWS::Logs::LogGroup"),
    "cloudwatch/logResourcePolicy:LogResourcePolicy": Names(
        "aws_cloudwatch_log_resource_policy", "AWS::Logs::ResourcePolicy"
    ),
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": Names("aws_default_security_group"),
    "ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": Names(
        "aws_egress_only_internet_gateway", "AWS::EC2::EgressOnlyInternetGateway"
    ),
    "ec2/eip:Eip": Names("aws_eip", "AWS::EC2::EIP"),
    "ec2/flowLog:FlowLog": Names("aws_flow_log", "AWS::EC2::FlowLog"),
    "ec2/internetGateway:InternetGateway": Names("aws_internet_gateway", "AWS::EC2::InternetGateway"),
    "ec2/natGateway:NatGateway": Names("aws_nat_gateway", "AWS::EC2::NatGateway"),
    "ec2/route:Route": Names("aws_route", "AWS::EC2::Route"),
    "ec2/routeTable:RouteTable": Names("aws_route_table", "AWS::EC2::RouteTable"),
    "ec2/routeTableAssociation:RouteTableAssociation": Names(
        "aws_route_table_association", "AWS::EC2::SubnetRouteTableAssociation"
    ),
    "ec2/securityGroup:SecurityGroup": Names("aws_security_group", "AWS::EC2::SecurityGroup"),
    "ec2/subnet:Subnet": Names("aws_subnet", "AWS::EC2::Subnet"),
    "ec2/vpc:Vpc": Names("aws_vpc", "AWS::EC2::VPC"),
    "ec2/vpcEndpoint:VpcEndpoint": Names("aws_vpc_endpoint", "AWS::EC2::VPCEndpoint"),
    "ecs/cluster:Cluster": Names("aws_ecs_cluster", "AWS::ECS::Cluster"),
    "ecs/service:Service": Names("aws_ecs_service", "AWS::ECS::Service"),
    "ecs/taskDefinition:TaskDefinition": Names("aws_ecs_task_definition", "AWS::ECS::TaskDefinition"),
    "iam/policy:Policy": Names("aws_iam_policy", "AWS::IAM::ManagedPolicy"),
    "iam/role:Role": Names("aws_iam_role", "AWS::IAM::Role"),
    "iam/rolePolicy:RolePolicy": Names("aws_iam_role_policy", "AWS::IAM::RolePolicy"),
    "iam/rolePolicyAttachment:RolePolicyAttachment": Names("aws_iam_role_policy_attachment"),
    "kms/alias:Alias": Names("aws_kms_alias", "AWS::KMS::Alias"),
    "kms/key:Key": Names("aws_kms_key", "AWS::KMS::Key"),
    "lb/listener:Listener": Names("aws_lb_listener", "AWS::ElasticLoadBalancingV2::Listener"),
    "lb/listenerCertificate:ListenerCertificate": Names(
        "aws_lb_listener_certificate", "AWS::ElasticLoadBalancingV2::ListenerCertificate"
    ),
    "lb/listenerRule:ListenerRule": Names("aws_lb_listener_rule", "AWS::ElasticLoadBalancingV2::ListenerRule"),
    "lb/loadBalancer:LoadBalancer": Names("aws_lb", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    "lb/targetGroup:TargetGroup": Names("aws_lb_target_group", "AWS::ElasticLoadBalancingV2::TargetGroup"),
    "route53/record:Record": Names("aws_route53_record", "AWS::Route53::RecordSet"),
    "s3/bucket:Bucket": Names("aws_s3_bucket", "AWS::S3::Bucket"),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Names("aws_s3_bucket_lifecycle_configuration"),
    "s3/bucketOwnershipControls:BucketOwnershipControls": Names("aws_s3_bucket_ownership_controls"),
    "s3/bucketPolicy:BucketPolicy": Names("aws_s3_bucket_policy", "AWS::S3::BucketPolicy"),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Names("aws_s3_bucket_public_access_block"),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Names(
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "s3/bucketVersioning:BucketVersioning": Names("aws_s3_bucket_versioning"),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": Names(
        "aws_vpc_security_group_egress_rule", "AWS::EC2::SecurityGroupEgress"
    ),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": Names(
        "aws_vpc_security_group_ingress_rule", "AWS::EC2::SecurityGroupIngress"
    ),
    "wafv2/webAcl:WebAcl": Names("aws_wafv2_web_acl", "AWS::WAFv2::WebACL"),
    "wafv2/webAclAssociation:WebAclAssociation": Names(
        "aws_wafv2_web_acl_association", "AWS::WAFv2::WebACLAssociation"
    ),
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Names(
        "aws_wafv2_web_acl_logging_configuration", "AWS::WAFv2::LoggingConfiguration"
    ),
}


def names(token: str) -> Names:
    """What a type is called elsewhere.

    Raises:
        UnmappedTypeError: It isn't in the table.
    """
    found = _TYPES.get(token.removeprefix("aws:"))
    if found is None:
        raise UnmappedTypeError(token)
    return found

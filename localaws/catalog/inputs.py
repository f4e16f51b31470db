"""Which inputs each type has: as pulumi-aws spells them, and a test holds this table equal to it."""

from __future__ import annotations

INPUTS: dict[str, frozenset[str]] = {
    token: frozenset(names.split())
    for token, names in {
        "aws:acm/certificate:Certificate": (
            "certificateAuthorityArn certificateBody certificateChain domainName earlyRenewalDuration "
            "keyAlgorithm options privateKey privateKeyWo privateKeyWoVersion region subjectAlternativeNames tags "
            "validationMethod validationOptions"
        ),
        "aws:acm/certificateValidation:CertificateValidation": ("certificateArn region validationRecordFqdns"),
        "aws:cloudwatch/logGroup:LogGroup": (
            "deletionProtectionEnabled kmsKeyId logGroupClass name namePrefix region retentionInDays skipDestroy tags"
        ),
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyDocument policyName region resourceArn"),
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("egress ingress region revokeRulesOnDelete tags vpcId"),
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": ("region tags vpcId"),
        "aws:ec2/eip:Eip": (
            "address associateWithPrivateIp customerOwnedIpv4Pool domain instance ipamPoolId "
            "networkBorderGroup networkInterface publicIpv4Pool region tags"
        ),
        "aws:ec2/flowLog:FlowLog": (
            "deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination logDestinationType "
            "logFormat maxAggregationInterval region regionalNatGatewayId subnetId tagFieldSpecifications tags "
            "trafficType transitGatewayAttachmentId transitGatewayId vpcId"
        ),
        "aws:ec2/internetGateway:InternetGateway": ("region tags vpcId"),
        "aws:ec2/natGateway:NatGateway": (
            "allocationId availabilityMode availabilityZoneAddresses connectivityType privateIp region "
            "secondaryAllocationIds secondaryPrivateIpAddressCount secondaryPrivateIpAddresses subnetId tags "
            "vpcId"
        ),
        "aws:ec2/route:Route": (
            "carrierGatewayId coreNetworkArn destinationCidrBlock destinationIpv6CidrBlock "
            "destinationPrefixListId egressOnlyGatewayId gatewayId localGatewayId natGatewayId "
            "networkInterfaceId odbNetworkArn region routeTableId transitGatewayId vpcEndpointId "
            "vpcPeeringConnectionId"
        ),
        "aws:ec2/routeTable:RouteTable": ("propagatingVgws region routes tags vpcId"),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": ("gatewayId region routeTableId subnetId"),
        "aws:ec2/securityGroup:SecurityGroup": (
            "description egress ingress name namePrefix region revokeRulesOnDelete tags vpcId"
        ),
        "aws:ec2/subnet:Subnet": (
            "assignIpv6AddressOnCreation availabilityZone availabilityZoneId cidrBlock customerOwnedIpv4Pool "
            "enableDns64 enableLniAtDeviceIndex enableResourceNameDnsARecordOnLaunch "
            "enableResourceNameDnsAaaaRecordOnLaunch ipv4IpamPoolId ipv4NetmaskLength ipv6CidrBlock "
            "ipv6IpamPoolId ipv6Native ipv6NetmaskLength mapCustomerOwnedIpOnLaunch mapPublicIpOnLaunch "
            "outpostArn privateDnsHostnameTypeOnLaunch region tags vpcId"
        ),
        "aws:ec2/vpc:Vpc": (
            "assignGeneratedIpv6CidrBlock cidrBlock enableDnsHostnames enableDnsSupport "
            "enableNetworkAddressUsageMetrics instanceTenancy ipv4IpamPoolId ipv4NetmaskLength ipv6CidrBlock "
            "ipv6CidrBlockNetworkBorderGroup ipv6IpamPoolId ipv6NetmaskLength region tags"
        ),
        "aws:ec2/vpcEndpoint:VpcEndpoint": (
            "autoAccept dnsOptions ipAddressType policy privateDnsEnabled region resourceConfigurationArn "
            "routeTableIds securityGroupIds serviceName serviceNetworkArn serviceRegion subnetConfigurations "
            "subnetIds tags vpcEndpointType vpcId"
        ),
        "aws:ecs/cluster:Cluster": ("configuration name region serviceConnectDefaults settings tags"),
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": (
            "capacityProviders clusterName defaultCapacityProviderStrategies region"
        ),
        "aws:ecs/service:Service": (
            "alarms availabilityZoneRebalancing capacityProviderStrategies cluster deploymentCircuitBreaker "
            "deploymentConfiguration deploymentController deploymentMaximumPercent "
            "deploymentMinimumHealthyPercent desiredCount enableEcsManagedTags enableExecuteCommand "
            "forceDelete forceNewDeployment healthCheckGracePeriodSeconds iamRole launchType loadBalancers "
            "name networkConfiguration orderedPlacementStrategies placementConstraints platformVersion "
            "propagateTags region schedulingStrategy serviceConnectConfiguration serviceRegistries "
            "sigintRollback tags taskDefinition triggers volumeConfiguration vpcLatticeConfigurations "
            "waitForSteadyState"
        ),
        "aws:ecs/taskDefinition:TaskDefinition": (
            "containerDefinitions cpu enableFaultInjection ephemeralStorage executionRoleArn family ipcMode "
            "memory networkMode pidMode placementConstraints proxyConfiguration region "
            "requiresCompatibilities runtimePlatform skipDestroy tags taskRoleArn trackLatest volumes"
        ),
        "aws:iam/policy:Policy": ("delayAfterPolicyCreationInMs description name namePrefix path policy tags"),
        "aws:iam/role:Role": (
            "assumeRolePolicy description forceDetachPolicies inlinePolicies managedPolicyArns "
            "maxSessionDuration name namePrefix path permissionsBoundary tags"
        ),
        "aws:iam/rolePolicy:RolePolicy": ("name namePrefix policy role"),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn role"),
        "aws:kms/alias:Alias": ("name namePrefix region targetKeyId"),
        "aws:kms/key:Key": (
            "bypassPolicyLockoutSafetyCheck customKeyStoreId customerMasterKeySpec deletionWindowInDays "
            "description enableKeyRotation isEnabled keyUsage multiRegion policy region rotationPeriodInDays tags "
            "xksKeyId"
        ),
        "aws:lb/listener:Listener": (
            "alpnPolicy certificateArn defaultActions loadBalancerArn mutualAuthentication port protocol "
            "region routingHttpRequestXAmznMtlsClientcertHeaderName "
            "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName "
            "routingHttpRequestXAmznMtlsClientcertLeafHeaderName "
            "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName "
            "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName "
            "routingHttpRequestXAmznMtlsClientcertValidityHeaderName "
            "routingHttpRequestXAmznTlsCipherSuiteHeaderName routingHttpRequestXAmznTlsVersionHeaderName "
            "routingHttpResponseAccessControlAllowCredentialsHeaderValue "
            "routingHttpResponseAccessControlAllowHeadersHeaderValue "
            "routingHttpResponseAccessControlAllowMethodsHeaderValue "
            "routingHttpResponseAccessControlAllowOriginHeaderValue "
            "routingHttpResponseAccessControlExposeHeadersHeaderValue "
            "routingHttpResponseAccessControlMaxAgeHeaderValue "
            "routingHttpResponseContentSecurityPolicyHeaderValue routingHttpResponseServerEnabled "
            "routingHttpResponseStrictTransportSecurityHeaderValue "
            "routingHttpResponseXContentTypeOptionsHeaderValue routingHttpResponseXFrameOptionsHeaderValue "
            "sslPolicy tags tcpIdleTimeoutSeconds"
        ),
        "aws:lb/listenerCertificate:ListenerCertificate": ("certificateArn listenerArn region"),
        "aws:lb/listenerRule:ListenerRule": ("actions conditions listenerArn priority region tags transforms"),
        "aws:lb/loadBalancer:LoadBalancer": (
            "accessLogs clientKeepAlive connectionLogs customerOwnedIpv4Pool desyncMitigationMode "
            "dnsRecordClientRoutingPolicy dropInvalidHeaderFields enableCrossZoneLoadBalancing "
            "enableDeletionProtection enableHttp2 enablePrefixForIpv6SourceNat "
            "enableTlsVersionAndCipherSuiteHeaders enableWafFailOpen enableXffClientPort enableZonalShift "
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic healthCheckLogs idleTimeout internal "
            "ipAddressType ipamPools loadBalancerType minimumLoadBalancerCapacity name namePrefix "
            "preserveHostHeader region secondaryIpsAutoAssignedPerSubnet securityGroups subnetMappings "
            "subnets tags xffHeaderProcessingMode"
        ),
        "aws:lb/targetGroup:TargetGroup": (
            "connectionTermination deregistrationDelay healthCheck ipAddressType "
            "lambdaMultiValueHeadersEnabled loadBalancingAlgorithmType loadBalancingAnomalyMitigation "
            "loadBalancingCrossZoneEnabled name namePrefix port preserveClientIp protocol protocolVersion "
            "proxyProtocolV2 region slowStart stickiness tags targetControlPort targetFailovers "
            "targetGroupHealth targetHealthStates targetType vpcId"
        ),
        "aws:route53/record:Record": (
            "aliases allowOverwrite cidrRoutingPolicy failoverRoutingPolicies geolocationRoutingPolicies "
            "geoproximityRoutingPolicy healthCheckId latencyRoutingPolicies multivalueAnswerRoutingPolicy name "
            "records setIdentifier ttl type weightedRoutingPolicies zoneId"
        ),
        "aws:route53/zone:Zone": ("comment delegationSetId enableAcceleratedRecovery forceDestroy name tags vpcs"),
        "aws:s3/bucket:Bucket": (
            "accelerationStatus acl bucket bucketNamespace bucketPrefix corsRules forceDestroy grants "
            "lifecycleRules logging objectLockConfiguration objectLockEnabled policy region "
            "replicationConfiguration requestPayer serverSideEncryptionConfiguration tags versioning website"
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
            "bucket expectedBucketOwner region rules timeouts transitionDefaultMinimumObjectSize"
        ),
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("bucket region rule"),
        "aws:s3/bucketPolicy:BucketPolicy": ("bucket policy region"),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
            "blockPublicAcls blockPublicPolicy bucket ignorePublicAcls region restrictPublicBuckets skipDestroy"
        ),
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
            "bucket expectedBucketOwner region rules"
        ),
        "aws:s3/bucketVersioning:BucketVersioning": ("bucket expectedBucketOwner mfa region versioningConfiguration"),
        "aws:secretsmanager/secret:Secret": (
            "description forceOverwriteReplicaSecret kmsKeyId name namePrefix policy recoveryWindowInDays region "
            "replicas tags type"
        ),
        "aws:secretsmanager/secretVersion:SecretVersion": (
            "region secretBinary secretId secretString secretStringWo secretStringWoVersion versionStages"
        ),
        "aws:ssm/parameter:Parameter": (
            "allowedPattern arn dataType description insecureValue keyId name overwrite region tags tier type "
            "value valueWo valueWoVersion"
        ),
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
            "cidrIpv4 cidrIpv6 description fromPort ipProtocol prefixListId referencedSecurityGroupId region "
            "securityGroupId tags toPort"
        ),
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
            "cidrIpv4 cidrIpv6 description fromPort ipProtocol prefixListId referencedSecurityGroupId region "
            "securityGroupId tags toPort"
        ),
        "aws:wafv2/webAcl:WebAcl": (
            "associationConfig captchaConfig challengeConfig customResponseBodies dataProtectionConfig "
            "defaultAction description monetizationConfig name namePrefix region ruleJson rules scope tags "
            "tokenDomains visibilityConfig"
        ),
        "aws:wafv2/webAclAssociation:WebAclAssociation": ("region resourceArn webAclArn"),
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
            "logDestinationConfigs loggingFilter redactedFields region resourceArn"
        ),
    }.items()
}
"""The top-level inputs of each type, by token."""

"""Which inputs each type has and must be given: as pulumi-aws says, and a test holds these tables equal to it."""

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

REQUIRED: dict[str, tuple[str, ...]] = {
    token: tuple(paths.split())
    for token, paths in {
        "aws:acm/certificate:Certificate": "validationOptions[].domainName validationOptions[].validationDomain",
        "aws:acm/certificateValidation:CertificateValidation": "certificateArn",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
            "egress[].fromPort egress[].protocol egress[].toPort ingress[].fromPort ingress[].protocol ingress[].toPort"
        ),
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": "vpcId",
        "aws:ec2/flowLog:FlowLog": "tagFieldSpecifications[].resourceType tagFieldSpecifications[].tagKeys",
        "aws:ec2/route:Route": "routeTableId",
        "aws:ec2/routeTable:RouteTable": "vpcId",
        "aws:ec2/routeTableAssociation:RouteTableAssociation": "routeTableId",
        "aws:ec2/securityGroup:SecurityGroup": (
            "egress[].fromPort egress[].protocol egress[].toPort ingress[].fromPort ingress[].protocol ingress[].toPort"
        ),
        "aws:ec2/subnet:Subnet": "vpcId",
        "aws:ec2/vpcEndpoint:VpcEndpoint": "vpcId",
        "aws:ecs/cluster:Cluster": "serviceConnectDefaults.namespace settings[].name settings[].value",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": (
            "clusterName defaultCapacityProviderStrategies[].capacityProvider"
        ),
        "aws:ecs/service:Service": (
            "alarms.alarmNames alarms.enable alarms.rollback capacityProviderStrategies[].capacityProvider "
            "deploymentCircuitBreaker.enable deploymentCircuitBreaker.rollback "
            "deploymentConfiguration.lifecycleHooks[].lifecycleStages loadBalancers[].containerName "
            "loadBalancers[].containerPort loadBalancers[].advancedConfiguration.alternateTargetGroupArn "
            "loadBalancers[].advancedConfiguration.productionListenerRule "
            "loadBalancers[].advancedConfiguration.roleArn networkConfiguration.subnets "
            "orderedPlacementStrategies[].type placementConstraints[].type serviceConnectConfiguration.enabled "
            "serviceConnectConfiguration.accessLogConfiguration.format "
            "serviceConnectConfiguration.logConfiguration.logDriver "
            "serviceConnectConfiguration.logConfiguration.secretOptions[].name "
            "serviceConnectConfiguration.logConfiguration.secretOptions[].valueFrom "
            "serviceConnectConfiguration.services[].portName serviceConnectConfiguration.services[].clientAlias[].port "
            "serviceConnectConfiguration.services[].clientAlias[].testTrafficRules[].header.name "
            "serviceConnectConfiguration.services[].clientAlias[].testTrafficRules[].header.value "
            "serviceConnectConfiguration.services[].clientAlias[].testTrafficRules[].header.value.exact "
            "serviceConnectConfiguration.services[].tls.issuerCertAuthority "
            "serviceConnectConfiguration.services[].tls.issuerCertAuthority.awsPcaAuthorityArn "
            "serviceRegistries.registryArn volumeConfiguration.managedEbsVolume "
            "volumeConfiguration.managedEbsVolume.roleArn "
            "volumeConfiguration.managedEbsVolume.tagSpecifications[].resourceType volumeConfiguration.name "
            "vpcLatticeConfigurations[].portName vpcLatticeConfigurations[].roleArn "
            "vpcLatticeConfigurations[].targetGroupArn"
        ),
        "aws:ecs/taskDefinition:TaskDefinition": (
            "containerDefinitions family ephemeralStorage.sizeInGib placementConstraints[].type "
            "proxyConfiguration.containerName volumes[].name volumes[].efsVolumeConfiguration.fileSystemId "
            "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig "
            "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter "
            "volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.domain "
            "volumes[].fsxWindowsFileServerVolumeConfiguration.fileSystemId "
            "volumes[].fsxWindowsFileServerVolumeConfiguration.rootDirectory "
            "volumes[].s3filesVolumeConfiguration.fileSystemArn"
        ),
        "aws:iam/policy:Policy": "policy",
        "aws:iam/role:Role": "assumeRolePolicy",
        "aws:iam/rolePolicy:RolePolicy": "policy role",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn role",
        "aws:kms/alias:Alias": "targetKeyId",
        "aws:lb/listener:Listener": (
            "defaultActions defaultActions[].type defaultActions[].authenticateCognito.userPoolArn "
            "defaultActions[].authenticateCognito.userPoolClientId defaultActions[].authenticateCognito.userPoolDomain "
            "defaultActions[].authenticateOidc.authorizationEndpoint defaultActions[].authenticateOidc.clientId "
            "defaultActions[].authenticateOidc.clientSecret defaultActions[].authenticateOidc.issuer "
            "defaultActions[].authenticateOidc.tokenEndpoint defaultActions[].authenticateOidc.userInfoEndpoint "
            "defaultActions[].fixedResponse.contentType defaultActions[].forward.targetGroups "
            "defaultActions[].forward.targetGroups[].arn defaultActions[].forward.stickiness.duration "
            "defaultActions[].jwtValidation.issuer defaultActions[].jwtValidation.jwksEndpoint "
            "defaultActions[].jwtValidation.additionalClaims[].format "
            "defaultActions[].jwtValidation.additionalClaims[].name "
            "defaultActions[].jwtValidation.additionalClaims[].values defaultActions[].redirect.statusCode "
            "loadBalancerArn mutualAuthentication.mode"
        ),
        "aws:lb/listenerCertificate:ListenerCertificate": "certificateArn listenerArn",
        "aws:lb/listenerRule:ListenerRule": (
            "actions actions[].type actions[].authenticateCognito.userPoolArn "
            "actions[].authenticateCognito.userPoolClientId actions[].authenticateCognito.userPoolDomain "
            "actions[].authenticateOidc.authorizationEndpoint actions[].authenticateOidc.clientId "
            "actions[].authenticateOidc.clientSecret actions[].authenticateOidc.issuer "
            "actions[].authenticateOidc.tokenEndpoint actions[].authenticateOidc.userInfoEndpoint "
            "actions[].fixedResponse.contentType actions[].forward.targetGroups actions[].forward.targetGroups[].arn "
            "actions[].forward.stickiness.duration actions[].jwtValidation.issuer actions[].jwtValidation.jwksEndpoint "
            "actions[].jwtValidation.additionalClaims[].format actions[].jwtValidation.additionalClaims[].name "
            "actions[].jwtValidation.additionalClaims[].values actions[].redirect.statusCode conditions "
            "conditions[].httpHeader.httpHeaderName conditions[].httpRequestMethod.values "
            "conditions[].queryStrings[].value listenerArn transforms[].type "
            "transforms[].hostHeaderRewriteConfig.rewrite.regex transforms[].hostHeaderRewriteConfig.rewrite.replace "
            "transforms[].urlRewriteConfig.rewrite.regex transforms[].urlRewriteConfig.rewrite.replace"
        ),
        "aws:lb/loadBalancer:LoadBalancer": (
            "accessLogs.bucket connectionLogs.bucket healthCheckLogs.bucket ipamPools.ipv4IpamPoolId "
            "minimumLoadBalancerCapacity.capacityUnits subnetMappings[].subnetId"
        ),
        "aws:lb/targetGroup:TargetGroup": (
            "stickiness.type targetFailovers[].onDeregistration targetFailovers[].onUnhealthy "
            "targetHealthStates[].enableUnhealthyConnectionTermination"
        ),
        "aws:route53/record:Record": (
            "name type zoneId aliases[].evaluateTargetHealth aliases[].name aliases[].zoneId "
            "cidrRoutingPolicy.collectionId cidrRoutingPolicy.locationName failoverRoutingPolicies[].type "
            "geoproximityRoutingPolicy.coordinates[].latitude geoproximityRoutingPolicy.coordinates[].longitude "
            "latencyRoutingPolicies[].region weightedRoutingPolicies[].weight"
        ),
        "aws:route53/zone:Zone": "vpcs[].vpcId",
        "aws:s3/bucket:Bucket": (
            "corsRules[].allowedMethods corsRules[].allowedOrigins grants[].permissions grants[].type "
            "lifecycleRules[].enabled lifecycleRules[].noncurrentVersionTransitions[].storageClass "
            "lifecycleRules[].transitions[].storageClass logging.targetBucket "
            "objectLockConfiguration.rule.defaultRetention replicationConfiguration.role "
            "replicationConfiguration.rules replicationConfiguration.rules[].destination "
            "replicationConfiguration.rules[].destination.bucket "
            "replicationConfiguration.rules[].destination.accessControlTranslation.owner "
            "replicationConfiguration.rules[].status "
            "replicationConfiguration.rules[].sourceSelectionCriteria.sseKmsEncryptedObjects.enabled "
            "serverSideEncryptionConfiguration.rule "
            "serverSideEncryptionConfiguration.rule.applyServerSideEncryptionByDefault.sseAlgorithm"
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
            "bucket rules[].id rules[].status rules[].filter.tag.key rules[].filter.tag.value "
            "rules[].noncurrentVersionExpiration.noncurrentDays rules[].noncurrentVersionTransitions[].noncurrentDays "
            "rules[].noncurrentVersionTransitions[].storageClass rules[].transitions[].storageClass"
        ),
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket rule rule.objectOwnership",
        "aws:s3/bucketPolicy:BucketPolicy": "bucket policy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
            "bucket rules rules[].applyServerSideEncryptionByDefault.sseAlgorithm"
        ),
        "aws:s3/bucketVersioning:BucketVersioning": "bucket versioningConfiguration versioningConfiguration.status",
        "aws:secretsmanager/secret:Secret": "replicas[].region",
        "aws:secretsmanager/secretVersion:SecretVersion": "secretId",
        "aws:ssm/parameter:Parameter": "type",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "ipProtocol securityGroupId",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "ipProtocol securityGroupId",
        "aws:wafv2/webAcl:WebAcl": (
            "defaultAction defaultAction.allow.customRequestHandling.insertHeaders "
            "defaultAction.allow.customRequestHandling.insertHeaders[].name "
            "defaultAction.allow.customRequestHandling.insertHeaders[].value "
            "defaultAction.block.customResponse.responseCode defaultAction.block.customResponse.responseHeaders[].name "
            "defaultAction.block.customResponse.responseHeaders[].value scope visibilityConfig "
            "visibilityConfig.cloudwatchMetricsEnabled visibilityConfig.metricName "
            "visibilityConfig.sampledRequestsEnabled "
            "associationConfig.requestBodies[].apiGateway.defaultSizeInspectionLimit "
            "associationConfig.requestBodies[].appRunnerService.defaultSizeInspectionLimit "
            "associationConfig.requestBodies[].cloudfront.defaultSizeInspectionLimit "
            "associationConfig.requestBodies[].cognitoUserPool.defaultSizeInspectionLimit "
            "associationConfig.requestBodies[].verifiedAccessInstance.defaultSizeInspectionLimit "
            "customResponseBodies[].content customResponseBodies[].contentType customResponseBodies[].key "
            "dataProtectionConfig.dataProtections[].action dataProtectionConfig.dataProtections[].field "
            "dataProtectionConfig.dataProtections[].field.fieldType monetizationConfig.cryptoConfig.paymentNetworks "
            "monetizationConfig.cryptoConfig.paymentNetworks[].chain "
            "monetizationConfig.cryptoConfig.paymentNetworks[].prices "
            "monetizationConfig.cryptoConfig.paymentNetworks[].prices.amount "
            "monetizationConfig.cryptoConfig.paymentNetworks[].prices.currency "
            "monetizationConfig.cryptoConfig.paymentNetworks[].walletAddress rules[].name rules[].priority "
            "rules[].statement rules[].visibilityConfig rules[].visibilityConfig.cloudwatchMetricsEnabled "
            "rules[].visibilityConfig.metricName rules[].visibilityConfig.sampledRequestsEnabled "
            "rules[].action.allow.customRequestHandling.insertHeaders[].name "
            "rules[].action.allow.customRequestHandling.insertHeaders[].value "
            "rules[].action.block.customResponse.responseCode "
            "rules[].action.block.customResponse.responseHeaders[].name "
            "rules[].action.block.customResponse.responseHeaders[].value "
            "rules[].action.captcha.customRequestHandling.insertHeaders[].name "
            "rules[].action.captcha.customRequestHandling.insertHeaders[].value "
            "rules[].action.challenge.customRequestHandling.insertHeaders[].name "
            "rules[].action.challenge.customRequestHandling.insertHeaders[].value "
            "rules[].action.count.customRequestHandling.insertHeaders[].name "
            "rules[].action.count.customRequestHandling.insertHeaders[].value rules[].ruleLabels[].name"
        ),
        "aws:wafv2/webAclAssociation:WebAclAssociation": "resourceArn webAclArn",
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
            "logDestinationConfigs resourceArn loggingFilter.defaultBehavior loggingFilter.filters "
            "loggingFilter.filters[].behavior loggingFilter.filters[].conditions "
            "loggingFilter.filters[].conditions[].actionCondition.action "
            "loggingFilter.filters[].conditions[].labelNameCondition.labelName loggingFilter.filters[].requirement "
            "redactedFields[].singleHeader.name"
        ),
    }.items()
}
"""The inputs that each type must be given, and inside of those that are given, by token."""

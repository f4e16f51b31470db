"""Which inputs each type has and must be given: as pulumi-aws says, and a test holds this table equal to it."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import NamedTuple


class Block(NamedTuple):
    """The names of a type's inputs, or of what is inside one of them."""

    path: str
    """Where it is: `defaultActions[].redirect`; empty for the type's own inputs."""

    names: frozenset[str]
    required: tuple[str, ...]


def _block(text: str) -> Block:
    path, _, names = text.rpartition(": ")
    required = tuple(name.rstrip("!") for name in names.split() if name.endswith("!"))
    return Block(path, frozenset(names.replace("!", "").split()), required)


INPUTS = {
    token: tuple(map(_block, re.split(r"\n(?! )", dedent(text).strip())))
    for token, text in {
        "aws:acm/certificate:Certificate": """
            certificateAuthorityArn certificateBody certificateChain domainName earlyRenewalDuration keyAlgorithm
                options privateKey privateKeyWo privateKeyWoVersion region subjectAlternativeNames tags validationMethod
                validationOptions
            options: certificateTransparencyLoggingPreference export
            validationOptions[]: domainName! validationDomain!
        """,
        "aws:acm/certificateValidation:CertificateValidation": """
            certificateArn! region validationRecordFqdns
        """,
        "aws:cloudwatch/logGroup:LogGroup": """
            deletionProtectionEnabled kmsKeyId logGroupClass name namePrefix region retentionInDays skipDestroy tags
        """,
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": """
            policyDocument! policyName region resourceArn
        """,
        "aws:cloudwatch/metricAlarm:MetricAlarm": """
            actionsEnabled alarmActions alarmDescription comparisonOperator datapointsToAlarm dimensions
                evaluateLowSampleCountPercentiles evaluationCriteria evaluationInterval
                evaluationPeriods evaluationWindow extendedStatistic insufficientDataActions metricName
                metricQueries name namespace okActions period region statistic tags threshold
                thresholdMetricId treatMissingData unit warmUpConfiguration
            evaluationCriteria: promqlCriteria!
            evaluationCriteria.promqlCriteria: query! pendingPeriod recoveryPeriod
            evaluationWindow: wallClockWindow!
            evaluationWindow.wallClockWindow: timezone
            metricQueries[]: id! accountId expression label metric period returnData
            metricQueries[].metric: metricName! period! stat! dimensions namespace unit
            warmUpConfiguration: warmUpPeriodDurationInMinutes! onlyStartEvaluatingAfterWarmUpPeriodEnds
        """,
        "aws:ec2/defaultSubnet:DefaultSubnet": """
            assignIpv6AddressOnCreation availabilityZone! customerOwnedIpv4Pool enableDns64
                enableResourceNameDnsARecordOnLaunch enableResourceNameDnsAaaaRecordOnLaunch forceDestroy
                ipv6CidrBlock ipv6Native mapCustomerOwnedIpOnLaunch mapPublicIpOnLaunch
                privateDnsHostnameTypeOnLaunch region tags
        """,
        "aws:ec2/defaultVpc:DefaultVpc": """
            assignGeneratedIpv6CidrBlock enableDnsHostnames enableDnsSupport enableNetworkAddressUsageMetrics
                forceDestroy ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup ipv6IpamPoolId ipv6NetmaskLength region tags
        """,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": """
            egress ingress region revokeRulesOnDelete tags vpcId
            egress[]: fromPort! protocol! toPort! cidrBlocks description ipv6CidrBlocks prefixListIds securityGroups
                self
            ingress[]: fromPort! protocol! toPort! cidrBlocks description ipv6CidrBlocks prefixListIds securityGroups
                self
        """,
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": """
            vpcId! region tags
        """,
        "aws:ec2/eip:Eip": """
            address associateWithPrivateIp customerOwnedIpv4Pool domain instance ipamPoolId networkBorderGroup
                networkInterface publicIpv4Pool region tags
        """,
        "aws:ec2/flowLog:FlowLog": """
            deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination logDestinationType logFormat
                maxAggregationInterval region regionalNatGatewayId subnetId tagFieldSpecifications tags trafficType
                transitGatewayAttachmentId transitGatewayId vpcId
            destinationOptions: fileFormat hiveCompatiblePartitions perHourPartition
            tagFieldSpecifications[]: resourceType! tagKeys!
        """,
        "aws:ec2/internetGateway:InternetGateway": """
            region tags vpcId
        """,
        "aws:ec2/natGateway:NatGateway": """
            allocationId availabilityMode availabilityZoneAddresses connectivityType privateIp region
                secondaryAllocationIds secondaryPrivateIpAddressCount secondaryPrivateIpAddresses subnetId tags vpcId
            availabilityZoneAddresses[]: allocationIds availabilityZone availabilityZoneId
        """,
        "aws:ec2/route:Route": """
            routeTableId! carrierGatewayId coreNetworkArn destinationCidrBlock destinationIpv6CidrBlock
                destinationPrefixListId egressOnlyGatewayId gatewayId localGatewayId natGatewayId networkInterfaceId
                odbNetworkArn region transitGatewayId vpcEndpointId vpcPeeringConnectionId
        """,
        "aws:ec2/routeTable:RouteTable": """
            vpcId! propagatingVgws region routes tags
            routes[]: carrierGatewayId cidrBlock coreNetworkArn destinationPrefixListId egressOnlyGatewayId gatewayId
                ipv6CidrBlock localGatewayId natGatewayId networkInterfaceId odbNetworkArn transitGatewayId
                vpcEndpointId vpcPeeringConnectionId
        """,
        "aws:ec2/routeTableAssociation:RouteTableAssociation": """
            routeTableId! gatewayId region subnetId
        """,
        "aws:ec2/securityGroup:SecurityGroup": """
            description egress ingress name namePrefix region revokeRulesOnDelete tags vpcId
            egress[]: fromPort! protocol! toPort! cidrBlocks description ipv6CidrBlocks prefixListIds securityGroups
                self
            ingress[]: fromPort! protocol! toPort! cidrBlocks description ipv6CidrBlocks prefixListIds securityGroups
                self
        """,
        "aws:ec2/securityGroupRule:SecurityGroupRule": """
            fromPort! protocol! securityGroupId! toPort! type! cidrBlocks description ipv6CidrBlocks
                prefixListIds region self sourceSecurityGroupId
        """,
        "aws:ec2/subnet:Subnet": """
            vpcId! assignIpv6AddressOnCreation availabilityZone availabilityZoneId cidrBlock customerOwnedIpv4Pool
                enableDns64 enableLniAtDeviceIndex enableResourceNameDnsARecordOnLaunch
                enableResourceNameDnsAaaaRecordOnLaunch ipv4IpamPoolId ipv4NetmaskLength ipv6CidrBlock ipv6IpamPoolId
                ipv6Native ipv6NetmaskLength mapCustomerOwnedIpOnLaunch mapPublicIpOnLaunch outpostArn
                privateDnsHostnameTypeOnLaunch region tags
        """,
        "aws:ec2/vpc:Vpc": """
            assignGeneratedIpv6CidrBlock cidrBlock enableDnsHostnames enableDnsSupport enableNetworkAddressUsageMetrics
                instanceTenancy ipv4IpamPoolId ipv4NetmaskLength ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup
                ipv6IpamPoolId ipv6NetmaskLength region tags
        """,
        "aws:ec2/vpcEndpoint:VpcEndpoint": """
            vpcId! autoAccept dnsOptions ipAddressType policy privateDnsEnabled region resourceConfigurationArn
                routeTableIds securityGroupIds serviceName serviceNetworkArn serviceRegion subnetConfigurations
                subnetIds tags vpcEndpointType
            dnsOptions: dnsRecordIpType privateDnsOnlyForInboundResolverEndpoint privateDnsPreference
                privateDnsSpecifiedDomains
            subnetConfigurations[]: ipv4 ipv6 subnetId
        """,
        "aws:ecr/repository:Repository": """
            encryptionConfigurations forceDelete imageScanningConfiguration imageTagMutability
                imageTagMutabilityExclusionFilters name region tags
            encryptionConfigurations[]: encryptionType kmsKey
            imageScanningConfiguration: scanOnPush!
            imageTagMutabilityExclusionFilters[]: filter! filterType!
        """,
        "aws:ecs/capacityProvider:CapacityProvider": """
            autoScalingGroupProvider cluster managedInstancesProvider name region tags
            autoScalingGroupProvider: autoScalingGroupArn! managedDraining managedScaling
                managedTerminationProtection
            autoScalingGroupProvider.managedScaling: instanceWarmupPeriod maximumScalingStepSize
                minimumScalingStepSize status targetCapacity
            managedInstancesProvider: infrastructureRoleArn! instanceLaunchTemplate! autoRepairConfiguration
                infrastructureOptimization propagateTags
            managedInstancesProvider.instanceLaunchTemplate: ec2InstanceProfileArn! networkConfiguration!
                capacityOptionType capacityReservations instanceRequirements localStorageConfiguration
                monitoring storageConfiguration
            managedInstancesProvider.instanceLaunchTemplate.networkConfiguration: subnets! securityGroups
            managedInstancesProvider.instanceLaunchTemplate.capacityReservations: reservationGroupArn
                reservationPreference
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements: memoryMib! vcpuCount!
                acceleratorCount acceleratorManufacturers acceleratorNames acceleratorTotalMemoryMib
                acceleratorTypes allowedInstanceTypes bareMetal baselineEbsBandwidthMbps burstablePerformance
                cpuManufacturers excludedInstanceTypes instanceGenerations localStorage localStorageTypes
                maxSpotPriceAsPercentageOfOptimalOnDemandPrice memoryGibPerVcpu networkBandwidthGbps
                networkInterfaceCount onDemandMaxPricePercentageOverLowestPrice requireHibernateSupport
                spotMaxPricePercentageOverLowestPrice totalLocalStorageGb
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.memoryMib: min! max
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.vcpuCount: min! max
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.acceleratorCount: max min
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.acceleratorTotalMemoryMib: max
                min
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.baselineEbsBandwidthMbps: max
                min
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.memoryGibPerVcpu: max min
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.networkBandwidthGbps: max min
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.networkInterfaceCount: max min
            managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.totalLocalStorageGb: max min
            managedInstancesProvider.instanceLaunchTemplate.localStorageConfiguration: useLocalStorage
            managedInstancesProvider.instanceLaunchTemplate.storageConfiguration: storageSizeGib!
            managedInstancesProvider.autoRepairConfiguration: actionsStatus
            managedInstancesProvider.infrastructureOptimization: scaleInAfter
        """,
        "aws:ecs/cluster:Cluster": """
            configuration name region serviceConnectDefaults settings tags
            configuration: executeCommandConfiguration managedStorageConfiguration
            configuration.executeCommandConfiguration: kmsKeyId logConfiguration logging
            configuration.executeCommandConfiguration.logConfiguration: cloudWatchEncryptionEnabled
                cloudWatchLogGroupName s3BucketEncryptionEnabled s3BucketName s3KeyPrefix
            configuration.managedStorageConfiguration: fargateEphemeralStorageKmsKeyId kmsKeyId
            serviceConnectDefaults: namespace!
            settings[]: name! value!
        """,
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": """
            clusterName! capacityProviders defaultCapacityProviderStrategies region
            defaultCapacityProviderStrategies[]: capacityProvider! base weight
        """,
        "aws:ecs/service:Service": """
            alarms availabilityZoneRebalancing capacityProviderStrategies cluster deploymentCircuitBreaker
                deploymentConfiguration deploymentController deploymentMaximumPercent deploymentMinimumHealthyPercent
                desiredCount enableEcsManagedTags enableExecuteCommand forceDelete forceNewDeployment
                healthCheckGracePeriodSeconds iamRole launchType loadBalancers name networkConfiguration
                orderedPlacementStrategies placementConstraints platformVersion propagateTags region schedulingStrategy
                serviceConnectConfiguration serviceRegistries sigintRollback tags taskDefinition triggers
                volumeConfiguration vpcLatticeConfigurations waitForSteadyState
            alarms: alarmNames! enable! rollback!
            capacityProviderStrategies[]: capacityProvider! base weight
            deploymentCircuitBreaker: enable! rollback!
            deploymentConfiguration: bakeTimeInMinutes canaryConfiguration lifecycleHooks linearConfiguration strategy
            deploymentConfiguration.canaryConfiguration: canaryBakeTimeInMinutes canaryPercent
            deploymentConfiguration.lifecycleHooks[]: lifecycleStages! hookDetails hookTargetArn roleArn targetType
                timeoutConfiguration
            deploymentConfiguration.lifecycleHooks[].timeoutConfiguration: action timeoutInMinutes
            deploymentConfiguration.linearConfiguration: stepBakeTimeInMinutes stepPercent
            deploymentController: type
            loadBalancers[]: containerName! containerPort! advancedConfiguration elbName targetGroupArn
            loadBalancers[].advancedConfiguration: alternateTargetGroupArn! productionListenerRule! roleArn!
                testListenerRule
            networkConfiguration: subnets! assignPublicIp securityGroups
            orderedPlacementStrategies[]: type! field
            placementConstraints[]: type! expression
            serviceConnectConfiguration: enabled! accessLogConfiguration logConfiguration namespace services
            serviceConnectConfiguration.accessLogConfiguration: format! includeQueryParameters
            serviceConnectConfiguration.logConfiguration: logDriver! options secretOptions
            serviceConnectConfiguration.logConfiguration.secretOptions[]: name! valueFrom!
            serviceConnectConfiguration.services[]: portName! clientAlias discoveryName ingressPortOverride timeout tls
            serviceConnectConfiguration.services[].clientAlias[]: port! dnsName testTrafficRules
            serviceConnectConfiguration.services[].clientAlias[].testTrafficRules[]: header
            serviceConnectConfiguration.services[].clientAlias[].testTrafficRules[].header: name! value!
            serviceConnectConfiguration.services[].clientAlias[].testTrafficRules[].header.value: exact!
            serviceConnectConfiguration.services[].timeout: idleTimeoutSeconds perRequestTimeoutSeconds
            serviceConnectConfiguration.services[].tls: issuerCertAuthority! kmsKey roleArn
            serviceConnectConfiguration.services[].tls.issuerCertAuthority: awsPcaAuthorityArn!
            serviceRegistries: registryArn! containerName containerPort port
            volumeConfiguration: managedEbsVolume! name!
            volumeConfiguration.managedEbsVolume: roleArn! encrypted fileSystemType iops kmsKeyId sizeInGb snapshotId
                tagSpecifications throughput volumeInitializationRate volumeType
            volumeConfiguration.managedEbsVolume.tagSpecifications[]: resourceType! propagateTags tags
            vpcLatticeConfigurations[]: portName! roleArn! targetGroupArn!
        """,
        "aws:ecs/taskDefinition:TaskDefinition": """
            containerDefinitions! family! cpu enableFaultInjection ephemeralStorage executionRoleArn ipcMode memory
                networkMode pidMode placementConstraints proxyConfiguration region requiresCompatibilities
                runtimePlatform skipDestroy tags taskRoleArn trackLatest volumes
            ephemeralStorage: sizeInGib!
            placementConstraints[]: type! expression
            proxyConfiguration: containerName! properties type
            runtimePlatform: cpuArchitecture operatingSystemFamily
            volumes[]: name! configureAtLaunch dockerVolumeConfiguration efsVolumeConfiguration
                fsxWindowsFileServerVolumeConfiguration hostPath s3filesVolumeConfiguration
            volumes[].dockerVolumeConfiguration: autoprovision driver driverOpts labels scope
            volumes[].efsVolumeConfiguration: fileSystemId! authorizationConfig rootDirectory transitEncryption
                transitEncryptionPort
            volumes[].efsVolumeConfiguration.authorizationConfig: accessPointId iam
            volumes[].fsxWindowsFileServerVolumeConfiguration: authorizationConfig! fileSystemId! rootDirectory!
            volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig: credentialsParameter! domain!
            volumes[].s3filesVolumeConfiguration: fileSystemArn! accessPointArn rootDirectory transitEncryptionPort
        """,
        "aws:efs/accessPoint:AccessPoint": """
            fileSystemId! posixUser region rootDirectory tags
            posixUser: gid! uid! secondaryGids
            rootDirectory: creationInfo path
            rootDirectory.creationInfo: ownerGid! ownerUid! permissions!
        """,
        "aws:efs/fileSystem:FileSystem": """
            availabilityZoneName creationToken encrypted kmsKeyId lifecyclePolicies performanceMode protection
                provisionedThroughputInMibps region tags throughputMode
            lifecyclePolicies[]: transitionToArchive transitionToIa transitionToPrimaryStorageClass
            protection: replicationOverwrite
        """,
        "aws:efs/fileSystemPolicy:FileSystemPolicy": """
            fileSystemId! policy! bypassPolicyLockoutSafetyCheck region
        """,
        "aws:efs/mountTarget:MountTarget": """
            fileSystemId! subnetId! ipAddress ipAddressType ipv6Address region securityGroups
        """,
        "aws:iam/instanceProfile:InstanceProfile": """
            name namePrefix path role tags
        """,
        "aws:iam/policy:Policy": """
            policy! delayAfterPolicyCreationInMs description name namePrefix path tags
        """,
        "aws:iam/role:Role": """
            assumeRolePolicy! description forceDetachPolicies inlinePolicies managedPolicyArns maxSessionDuration name
                namePrefix path permissionsBoundary tags
            inlinePolicies[]: name policy
        """,
        "aws:iam/rolePolicy:RolePolicy": """
            policy! role! name namePrefix
        """,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": """
            policyArn! role!
        """,
        "aws:iam/serverCertificate:ServerCertificate": """
            certificateBody! privateKey! certificateChain name namePrefix path tags
        """,
        "aws:iam/serviceLinkedRole:ServiceLinkedRole": """
            awsServiceName! customSuffix description tags
        """,
        "aws:iam/user:User": """
            forceDestroy name path permissionsBoundary tags
        """,
        "aws:iam/userPolicy:UserPolicy": """
            policy! user! name namePrefix
        """,
        "aws:iam/userPolicyAttachment:UserPolicyAttachment": """
            policyArn! user!
        """,
        "aws:kms/alias:Alias": """
            targetKeyId! name namePrefix region
        """,
        "aws:kms/key:Key": """
            bypassPolicyLockoutSafetyCheck customKeyStoreId customerMasterKeySpec deletionWindowInDays description
                enableKeyRotation isEnabled keyUsage multiRegion policy region rotationPeriodInDays tags xksKeyId
        """,
        "aws:kms/keyPolicy:KeyPolicy": """
            keyId! policy! bypassPolicyLockoutSafetyCheck region
        """,
        "aws:lb/listener:Listener": """
            defaultActions! loadBalancerArn! alpnPolicy certificateArn mutualAuthentication port protocol region
                routingHttpRequestXAmznMtlsClientcertHeaderName routingHttpRequestXAmznMtlsClientcertIssuerHeaderName
                routingHttpRequestXAmznMtlsClientcertLeafHeaderName
                routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName
                routingHttpRequestXAmznMtlsClientcertSubjectHeaderName
                routingHttpRequestXAmznMtlsClientcertValidityHeaderName routingHttpRequestXAmznTlsCipherSuiteHeaderName
                routingHttpRequestXAmznTlsVersionHeaderName routingHttpResponseAccessControlAllowCredentialsHeaderValue
                routingHttpResponseAccessControlAllowHeadersHeaderValue
                routingHttpResponseAccessControlAllowMethodsHeaderValue
                routingHttpResponseAccessControlAllowOriginHeaderValue
                routingHttpResponseAccessControlExposeHeadersHeaderValue
                routingHttpResponseAccessControlMaxAgeHeaderValue routingHttpResponseContentSecurityPolicyHeaderValue
                routingHttpResponseServerEnabled routingHttpResponseStrictTransportSecurityHeaderValue
                routingHttpResponseXContentTypeOptionsHeaderValue routingHttpResponseXFrameOptionsHeaderValue sslPolicy
                tags tcpIdleTimeoutSeconds
            defaultActions[]: type! authenticateCognito authenticateOidc fixedResponse forward jwtValidation order
                redirect targetGroupArn
            defaultActions[].authenticateCognito: userPoolArn! userPoolClientId! userPoolDomain!
                authenticationRequestExtraParams onUnauthenticatedRequest scope sessionCookieName sessionTimeout
            defaultActions[].authenticateOidc: authorizationEndpoint! clientId! clientSecret! issuer! tokenEndpoint!
                userInfoEndpoint! authenticationRequestExtraParams onUnauthenticatedRequest scope sessionCookieName
                sessionTimeout
            defaultActions[].fixedResponse: contentType! messageBody statusCode
            defaultActions[].forward: targetGroups! stickiness
            defaultActions[].forward.targetGroups[]: arn! weight
            defaultActions[].forward.stickiness: duration! enabled
            defaultActions[].jwtValidation: issuer! jwksEndpoint! additionalClaims
            defaultActions[].jwtValidation.additionalClaims[]: format! name! values!
            defaultActions[].redirect: statusCode! host path port protocol query
            mutualAuthentication: mode! advertiseTrustStoreCaNames ignoreClientCertificateExpiry trustStoreArn
        """,
        "aws:lb/listenerCertificate:ListenerCertificate": """
            certificateArn! listenerArn! region
        """,
        "aws:lb/listenerRule:ListenerRule": """
            actions! conditions! listenerArn! priority region tags transforms
            actions[]: type! authenticateCognito authenticateOidc fixedResponse forward jwtValidation order redirect
                targetGroupArn
            actions[].authenticateCognito: userPoolArn! userPoolClientId! userPoolDomain!
                authenticationRequestExtraParams onUnauthenticatedRequest scope sessionCookieName sessionTimeout
            actions[].authenticateOidc: authorizationEndpoint! clientId! clientSecret! issuer! tokenEndpoint!
                userInfoEndpoint! authenticationRequestExtraParams onUnauthenticatedRequest scope sessionCookieName
                sessionTimeout
            actions[].fixedResponse: contentType! messageBody statusCode
            actions[].forward: targetGroups! stickiness
            actions[].forward.targetGroups[]: arn! weight
            actions[].forward.stickiness: duration! enabled
            actions[].jwtValidation: issuer! jwksEndpoint! additionalClaims
            actions[].jwtValidation.additionalClaims[]: format! name! values!
            actions[].redirect: statusCode! host path port protocol query
            conditions[]: hostHeader httpHeader httpRequestMethod pathPattern queryStrings sourceIp
            conditions[].hostHeader: regexValues values
            conditions[].httpHeader: httpHeaderName! regexValues values
            conditions[].httpRequestMethod: values!
            conditions[].pathPattern: regexValues values
            conditions[].queryStrings[]: value! key
            conditions[].sourceIp: ipAddressType values
            transforms[]: type! hostHeaderRewriteConfig urlRewriteConfig
            transforms[].hostHeaderRewriteConfig: rewrite
            transforms[].hostHeaderRewriteConfig.rewrite: regex! replace!
            transforms[].urlRewriteConfig: rewrite
            transforms[].urlRewriteConfig.rewrite: regex! replace!
        """,
        "aws:lb/loadBalancer:LoadBalancer": """
            accessLogs clientKeepAlive connectionLogs customerOwnedIpv4Pool desyncMitigationMode
                dnsRecordClientRoutingPolicy dropInvalidHeaderFields enableCrossZoneLoadBalancing
                enableDeletionProtection enableHttp2 enablePrefixForIpv6SourceNat enableTlsVersionAndCipherSuiteHeaders
                enableWafFailOpen enableXffClientPort enableZonalShift
                enforceSecurityGroupInboundRulesOnPrivateLinkTraffic healthCheckLogs idleTimeout internal ipAddressType
                ipamPools loadBalancerType minimumLoadBalancerCapacity name namePrefix preserveHostHeader region
                secondaryIpsAutoAssignedPerSubnet securityGroups subnetMappings subnets tags xffHeaderProcessingMode
            accessLogs: bucket! enabled prefix
            connectionLogs: bucket! enabled prefix
            healthCheckLogs: bucket! enabled prefix
            ipamPools: ipv4IpamPoolId!
            minimumLoadBalancerCapacity: capacityUnits!
            subnetMappings[]: subnetId! allocationId ipv6Address outpostId privateIpv4Address
        """,
        "aws:lb/targetGroup:TargetGroup": """
            connectionTermination deregistrationDelay healthCheck ipAddressType lambdaMultiValueHeadersEnabled
                loadBalancingAlgorithmType loadBalancingAnomalyMitigation loadBalancingCrossZoneEnabled name namePrefix
                port preserveClientIp protocol protocolVersion proxyProtocolV2 region slowStart stickiness tags
                targetControlPort targetFailovers targetGroupHealth targetHealthStates targetType vpcId
            healthCheck: enabled healthyThreshold interval matcher path port protocol timeout unhealthyThreshold
            stickiness: type! cookieDuration cookieName enabled
            targetFailovers[]: onDeregistration! onUnhealthy!
            targetGroupHealth: dnsFailover unhealthyStateRouting
            targetGroupHealth.dnsFailover: minimumHealthyTargetsCount minimumHealthyTargetsPercentage
            targetGroupHealth.unhealthyStateRouting: minimumHealthyTargetsCount minimumHealthyTargetsPercentage
            targetHealthStates[]: enableUnhealthyConnectionTermination! unhealthyDrainingInterval
        """,
        "aws:lb/targetGroupAttachment:TargetGroupAttachment": """
            availabilityZone port quicServerId region targetGroupArn! targetId!
        """,
        "aws:lb/trustStore:TrustStore": """
            caCertificatesBundleS3Bucket! caCertificatesBundleS3Key! caCertificatesBundleS3ObjectVersion name
                namePrefix region tags
        """,
        "aws:route53/healthCheck:HealthCheck": """
            type! childHealthThreshold childHealthchecks cloudwatchAlarmName cloudwatchAlarmRegion disabled
                enableSni failureThreshold fqdn insufficientDataHealthStatus invertHealthcheck ipAddress
                measureLatency port referenceName regions requestInterval resourcePath routingControlArn
                searchString tags triggers
        """,
        "aws:route53/record:Record": """
            name! type! zoneId! aliases allowOverwrite cidrRoutingPolicy failoverRoutingPolicies
                geolocationRoutingPolicies geoproximityRoutingPolicy healthCheckId latencyRoutingPolicies
                multivalueAnswerRoutingPolicy records setIdentifier ttl weightedRoutingPolicies
            aliases[]: evaluateTargetHealth! name! zoneId!
            cidrRoutingPolicy: collectionId! locationName!
            failoverRoutingPolicies[]: type!
            geolocationRoutingPolicies[]: continent country subdivision
            geoproximityRoutingPolicy: awsRegion bias coordinates localZoneGroup
            geoproximityRoutingPolicy.coordinates[]: latitude! longitude!
            latencyRoutingPolicies[]: region!
            weightedRoutingPolicies[]: weight!
        """,
        "aws:route53/zone:Zone": """
            comment delegationSetId enableAcceleratedRecovery forceDestroy name tags vpcs
            vpcs[]: vpcId! vpcRegion
        """,
        "aws:s3/bucket:Bucket": """
            accelerationStatus acl bucket bucketNamespace bucketPrefix corsRules forceDestroy grants lifecycleRules
                logging objectLockConfiguration objectLockEnabled policy region replicationConfiguration requestPayer
                serverSideEncryptionConfiguration tags versioning website
            corsRules[]: allowedMethods! allowedOrigins! allowedHeaders exposeHeaders maxAgeSeconds
            grants[]: permissions! type! id uri
            lifecycleRules[]: enabled! abortIncompleteMultipartUploadDays expiration id noncurrentVersionExpiration
                noncurrentVersionTransitions prefix tags transitions
            lifecycleRules[].expiration: date days expiredObjectDeleteMarker
            lifecycleRules[].noncurrentVersionExpiration: days
            lifecycleRules[].noncurrentVersionTransitions[]: storageClass! days
            lifecycleRules[].transitions[]: storageClass! date days
            logging: targetBucket! targetPrefix
            objectLockConfiguration: objectLockEnabled rule
            objectLockConfiguration.rule: defaultRetention!
            objectLockConfiguration.rule.defaultRetention: days mode years
            replicationConfiguration: role! rules!
            replicationConfiguration.rules[]: destination! status! deleteMarkerReplicationStatus filter id prefix
                priority sourceSelectionCriteria
            replicationConfiguration.rules[].destination: bucket! accessControlTranslation accountId metrics
                replicaKmsKeyId replicationTime storageClass
            replicationConfiguration.rules[].destination.accessControlTranslation: owner!
            replicationConfiguration.rules[].destination.metrics: minutes status
            replicationConfiguration.rules[].destination.replicationTime: minutes status
            replicationConfiguration.rules[].filter: prefix tags
            replicationConfiguration.rules[].sourceSelectionCriteria: sseKmsEncryptedObjects
            replicationConfiguration.rules[].sourceSelectionCriteria.sseKmsEncryptedObjects: enabled!
            serverSideEncryptionConfiguration: rule!
            serverSideEncryptionConfiguration.rule: applyServerSideEncryptionByDefault blockedEncryptionTypes
                bucketKeyEnabled
            serverSideEncryptionConfiguration.rule.applyServerSideEncryptionByDefault: sseAlgorithm! kmsMasterKeyId
            versioning: enabled mfaDelete
            website: errorDocument indexDocument redirectAllRequestsTo routingRules
        """,
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": """
            bucket! expectedBucketOwner region rules timeouts transitionDefaultMinimumObjectSize
            rules[]: id! status! abortIncompleteMultipartUpload expiration filter noncurrentVersionExpiration
                noncurrentVersionTransitions prefix transitions
            rules[].abortIncompleteMultipartUpload: daysAfterInitiation
            rules[].expiration: date days expiredObjectDeleteMarker
            rules[].filter: and objectSizeGreaterThan objectSizeLessThan prefix tag
            rules[].filter.and: objectSizeGreaterThan objectSizeLessThan prefix tags
            rules[].filter.tag: key! value!
            rules[].noncurrentVersionExpiration: noncurrentDays! newerNoncurrentVersions
            rules[].noncurrentVersionTransitions[]: noncurrentDays! storageClass! newerNoncurrentVersions
            rules[].transitions[]: storageClass! date days
            timeouts: create update
        """,
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": """
            bucket! rule! region
            rule: objectOwnership!
        """,
        "aws:s3/bucketPolicy:BucketPolicy": """
            bucket! policy! region
        """,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": """
            bucket! blockPublicAcls blockPublicPolicy ignorePublicAcls region restrictPublicBuckets skipDestroy
        """,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": """
            bucket! rules! expectedBucketOwner region
            rules[]: applyServerSideEncryptionByDefault blockedEncryptionTypes bucketKeyEnabled
            rules[].applyServerSideEncryptionByDefault: sseAlgorithm! kmsMasterKeyId
        """,
        "aws:s3/bucketVersioning:BucketVersioning": """
            bucket! versioningConfiguration! expectedBucketOwner mfa region
            versioningConfiguration: status! mfaDelete
        """,
        "aws:secretsmanager/secret:Secret": """
            description forceOverwriteReplicaSecret kmsKeyId name namePrefix policy recoveryWindowInDays region replicas
                tags type
            replicas[]: region! kmsKeyId lastAccessedDate status statusMessage
        """,
        "aws:secretsmanager/secretVersion:SecretVersion": """
            secretId! region secretBinary secretString secretStringWo secretStringWoVersion versionStages
        """,
        "aws:servicediscovery/httpNamespace:HttpNamespace": """
            description name region tags
        """,
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": """
            vpc! description name region tags
        """,
        "aws:servicediscovery/service:Service": """
            description dnsConfig forceDestroy healthCheckConfig healthCheckCustomConfig name namespaceId region
                tags type
            dnsConfig: dnsRecords! namespaceId! routingPolicy
            dnsConfig.dnsRecords[]: ttl! type!
            healthCheckConfig: failureThreshold resourcePath type
            healthCheckCustomConfig: failureThreshold
        """,
        "aws:ssm/parameter:Parameter": """
            type! allowedPattern arn dataType description insecureValue keyId name overwrite region tags tier value
                valueWo valueWoVersion
        """,
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": """
            ipProtocol! securityGroupId! cidrIpv4 cidrIpv6 description fromPort prefixListId referencedSecurityGroupId
                region tags toPort
        """,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": """
            ipProtocol! securityGroupId! cidrIpv4 cidrIpv6 description fromPort prefixListId referencedSecurityGroupId
                region tags toPort
        """,
        "aws:wafv2/ipSet:IpSet": """
            ipAddressVersion! scope! addresses description name namePrefix region tags
        """,
        "aws:wafv2/webAcl:WebAcl": """
            defaultAction! scope! visibilityConfig! associationConfig captchaConfig challengeConfig customResponseBodies
                dataProtectionConfig description monetizationConfig name namePrefix region ruleJson rules tags
                tokenDomains
            defaultAction: allow block
            defaultAction.allow: customRequestHandling
            defaultAction.allow.customRequestHandling: insertHeaders!
            defaultAction.allow.customRequestHandling.insertHeaders[]: name! value!
            defaultAction.block: customResponse
            defaultAction.block.customResponse: responseCode! customResponseBodyKey responseHeaders
            defaultAction.block.customResponse.responseHeaders[]: name! value!
            visibilityConfig: cloudwatchMetricsEnabled! metricName! sampledRequestsEnabled!
            associationConfig: requestBodies
            associationConfig.requestBodies[]: apiGateway appRunnerService cloudfront cognitoUserPool
                verifiedAccessInstance
            associationConfig.requestBodies[].apiGateway: defaultSizeInspectionLimit!
            associationConfig.requestBodies[].appRunnerService: defaultSizeInspectionLimit!
            associationConfig.requestBodies[].cloudfront: defaultSizeInspectionLimit!
            associationConfig.requestBodies[].cognitoUserPool: defaultSizeInspectionLimit!
            associationConfig.requestBodies[].verifiedAccessInstance: defaultSizeInspectionLimit!
            captchaConfig: immunityTimeProperty
            captchaConfig.immunityTimeProperty: immunityTime
            challengeConfig: immunityTimeProperty
            challengeConfig.immunityTimeProperty: immunityTime
            customResponseBodies[]: content! contentType! key!
            dataProtectionConfig: dataProtections
            dataProtectionConfig.dataProtections[]: action! field! excludeRateBasedDetails excludeRuleMatchDetails
            dataProtectionConfig.dataProtections[].field: fieldType! fieldKeys
            monetizationConfig: cryptoConfig currencyMode
            monetizationConfig.cryptoConfig: paymentNetworks!
            monetizationConfig.cryptoConfig.paymentNetworks[]: chain! prices! walletAddress!
            monetizationConfig.cryptoConfig.paymentNetworks[].prices: amount! currency!
            rules[]: name! priority! statement! visibilityConfig! action captchaConfig challengeConfig overrideAction
                ruleLabels
            rules[].visibilityConfig: cloudwatchMetricsEnabled! metricName! sampledRequestsEnabled!
            rules[].action: allow block captcha challenge count
            rules[].action.allow: customRequestHandling
            rules[].action.allow.customRequestHandling: insertHeaders
            rules[].action.allow.customRequestHandling.insertHeaders[]: name! value!
            rules[].action.block: customResponse
            rules[].action.block.customResponse: responseCode! customResponseBodyKey responseHeaders
            rules[].action.block.customResponse.responseHeaders[]: name! value!
            rules[].action.captcha: customRequestHandling
            rules[].action.captcha.customRequestHandling: insertHeaders
            rules[].action.captcha.customRequestHandling.insertHeaders[]: name! value!
            rules[].action.challenge: customRequestHandling
            rules[].action.challenge.customRequestHandling: insertHeaders
            rules[].action.challenge.customRequestHandling.insertHeaders[]: name! value!
            rules[].action.count: customRequestHandling
            rules[].action.count.customRequestHandling: insertHeaders
            rules[].action.count.customRequestHandling.insertHeaders[]: name! value!
            rules[].captchaConfig: immunityTimeProperty
            rules[].captchaConfig.immunityTimeProperty: immunityTime
            rules[].challengeConfig: immunityTimeProperty
            rules[].challengeConfig.immunityTimeProperty: immunityTime
            rules[].overrideAction: count none
            rules[].ruleLabels[]: name!
        """,
        "aws:wafv2/webAclAssociation:WebAclAssociation": """
            resourceArn! webAclArn! region
        """,
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": """
            logDestinationConfigs! resourceArn! loggingFilter redactedFields region
            loggingFilter: defaultBehavior! filters!
            loggingFilter.filters[]: behavior! conditions! requirement!
            loggingFilter.filters[].conditions[]: actionCondition labelNameCondition
            loggingFilter.filters[].conditions[].actionCondition: action!
            loggingFilter.filters[].conditions[].labelNameCondition: labelName!
            redactedFields[]: method queryString singleHeader uriPath
            redactedFields[].singleHeader: name!
        """,
    }.items()
}
"""By token, each block with its path before it, its later lines indented, and `!` after what must
be given.

The statements of web ACLs are left out: they hold others without end.
"""

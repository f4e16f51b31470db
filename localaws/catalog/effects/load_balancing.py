"""The effects of the inputs of load balancers, listeners, target groups and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.acm import CERTIFICATE
from localaws.catalog.effects.model import Effects, inside
from localaws.catalog.effects.reasons import (
    ADDRESSES,
    CATALOG_ONLY,
    EVERYWHERE,
    NAME,
    REGION,
    WRITE_ONLY,
)
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_attachments import TARGET_ATTACHMENT
from localaws.catalog.elb.target_groups import TARGET_GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADERS = (
    "AccessControlAllowCredentials",
    "AccessControlAllowHeaders",
    "AccessControlAllowMethods",
    "AccessControlAllowOrigin",
    "AccessControlExposeHeaders",
    "AccessControlMaxAge",
    "ContentSecurityPolicy",
    "StrictTransportSecurity",
    "XContentTypeOptions",
    "XFrameOptions",
)
"""The headers that a listener can add to responses, in the names of its inputs."""

_LOGS = "no log of the load balancer is written"
_NETWORK_LOAD_BALANCER = "of network load balancers, and a run mentions that type"


def _actions(path: str) -> tuple[str, ...]:
    """Return the inputs inside a list of actions, except those of actions that answer 501 here."""
    return (
        *inside(path, "order targetGroupArn type"),
        *inside(
            f"{path}.authenticateOidc",
            "authenticationRequestExtraParams authorizationEndpoint clientId clientSecret issuer "
            "onUnauthenticatedRequest scope sessionCookieName sessionTimeout tokenEndpoint "
            "userInfoEndpoint",
        ),
        *inside(f"{path}.fixedResponse", "contentType messageBody statusCode"),
        *inside(f"{path}.jwtValidation", "issuer jwksEndpoint"),
        *inside(f"{path}.jwtValidation.additionalClaims[]", "format name values"),
        *inside(f"{path}.forward.stickiness", "duration enabled"),
        *inside(f"{path}.forward.targetGroups[]", "arn weight"),
        *inside(f"{path}.redirect", "host path port protocol query statusCode"),
    )


EFFECTS: Mapping[str, Effects] = {
    LOAD_BALANCER: Effects(
        effective=(
            "clientKeepAlive",
            "dropInvalidHeaderFields",
            "enableHttp2",
            "enableTlsVersionAndCipherSuiteHeaders",
            "enableXffClientPort",
            "idleTimeout",
            "internal",
            "ipAddressType",
            "securityGroups",
            "subnetMappings[].subnetId",
            "subnets",
            "xffHeaderProcessingMode",
        ),
        without_effect={
            "desyncMitigationMode": ("defensive",),
            "dnsRecordClientRoutingPolicy": ("any_availability_zone",),
            "enableCrossZoneLoadBalancing": (False,),
            "enableWafFailOpen": (False,),
            "enableZonalShift": (False,),
            "loadBalancerType": ("application",),
            "minimumLoadBalancerCapacity": (),
            "preserveHostHeader": (False,),
        },
        unmentioned={
            **EVERYWHERE,
            "accessLogs": _LOGS,
            "connectionLogs": _LOGS,
            "customerOwnedIpv4Pool": ADDRESSES,
            "enableDeletionProtection": CATALOG_ONLY,
            "enablePrefixForIpv6SourceNat": ADDRESSES,
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": _NETWORK_LOAD_BALANCER,
            "healthCheckLogs": _LOGS,
            "ipamPools": ADDRESSES,
            "name": NAME,
            "namePrefix": CATALOG_ONLY,
            "secondaryIpsAutoAssignedPerSubnet": ADDRESSES,
            **dict.fromkeys(
                inside("subnetMappings[]", "allocationId ipv6Address privateIpv4Address"),
                _NETWORK_LOAD_BALANCER,
            ),
            "subnetMappings[].outpostId": "there are no Outposts here",
        },
    ),
    LISTENER: Effects(
        effective=(
            "certificateArn",
            "loadBalancerArn",
            "port",
            "protocol",
            "sslPolicy",
            "routingHttpRequestXAmznTlsCipherSuiteHeaderName",
            "routingHttpRequestXAmznTlsVersionHeaderName",
            *(f"routingHttpResponse{name}HeaderValue" for name in _HEADERS),
            "routingHttpResponseServerEnabled",
            *_actions("defaultActions[]"),
        ),
        without_effect={
            "alpnPolicy": ("None",),
            "defaultActions[].authenticateCognito": (),
            "mutualAuthentication": ({"mode": "off"},),
            "routingHttpRequestXAmznMtlsClientcertHeaderName": (),
            "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName": (),
            "routingHttpRequestXAmznMtlsClientcertLeafHeaderName": (),
            "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName": (),
            "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName": (),
            "routingHttpRequestXAmznMtlsClientcertValidityHeaderName": (),
            "tcpIdleTimeoutSeconds": (350,),
        },
        unmentioned=EVERYWHERE,
    ),
    LISTENER_RULE: Effects(
        effective=(
            "listenerArn",
            "priority",
            *_actions("actions[]"),
            *inside("conditions[].hostHeader", "regexValues values"),
            *inside("conditions[].httpHeader", "httpHeaderName regexValues values"),
            "conditions[].httpRequestMethod.values",
            *inside("conditions[].pathPattern", "regexValues values"),
            *inside("conditions[].queryStrings[]", "key value"),
            "conditions[].sourceIp.values",
            "transforms[].type",
            *inside("transforms[].hostHeaderRewriteConfig.rewrite", "regex replace"),
            *inside("transforms[].urlRewriteConfig.rewrite", "regex replace"),
        ),
        without_effect={
            "actions[].authenticateCognito": (),
            "conditions[].sourceIp.ipAddressType": (),
        },
        unmentioned=EVERYWHERE,
    ),
    LISTENER_CERTIFICATE: Effects(
        effective=("certificateArn", "listenerArn"),
        unmentioned={"region": REGION},
    ),
    TARGET_GROUP: Effects(
        effective=(
            "deregistrationDelay",
            "loadBalancingAlgorithmType",
            "port",
            "protocolVersion",
            "slowStart",
            "targetType",
            "vpcId",
            *inside(
                "healthCheck",
                "healthyThreshold interval matcher path port timeout unhealthyThreshold",
            ),
            *inside("stickiness", "cookieDuration cookieName enabled type"),
        ),
        without_effect={
            "connectionTermination": (False,),
            "healthCheck.protocol": ("HTTP",),
            "lambdaMultiValueHeadersEnabled": (False,),
            "loadBalancingAnomalyMitigation": ("off",),
            "loadBalancingCrossZoneEnabled": ("use_load_balancer_configuration",),
            "preserveClientIp": (),
            "protocol": ("HTTP",),
            "proxyProtocolV2": (False,),
            "targetControlPort": (),
            "targetFailovers": (),
            "targetGroupHealth": (),
            "targetHealthStates": (),
        },
        unmentioned={
            **EVERYWHERE,
            "healthCheck.enabled": (
                "only targets of type lambda can have it off, and they get no requests here"
            ),
            "ipAddressType": ADDRESSES,
            "name": NAME,
            "namePrefix": CATALOG_ONLY,
        },
    ),
    TARGET_ATTACHMENT: Effects(
        effective=("port", "targetGroupArn", "targetId"),
        without_effect={"quicServerId": ()},
        unmentioned={"availabilityZone": CATALOG_ONLY, "region": REGION},
    ),
    CERTIFICATE: Effects(
        effective=("domainName", "subjectAlternativeNames", "validationMethod"),
        without_effect={"certificateBody": (), "certificateChain": ()},
        unmentioned={
            **EVERYWHERE,
            "certificateAuthorityArn": "the local authority signs what is served",
            "earlyRenewalDuration": "certificates are never renewed",
            "keyAlgorithm": "keys of what is served are ECDSA",
            "options": "there is no certificate transparency log, and no export",
            "privateKey": "of the certificate, which a run mentions",
            "privateKeyWo": "of the certificate, which a run mentions",
            "privateKeyWoVersion": WRITE_ONLY,
            "validationOptions": CATALOG_ONLY,
        },
    ),
}

"""Refusals of load balancers, target groups, listeners and listener rules.

`test_refusals.py` runs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.localaws.catalog.conftest import ELB, MISSING_TARGET_GROUP

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
FORWARD = {"type": "forward", "targetGroupArn": MISSING_TARGET_GROUP}
FIXED = {
    "type": "fixed-response",
    "fixedResponse": {"contentType": "text/plain", "statusCode": "404"},
}


def answered(**more: Any) -> dict[str, Any]:
    """Return the actions of a rule that answers by itself."""
    answer = {"contentType": "text/plain", **more}
    return {"actions": [{"type": "fixed-response", "fixedResponse": answer}]}


def url_rewrite(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "url-rewrite",
        "urlRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }


def host_rewrite(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "host-header-rewrite",
        "hostHeaderRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }


def mapped(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return inputs of a network load balancer with one mapped subnet."""
    return {
        "loadBalancerType": "network",
        "subnets": None,
        "subnetMappings": [{"subnetId": "$subnet-a", **mapping}],
    }


LOAD_BALANCER_CASES: list[Case] = [
    (
        BALANCER,
        "elbv2.load-balancer.name",
        "InvalidArgument",
        {"name": "a" * 33},
        {"name": "a" * 32},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.name",
        "InvalidArgument",
        {"name": "internal-web"},
        {"name": "web-internal"},
    ),
    (BALANCER, "elbv2.load-balancer.name", "InvalidArgument", {"name": "web-"}, {"name": "web-1"}),
    (BALANCER, "elbv2.load-balancer.unique", "DuplicateLoadBalancerName", {"name": "web"}, {}),
    (
        BALANCER,
        "elbv2.load-balancer.type",
        "InvalidArgument",
        {"loadBalancerType": "classic"},
        {"loadBalancerType": "network"},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.idle-timeout",
        "InvalidArgument",
        {"idleTimeout": 4001},
        {"idleTimeout": 4000.0},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.keep-alive",
        "InvalidArgument",
        {"clientKeepAlive": 59},
        {"clientKeepAlive": 60},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.desync",
        "InvalidArgument",
        {"desyncMitigationMode": "off"},
        {"desyncMitigationMode": "strictest"},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.xff",
        "InvalidArgument",
        {"xffHeaderProcessingMode": "drop"},
        {"xffHeaderProcessingMode": "remove"},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.address-type",
        "InvalidArgument",
        {"ipAddressType": "ipv6"},
        {"ipAddressType": "ipv4"},
    ),
    (BALANCER, "elbv2.load-balancer.one-kind-of-subnets", "InvalidArgument", {"subnets": None}, {}),
    (BALANCER, "elbv2.load-balancer.two-zones", "ValidationError", {"subnets": ["$subnet-a"]}, {}),
    (
        BALANCER,
        "elbv2.load-balancer.subnet-exists",
        "SubnetNotFound",
        {"subnets": ["subnet-0", "subnet-1"]},
        {},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.group-exists",
        "InvalidSecurityGroup",
        {"securityGroups": ["sg-0"]},
        {"securityGroups": ["$group"]},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.address-exists",
        "AllocationIdNotFound",
        mapped({"allocationId": "eipalloc-0"}),
        mapped({"allocationId": "$address"}),
    ),
    (TARGETS, "elbv2.target-group.name", "InvalidArgument", {"name": "a" * 33}, {"name": "a" * 32}),
    (TARGETS, "elbv2.target-group.unique", "DuplicateTargetGroupName", {"name": "web"}, {}),
    (TARGETS, "elbv2.target-group.port", "InvalidArgument", {"port": 0}, {"port": 65535}),
    (TARGETS, "elbv2.target-group.needed", "InvalidArgument", {"vpcId": None}, {}),
    (
        TARGETS,
        "elbv2.target-group.needed",
        "InvalidArgument",
        {"port": None, "protocol": None, "vpcId": None},
        {"targetType": "lambda", "port": None, "protocol": None, "vpcId": None},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-tcp",
        "InvalidArgument",
        {"targetType": "lambda", "healthCheck": {"protocol": "TCP"}},
        {"targetType": "lambda", "healthCheck": {"enabled": True}},
    ),
    (
        TARGETS,
        "elbv2.target-group.target-type",
        "InvalidArgument",
        {"targetType": "task"},
        {"targetType": "instance"},
    ),
    (
        TARGETS,
        "elbv2.target-group.protocol",
        "InvalidArgument",
        {"protocol": "http"},
        {"protocol": "HTTPS"},
    ),
    (
        TARGETS,
        "elbv2.target-group.protocol-version",
        "InvalidArgument",
        {"protocolVersion": "HTTP3"},
        {"protocolVersion": "HTTP2"},
    ),
    (
        TARGETS,
        "elbv2.target-group.address-type",
        "InvalidArgument",
        {"ipAddressType": "dualstack"},
        {"ipAddressType": "ipv4"},
    ),
    (TARGETS, "elbv2.target-group.vpc-exists", "ValidationError", {"vpcId": "vpc-0"}, {}),
    (
        TARGETS,
        "elbv2.target-group.deregistration-delay",
        "InvalidArgument",
        {"deregistrationDelay": 3601},
        {"deregistrationDelay": 0},
    ),
    (
        TARGETS,
        "elbv2.target-group.slow-start",
        "InvalidArgument",
        {"slowStart": 29},
        {"slowStart": 30},
    ),
    (
        TARGETS,
        "elbv2.target-group.slow-start-algorithm",
        "ValidationError",
        {"slowStart": 30, "loadBalancingAlgorithmType": "weighted_random"},
        {"slowStart": 0, "loadBalancingAlgorithmType": "weighted_random"},
    ),
    (
        TARGETS,
        "elbv2.target-group.algorithm",
        "InvalidArgument",
        {"loadBalancingAlgorithmType": "random"},
        {},
    ),
    (
        TARGETS,
        "elbv2.target-group.anomaly",
        "ValidationError",
        {"loadBalancingAnomalyMitigation": "on"},
        {"loadBalancingAnomalyMitigation": "on", "loadBalancingAlgorithmType": "weighted_random"},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-interval",
        "InvalidArgument",
        {"healthCheck": {"interval": 4}},
        {"healthCheck": {"interval": 6}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-timeout",
        "ValidationError",
        {"healthCheck": {"interval": 10, "timeout": 10}},
        {"healthCheck": {"interval": 10, "timeout": 9}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-timeout",
        "ValidationError",
        {"healthCheck": {"interval": 5}},
        {},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-threshold",
        "InvalidArgument",
        {"healthCheck": {"healthyThreshold": 1}},
        {"healthCheck": {"healthyThreshold": 2}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-protocol",
        "InvalidArgument",
        {"healthCheck": {"protocol": "UDP"}},
        {"healthCheck": {"protocol": "HTTP"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-tcp",
        "InvalidArgument",
        {"healthCheck": {"protocol": "TCP"}},
        {"protocol": "TCP", "healthCheck": {"protocol": "TCP"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-path",
        "InvalidArgument",
        {"healthCheck": {"path": "health"}},
        {"healthCheck": {"path": "/health"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-port",
        "InvalidArgument",
        {"healthCheck": {"port": "http"}},
        {"healthCheck": {"port": "8080"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-enabled",
        "ValidationError",
        {"healthCheck": {"enabled": False}},
        {"healthCheck": {"enabled": True}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-matcher",
        "ValidationError",
        {"healthCheck": {"matcher": "200-599"}},
        {"healthCheck": {"matcher": "200,202-399"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-matcher",
        "ValidationError",
        {"protocolVersion": "GRPC", "healthCheck": {"matcher": "200"}},
        {"protocolVersion": "GRPC", "healthCheck": {"matcher": "0-99"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.stickiness",
        "InvalidArgument",
        {"stickiness": {"type": "cookie"}},
        {"stickiness": {"type": "lb_cookie"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.stickiness-protocol",
        "InvalidConfigurationRequest",
        {"stickiness": {"type": "source_ip"}},
        {"protocol": "TCP", "stickiness": {"type": "source_ip"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.cookie",
        "ValidationError",
        {"stickiness": {"type": "app_cookie", "cookieName": "AWSALBX"}},
        {"stickiness": {"type": "app_cookie", "cookieName": "session"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.stickiness-zones",
        "InvalidConfigurationRequest",
        {"stickiness": {"type": "lb_cookie"}, "loadBalancingCrossZoneEnabled": "false"},
        {
            "stickiness": {"type": "lb_cookie", "enabled": False},
            "loadBalancingCrossZoneEnabled": "false",
        },
    ),
    (
        TARGETS,
        "elbv2.target-group.cross-zone",
        "InvalidArgument",
        {"loadBalancingCrossZoneEnabled": "off"},
        {"loadBalancingCrossZoneEnabled": "true"},
    ),
    (LISTENER, "elbv2.listener.arn", "InvalidArgument", {"loadBalancerArn": "web"}, {}),
    (
        LISTENER,
        "elbv2.listener.balancer-exists",
        "LoadBalancerNotFound",
        {"loadBalancerArn": f"{ELB}:loadbalancer/app/none/0"},
        {},
    ),
    (LISTENER, "elbv2.listener.port", "InvalidArgument", {"port": 65536}, {}),
    (LISTENER, "elbv2.listener.port-required", "ValidationError", {"port": None}, {}),
    (LISTENER, "elbv2.listener.port-unique", "DuplicateListener", {"port": 80}, {"port": 8080}),
    (
        LISTENER,
        "elbv2.listener.protocol",
        "InvalidArgument",
        {"protocol": "http"},
        {"protocol": "HTTP"},
    ),
    (
        LISTENER,
        "elbv2.listener.protocol-fits",
        "ValidationError",
        {"protocol": "TCP"},
        {"protocol": "HTTP"},
    ),
    (
        LISTENER,
        "elbv2.listener.certificate",
        "ValidationError",
        {"protocol": "HTTPS"},
        {"protocol": "HTTPS", "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0"},
    ),
    (
        LISTENER,
        "elbv2.listener.tls-only",
        "ValidationError",
        {"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
        {},
    ),
    (
        LISTENER,
        "elbv2.listener.authentication",
        "InvalidLoadBalancerAction",
        {
            "defaultActions": [
                {"type": "authenticate-oidc", "authenticateOidc": {"issuer": "x"}},
                FIXED,
            ]
        },
        {},
    ),
    (LISTENER, "elbv2.action.some", "InvalidArgument", {"defaultActions": []}, {}),
    (LISTENER, "elbv2.action.type", "InvalidArgument", {"defaultActions": [{"type": "drop"}]}, {}),
    (
        LISTENER,
        "elbv2.action.block",
        "InvalidArgument",
        {"defaultActions": [{"type": "fixed-response"}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.final",
        "InvalidLoadBalancerAction",
        {"defaultActions": [FIXED, FIXED]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.order",
        "InvalidArgument",
        {"defaultActions": [{**FIXED, "order": 0}]},
        {"defaultActions": [{**FIXED, "order": 1}]},
    ),
    (
        LISTENER,
        "elbv2.action.target-exists",
        "TargetGroupNotFound",
        {"defaultActions": [FORWARD]},
        {"defaultActions": [{"type": "forward", "targetGroupArn": "$target"}]},
    ),
    (
        LISTENER,
        "elbv2.action.target-arn",
        "InvalidArgument",
        {"defaultActions": [{"type": "forward", "targetGroupArn": "web"}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.forward-target",
        "InvalidArgument",
        {"defaultActions": [{"type": "forward"}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.forward-weight",
        "InvalidArgument",
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {"targetGroups": [{"arn": "$target", "weight": 1000}]},
                }
            ]
        },
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {"targetGroups": [{"arn": "$target", "weight": 999}]},
                }
            ]
        },
    ),
    (
        LISTENER,
        "elbv2.action.forward-groups",
        "InvalidArgument",
        {"defaultActions": [{"type": "forward", "forward": {"targetGroups": []}}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.stickiness",
        "InvalidArgument",
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [{"arn": "$target"}],
                        "stickiness": {"duration": 0},
                    },
                }
            ]
        },
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [{"arn": "$target"}],
                        "stickiness": {"duration": 1},
                    },
                }
            ]
        },
    ),
    (
        LISTENER,
        "elbv2.action.redirect",
        "InvalidArgument",
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_307", "port": "443"}}
            ]
        },
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_301", "port": "443"}}
            ]
        },
    ),
    (
        LISTENER,
        "elbv2.action.redirect-loop",
        "InvalidLoadBalancerAction",
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_301", "path": "/#{path}"}}
            ]
        },
        {},
    ),
    (
        LISTENER,
        "elbv2.action.fixed-response",
        "InvalidArgument",
        {
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "statusCode": "301"},
                }
            ]
        },
        {
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "statusCode": "503"},
                }
            ]
        },
    ),
    (
        RULE,
        "elbv2.action.fixed-response",
        "InvalidArgument",
        answered(statusCode="2XX"),
        answered(statusCode="204"),
    ),
    (RULE, "elbv2.listener-rule.arn", "InvalidArgument", {"listenerArn": "web"}, {}),
    (
        RULE,
        "elbv2.listener-rule.listener-exists",
        "ListenerNotFound",
        {"listenerArn": f"{ELB}:listener/app/none/0/0"},
        {},
    ),
    (
        RULE,
        "elbv2.listener-rule.priority",
        "InvalidArgument",
        {"priority": 50001},
        {"priority": 50000},
    ),
    (
        RULE,
        "elbv2.listener-rule.priority-unique",
        "PriorityInUse",
        {"priority": 10},
        {"priority": 11},
    ),
    (RULE, "elbv2.condition.some", "InvalidArgument", {"conditions": []}, {}),
    (RULE, "elbv2.action.some", "InvalidArgument", {"actions": []}, {}),
    (
        RULE,
        "elbv2.condition.one-field",
        "InvalidArgument",
        {
            "conditions": [
                {"pathPattern": {"values": ["/a"]}, "hostHeader": {"values": ["a.example"]}}
            ]
        },
        {
            "conditions": [
                {"pathPattern": {"values": ["/a"]}},
                {"hostHeader": {"values": ["a.example"]}},
            ]
        },
    ),
    (
        RULE,
        "elbv2.condition.once",
        "ValidationError",
        {"conditions": [{"pathPattern": {"values": ["/a"]}}, {"pathPattern": {"values": ["/b"]}}]},
        {"conditions": [{"pathPattern": {"values": ["/a", "/b"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.values",
        "ValidationError",
        {"conditions": [{"pathPattern": {"values": list("123456")}}]},
        {"conditions": [{"pathPattern": {"values": list("12345")}}]},
    ),
    (
        RULE,
        "elbv2.condition.evaluations",
        "ValidationError",
        {
            "conditions": [
                {"hostHeader": {"regexValues": ["^a", "^b", "^c"]}},
                {"pathPattern": {"values": ["/a", "/b", "/c"]}},
            ]
        },
        {
            "conditions": [
                {"hostHeader": {"regexValues": ["^a", "^b"]}},
                {"pathPattern": {"values": ["/a", "/b", "/c"]}},
            ]
        },
    ),
    (
        RULE,
        "elbv2.condition.wildcards",
        "ValidationError",
        {"conditions": [{"pathPattern": {"values": ["******"]}}]},
        {"conditions": [{"pathPattern": {"values": ["*****"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"pathPattern": {"regexValues": ["a" * 129]}}]},
        {"conditions": [{"pathPattern": {"regexValues": ["a" * 128]}}]},
    ),
    (
        RULE,
        "elbv2.regex.supported",
        "ValidationError",
        {"conditions": [{"hostHeader": {"regexValues": ["^(?!www).*$"]}}]},
        {"conditions": [{"hostHeader": {"regexValues": ["^(?:www).*$"]}}]},
    ),
    (
        RULE,
        "elbv2.regex.supported",
        "ValidationError",
        {"transforms": [url_rewrite(r"^/(?=a)", "/")]},
        {"transforms": [url_rewrite(r"^/(a)", "/")]},
    ),
    (
        RULE,
        "elbv2.transform.groups",
        "ValidationError",
        {"transforms": [url_rewrite(r"^/(?:a)(b)", "/$1$2")]},
        {"transforms": [url_rewrite(r"^/(a)(b)", "/$1$2")]},
    ),
    (
        RULE,
        "elbv2.transform.value",
        "InvalidArgument",
        {"transforms": [url_rewrite("a" * 1025, "/")]},
        {"transforms": [url_rewrite("a" * 1024, "")]},
    ),
    (
        RULE,
        "elbv2.transform.once",
        "ValidationError",
        {"transforms": [url_rewrite("^/a", "/"), url_rewrite("^/b", "/")]},
        {"transforms": [url_rewrite("^/a", "/"), host_rewrite("^www.", "")]},
    ),
    (
        RULE,
        "elbv2.transform.block",
        "InvalidArgument",
        {"transforms": [{**url_rewrite("^/a", "/"), "type": "host-header-rewrite"}]},
        {"transforms": [host_rewrite("^www.", "")]},
    ),
    (
        RULE,
        "elbv2.transform.block",
        "InvalidArgument",
        {"transforms": [{**url_rewrite("^/a", "/"), **host_rewrite("^www.", "")}]},
        {"transforms": [url_rewrite("^/a", "/")]},
    ),
    (
        RULE,
        "elbv2.transform.block",
        "InvalidArgument",
        {"transforms": [{"type": "url-rewrite", "urlRewriteConfig": {}}]},
        {"transforms": [url_rewrite("^/a", "/")]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"httpRequestMethod": {"values": ["get"]}}]},
        {"conditions": [{"httpRequestMethod": {"values": ["GET"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"httpHeader": {"httpHeaderName": "Host", "values": ["a"]}}]},
        {"conditions": [{"httpHeader": {"httpHeaderName": "X-Host", "values": ["a"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"sourceIp": {"values": ["10.0.0.1"]}}]},
        {"conditions": [{"sourceIp": {"values": ["10.0.0.1/32"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.broadcast",
        "ValidationError",
        {"conditions": [{"sourceIp": {"values": ["255.255.255.255/32"]}}]},
        {"conditions": [{"sourceIp": {"values": ["192.0.2.0/32"]}}]},
    ),
    (
        TARGETS,
        "catalog.input",
        "InvalidArgument",
        {"healthCheck": {"pathh": "/"}},
        {"healthCheck": {"path": "/"}},
    ),
    (
        LISTENER,
        "catalog.required",
        "InvalidArgument",
        {"defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTPS"}}]},
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}
            ]
        },
    ),
    (
        TARGETS,
        "catalog.required",
        "InvalidArgument",
        {"stickiness": {}},
        {"stickiness": {"type": "lb_cookie"}},
    ),
    (
        RULE,
        "elbv2.action.redirect",
        "InvalidArgument",
        {
            "actions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_301", "port": "99999"}}
            ]
        },
        {"actions": [{"type": "redirect", "redirect": {"statusCode": "HTTP_301", "port": "8443"}}]},
    ),
    (
        RULE,
        "elbv2.condition.some",
        "InvalidArgument",
        {"conditions": [{"pathPattern": {"values": []}}]},
        {"conditions": [{"pathPattern": {"regexValues": ["^/a"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.some",
        "InvalidArgument",
        {"conditions": [{"queryStrings": []}]},
        {"conditions": [{"queryStrings": [{"value": "a"}]}]},
    ),
    (
        RULE,
        "catalog.model",
        "ValidationError",
        {"actions": [{"type": "fixed-response", "fixedResponse": {"contentType": "text/plain"}}]},
        {"actions": [FIXED]},
    ),
]

"""Refused settings of HTTPS, the load balancer, its logs and its WAF, with the error of each."""

from __future__ import annotations

LONG_NAME = f"{'a' * 60}.example.com"


def certificate(
    number: int,
    *,
    partition: str = "aws",
    region: str = "ap-northeast-1",
    account: str = "123456789012",
) -> str:
    """Return the ARN of a certificate, by default one of the stack's account and region."""
    return (
        f"arn:{partition}:acm:{region}:{account}:certificate/00000000-0000-0000-0000-{number:012}"
    )


REFUSED = [
    (
        {"domain": "Shop.example.com", "hostedZone": "example.com"},
        "domain: Shop.example.com; allowed: a domain name",
    ),
    (
        {"domain": "*.example.com", "hostedZone": "example.com"},
        "domain: *.example.com; allowed: a domain name",
    ),
    (
        {"domain": "shop.example.com.", "hostedZone": "example.com"},
        "domain: shop.example.com.; allowed",
    ),
    (
        {"domain": "192.0.2.1", "hostedZone": "example.com"},
        "domain: 192.0.2.1; allowed: a domain name",
    ),
    (
        {"domain": "shop.example.com"},
        "domain: shop.example.com; allowed: only with hostedZone (to validate an ACM certificate)",
    ),
    (
        {"domain": LONG_NAME, "hostedZone": "example.com"},
        "domain: 72 characters; allowed: at most 64, as ACM issues no",
    ),
    (
        {"hostedZone": "example.com"},
        "hostedZone: example.com; allowed: only with domain, a name in the zone",
    ),
    (
        {"domain": "a.example.com", "hostedZone": "my zone"},
        "hostedZone: my zone; allowed: a Route 53 zone's name or id",
    ),
    (
        {"domain": "a.example.com", "hostedZone": "ample.com"},
        "hostedZone: ample.com; allowed: the zone that domain, a.example.com, is in",
    ),
    (
        {"certificateArn": "mine"},
        "certificateArn: mine; allowed: an ACM certificate's ARN, like arn:aws:acm:REGION:",
    ),
    (
        {"certificateArn": f"arn:aws:iam::1:server-certificate/{'0' * 36}"},
        "allowed: an ACM certificate's ARN",
    ),
    (
        {"extraCertificateArns": [certificate(1)]},
        "allowed: none, unless there is domain or certificateArn",
    ),
    (
        {
            "certificateArn": certificate(1),
            "extraCertificateArns": [certificate(2), certificate(1)],
        },
        (
            f"extraCertificateArns: {certificate(1)}; allowed: each certificate once, "
            "certificateArn's not again"
        ),
    ),
    (
        {
            "certificateArn": certificate(1),
            "extraCertificateArns": [certificate(number) for number in range(100, 126)],
        },
        "extraCertificateArns: 26 of them; allowed: at most 25",
    ),
    (
        {"tlsPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
        "allowed: one of ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09,",
    ),
    ({"hstsSeconds": -1}, "hstsSeconds: -1; allowed: a whole number from 0 to 63072000"),
    ({"frameOptions": "ALLOW"}, "frameOptions: ALLOW; allowed: one of DENY, SAMEORIGIN, none"),
    (
        {"idleTimeoutSeconds": 75},
        "idleTimeoutSeconds: 75; allowed: less than targetKeepAliveSeconds, 75",
    ),
    (
        {"targetKeepAliveSeconds": 60},
        "idleTimeoutSeconds: 60; allowed: less than targetKeepAliveSeconds, 60: if the",
    ),
    (
        {"targetKeepAliveSeconds": 0},
        "targetKeepAliveSeconds: 0; allowed: a whole number from 1 to 86400",
    ),
    (
        {"clientKeepAliveSeconds": 59},
        "clientKeepAliveSeconds: 59; allowed: a whole number from 60 to 604800",
    ),
    ({"internal": "maybe"}, "internal: maybe; allowed: true or false"),
    (
        {"allowedCidrs": ["10.0.0.1/8"]},
        "allowedCidrs: [0] 10.0.0.1/8; allowed: a list, each item an IP range in CIDR notation",
    ),
    (
        {"allowedCidrs": ["10.0.0.0/8", "10.0.0.0/8"]},
        "allowedCidrs: 10.0.0.0/8; allowed: each range once",
    ),
    (
        {"allowedCidrs": [f"10.{number}.0.0/16" for number in range(31)]},
        "31 of them; allowed: at most 30",
    ),
    (
        {"allowedCidrs": ["2001:db8::/32"]},
        "allowedCidrs: 2001:db8::/32; allowed: IPv4 ranges, unless the load balancer",
    ),
    (
        {"allowedCidrs": ["::/0"], "dualStack": True, "internal": True},
        "allowedCidrs: ::/0; allowed: IPv4 ranges",
    ),
    ({"accessLogs": "s3"}, "accessLogs: s3; allowed: true or false"),
    (
        {"accessLogRetentionDays": 0},
        "accessLogRetentionDays: 0; allowed: a whole number from 1 to 3653",
    ),
    ({"emptyLogsOnDestroy": "yes"}, "emptyLogsOnDestroy: yes; allowed: true or false"),
    ({"waf": "on"}, "waf: on; allowed: one of none, count, block"),
]

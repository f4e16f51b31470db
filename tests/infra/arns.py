"""ARNs of specific resources, and ARNs that match every resource of a kind."""

MATCHING_EVERY_RESOURCE = [
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:*"),
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret*"),
    (
        "secretsmanager:GetSecretValue",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:??????*",
    ),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/*"),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/*"),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/*"),
    ("ssm:GetParameters", "arn:aws:ssm:eu-west-1:123456789012:parameter/*"),
    ("ssm:GetParameters", "arn:aws:ssm:eu-west-1:123456789012:parameter//*"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/*"),
    ("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:123456789012:table/*/index/by-name"),
    ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:123456789012:function:*"),
    ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:*"),
    ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:*:*"),
    ("apigateway:GET", "arn:aws:apigateway:eu-west-1::/restapis/*"),
    ("s3:GetObject", "arn:aws:s3:eu-west-1:123456789012:accesspoint/*"),
    (
        "elasticloadbalancing:ModifyRule",
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/*",
    ),
    (
        "elasticloadbalancing:AddTags",
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/a*",
    ),
    ("wafv2:UpdateIPSet", "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/*"),
    ("wafv2:UpdateIPSet", "arn:aws:wafv2:us-east-1:123456789012:global/ips*/blocked/*"),
    ("s3:GetObject", "arn:aws:s3:::*"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:*"),
]
"""An action, and an ARN that matches every resource of a kind."""

SPECIFIC = [
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:demo/db-??????",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:demo/*",
    "arn:aws:iam::123456789012:role/reader",
    "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "arn:aws:ssm:eu-west-1:123456789012:parameter/demo/*",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/*",
    "arn:aws:lambda:eu-west-1:123456789012:function:resize:*",
    "arn:aws:logs:eu-west-1:123456789012:log-group:/demo:*",
    "arn:aws:apigateway:eu-west-1::/restapis/a1b2c3/*",
    "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/*",
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/*",
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop*",
    "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/blocked/*",
    "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine/object/*",
    "arn:aws:s3:::files/*",
    "arn:aws:s3:::files*",
    "arn:aws:sns:eu-west-1:123456789012:orders*",
    "arn:aws:sqs:eu-west-1:123456789012:orders-*",
]

"""Configurations that are refused, with the error of each."""

from __future__ import annotations

from tests.infra.settings.loading import KEY_ARN

HERE = "ap-northeast-1:123456789012"
VPC, SUBNET = "vpc-12345678", "subnet-12345678"
OWN_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop:1"

APP = "tests/infra/app"
BUILT = {"build": APP, "command": []}

REFUSED = [
    ({"containerPort": 0}, "containerPort: 0; allowed: a whole number from 1 to 65535"),
    ({"containerPort": 65536}, "containerPort: 65536; allowed: a whole number from 1 to 65535"),
    ({"containerPort": "http"}, "containerPort: http; allowed: a whole number"),
    ({"containerPort": "8_0"}, "containerPort: 8_0; allowed: a whole number"),
    ({"containerPort": "٨٠"}, "containerPort: ٨٠; allowed: a whole number"),
    ({"containerPort": ""}, "containerPort: empty; allowed: a whole number"),
    ({"logRetentionDays": 15}, "logRetentionDays: 15; allowed: one of 1, 3, 5, 7, 14, 30"),
    ({"logRetentionDays": 0}, "logRetentionDays: 0; allowed: one of 1, 3"),
    ({"execLogRetentionDays": 8}, "execLogRetentionDays: 8; allowed: one of 1, 3"),
    ({"cpuUnits": 300}, "cpuUnits: 300; allowed: one of 256, 512, 1024"),
    ({"memoryMib": 4096}, "memoryMib: 4096; allowed: with cpuUnits 256, one of 512, 1024, 2048"),
    (
        {"cpuUnits": 8192, "memoryMib": 17408},
        "memoryMib: 17408; allowed: with cpuUnits 8192, one of 16384, 20480",
    ),
    ({"cpuArchitecture": "x86"}, "cpuArchitecture: x86; allowed: one of X86_64, ARM64"),
    ({"ecsExec": "yes"}, "ecsExec: yes; allowed: true or false"),
    (
        {"containerInsights": "on"},
        "containerInsights: on; allowed: one of disabled, enabled, enhanced",
    ),
    (
        {"serviceName": "a-name-of-21-letters-"},
        "serviceName: a-name-of-21-letters-; allowed: lower-case letters",
    ),
    ({"serviceName": "x" * 21}, "at most 20 characters, because a target group's name ends at 32"),
    ({"serviceName": "-web"}, "serviceName: -web; allowed"),
    ({"serviceName": "web_1"}, "serviceName: web_1; allowed"),
    ({"containerName": "my container"}, "containerName: my container; allowed: letters"),
    (
        {"image": "https://example.com/image"},
        "image: https://example.com/image; allowed: an image's name",
    ),
    ({"image": ""}, "image: empty; allowed: an image's name"),
    (
        {**BUILT, "build": {"context": "tests/infra", "target": "service"}},
        "build: tests/infra, which has no file Dockerfile; allowed: a folder with a Dockerfile, or",
    ),
    (
        {**BUILT, "build": {"context": APP, "dockerfile": "Containerfile"}},
        f"build: {APP}, which has no file Containerfile; allowed",
    ),
    (
        {**BUILT, "build": "./missing"},
        "build: ./missing, which is no folder in ",
    ),
    ({**BUILT, "build": f"{APP}/Dockerfile"}, f"build: {APP}/Dockerfile, which is no folder in "),
    (
        {**BUILT, "build": "/srv/app"},
        "build: context /srv/app, which isn't a relative path; allowed: the folder of a Dockerfile",
    ),
    (
        {**BUILT, "build": "https://example.com/app.git"},
        "build: context https://example.com/app.git, which isn't a relative path; allowed",
    ),
    (
        {**BUILT, "build": {"context": None}},
        "build: context null, which isn't a relative path; allowed",
    ),
    ({**BUILT, "build": {"dockerfile": "Dockerfile"}}, "build: no context; allowed: the folder"),
    ({**BUILT, "build": [APP]}, "characters, which is neither a path nor a map; allowed"),
    (
        {**BUILT, "build": {"context": APP, "tag": "a", "args": ["A"], "target": "-"}},
        (
            "build: tag, which is none of context, dockerfile, target, platform, args; target -, "
            "which isn't a stage of the Dockerfile; args that aren't a map; allowed"
        ),
    ),
    (
        {**BUILT, "build": {"context": APP, "args": {"A-B": "x", "VERSION": ["hunter2"]}}},
        (
            "build: an argument named A-B, which isn't a variable's name; an argument VERSION "
            "whose value isn't a text; allowed"
        ),
    ),
    (
        {**BUILT, "build": {"context": APP, "args": {"VERSIONS": "1", "HTTP_PROXY": "a"}}},
        f"build: args VERSIONS, for which {APP}/Dockerfile has no ARG; allowed: arguments that it",
    ),
    (
        {**BUILT, "build": {"context": APP, "target": "services"}},
        f"build: target services, which is no stage of {APP}/Dockerfile; allowed: one of build",
    ),
    (
        {**BUILT, "build": {"context": APP, "platform": "linux/arm64"}},
        "build: platform linux/arm64; allowed: with cpuArchitecture X86_64, linux/amd64, or none",
    ),
    (
        {**BUILT, "build": {"context": APP, "platform": "windows/amd64"}},
        "build: platform windows/amd64, which isn't one of linux/amd64, linux/arm64; allowed",
    ),
    (
        {**BUILT, "image": OWN_IMAGE},
        f"image: {OWN_IMAGE}, beside build {APP}; allowed: only one of the two: take out `image`",
    ),
    (
        {"build": APP},
        "command: the default one, which writes a page and runs nginx; allowed: with build, [] for",
    ),
    (
        {"command": ["sh", ""]},
        "command: [1] empty; allowed: a list, each item a text that isn't empty",
    ),
    ({"command": "sh -c true"}, "command: sh -c true, which is no list; allowed: a list"),
    ({"command": [1.5]}, "command: [0] 1.5; allowed: a list"),
    (
        {"secrets": {"A": "arn:aws:ssm:eu-west-1:1:parameter/a"}},
        "allowed: a map, each name an environment variable's",
    ),
    (
        {"secrets": {"A": "hunter 2"}},
        "each value an SSM parameter like /demo/dev/message, a Secrets Manager secret",
    ),
    ({"secrets": {"A": "/aws/reserved"}}, "each value an SSM parameter"),
    ({"secrets": {"A": "/" + "/".join("abcdefghijklmnop")}}, "each value an SSM parameter"),
    ({"secrets": {"A": "/demo/dev/message#key"}}, "each value an SSM parameter"),
    ({"secrets": {"A": "secretsmanager:db#"}}, "each value an SSM parameter"),
    (
        {"secrets": {"A": f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf:password:"}},
        (
            "secrets: A with a value of 77 characters, not shown: a secret that isn't "
            "followed by exactly :KEY:STAGE:VER"
        ),
    ),
    ({"secrets": {"A": f"arn:aws:secretsmanager:{HERE}:secret:db"}}, "or the whole ARN of either"),
    (
        {"secrets": {}, "secretKeyArns": [KEY_ARN]},
        f"secretKeyArns: {KEY_ARN}; allowed: none, unless secrets names what they",
    ),
    (
        {"secretKeyArns": ["alias/mine"]},
        "secretKeyArns: [0] alias/mine; allowed: a list, each item a KMS key's ARN",
    ),
    (
        {"logKeyArn": "mine"},
        "logKeyArn: mine; allowed: a KMS key's ARN, like arn:aws:kms:REGION:ACCOUNT:key/ID; empty",
    ),
    ({"execKeyArn": "mine"}, "execKeyArn: mine; allowed: a KMS key's ARN"),
    (
        {"execKeyArn": KEY_ARN, "ecsExec": False},
        f"execKeyArn: {KEY_ARN}; allowed: empty, unless ecsExec is true",
    ),
    ({"permissionsBoundaryArn": "Admin"}, "permissionsBoundaryArn: Admin; allowed: a policy's ARN"),
    (
        {"taskPolicyStatements": [{"Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}]},
        (
            "taskPolicyStatements: statement 0 allows s3:*, which is not one action; "
            "allowed: a list of statements"
        ),
    ),
    ({"taskPolicyStatements": {}}, "taskPolicyStatements: {}, which is not a list; allowed"),
    ({"requireImageDigest": "maybe"}, "requireImageDigest: maybe; allowed: true or false"),
    (
        {"requireImageDigest": True},
        (
            "stable, whose tag can be moved to another image; allowed: NAME@DIGEST with "
            "what `docker buildx imagetools"
        ),
    ),
    (
        {"requireImageDigest": True, "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:1"},
        (
            "--registry-id 123456789012 --region eu-west-1 --repository-name a/b --image-ids "
            "imageTag=1"
        ),
    ),
    ({"user": "root", "containerPort": 8080}, "user: root; allowed: a user id other than root's"),
    ({"user": "0:101", "containerPort": 8080}, "user: 0:101; allowed: a user id other than root's"),
    ({"user": "101"}, "containerPort: 80; allowed: with a user that isn't root, at least 1024"),
    (
        {"dropCapabilities": ["CAP_NET_RAW", "raw"]},
        "dropCapabilities: [0] CAP_NET_RAW, [1] raw; allowed: a list, each item a Linux capability",
    ),
    ({"egress": ["10.0.0.0/8:1", "x", 5]}, "egress: [1] x, [2] 5; allowed: a list, each item a"),
    (
        {"writablePaths": ["tmp"]},
        "writablePaths: [0] tmp; allowed: a list, each item a folder's absolute path",
    ),
    ({"writablePaths": ["/a/../etc"]}, "each item a folder's absolute path"),
    ({"writablePaths": ["/"]}, "each item a folder's absolute path"),
    (
        {"writablePaths": ["/tmp", "/tmp/a"]},
        "writablePaths: /tmp/a; allowed: each folder once, and none that is inside",
    ),
    (
        {"writablePaths": ["/tmp", "/tmp"]},
        "writablePaths: /tmp; allowed: each folder once, and none that is inside another one",
    ),
    (
        {"secrets": {"A": None}},
        "secrets: A with null (write a text in quotes, or leave the name out); allowed: a map",
    ),
    (
        {"secrets": {"A": "hunter 2", "B": "/b"}},
        "secrets: A with a value of 8 characters, not shown: no ARN, no sec",
    ),
    ({"secrets": {"1A": "/demo"}}, "each name an environment variable's name"),
    ({"secrets": ["/demo"]}, "secrets: a list, which is no map; allowed: a map"),
    (
        {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}},
        "an environment variable's name other than a credential's",
    ),
    (
        {"environment": {"APP_MESSAGE": "x"}},
        "environment: APP_MESSAGE, which secrets has too; allowed: a name that",
    ),
    ({"desiredCount": -1}, "desiredCount: -1; allowed: a whole number from 0 to 5000"),
    (
        {"desiredCount": 1, "minimumHealthyPercent": 100, "maximumPercent": 150},
        (
            "maximumPercent: 150; allowed: with desiredCount 1 and minimumHealthyPercent "
            "100, at least 200"
        ),
    ),
    ({"maximumPercent": 100}, "maximumPercent: 100; allowed: a whole number from 101 to 400"),
    (
        {"minimumHealthyPercent": 101},
        "minimumHealthyPercent: 101; allowed: a whole number from 0 to 100",
    ),
    ({"healthCheckGraceSeconds": -1}, "healthCheckGraceSeconds: -1; allowed"),
    ({"healthCheckPath": "health"}, "healthCheckPath: health; allowed: a path that begins with /"),
    ({"healthCheckPath": "/" + "x" * 1024}, "allowed: a path that begins with / and has no spaces"),
    (
        {"healthCheckCodes": "200-599"},
        "healthCheckCodes: 200-599; allowed: HTTP codes from 200 to 499",
    ),
    (
        {"healthCheckIntervalSeconds": 4},
        "healthCheckIntervalSeconds: 4; allowed: a whole number from 5 to 300",
    ),
    (
        {"healthCheckIntervalSeconds": 5},
        "healthCheckTimeoutSeconds: 5; allowed: less than healthCheckIntervalSeconds, 5",
    ),
    ({"healthyThreshold": 1}, "healthyThreshold: 1; allowed: a whole number from 2 to 10"),
    ({"unhealthyThreshold": 11}, "unhealthyThreshold: 11; allowed: a whole number from 2 to 10"),
    (
        {"idleTimeoutSeconds": 4001},
        "idleTimeoutSeconds: 4001; allowed: a whole number from 1 to 4000",
    ),
    ({"drainSeconds": 1}, "drainSeconds: 1; allowed: a whole number from 2 to 120"),
    (
        {"drainSeconds": 120, "steadyStateTimeoutMinutes": 4},
        (
            "steadyStateTimeoutMinutes: 4; allowed: more than the 240 s that a task may "
            "drain and then stop"
        ),
    ),
    ({"stopTimeoutSeconds": 1}, "stopTimeoutSeconds: 1; allowed: 0, for drainSeconds, or from 2"),
    ({"stopTimeoutSeconds": 121}, "stopTimeoutSeconds: 121; allowed: a whole number from 0 to 120"),
    (
        {"stopTimeoutSeconds": 29},
        "stopTimeoutSeconds: 29; allowed: at least the 30 s that drainSeconds lets a task",
    ),
    (
        {"deregistrationDelaySeconds": 31},
        "deregistrationDelaySeconds: 31; allowed: at most the 30 s that a task has",
    ),
    (
        {"deregistrationDelaySeconds": 9, "stopTimeoutSeconds": 8},
        "deregistrationDelaySeconds: 9; allowed: at most the 8 s that a task has to stop",
    ),
    (
        {"stopTimeoutSeconds": 110, "steadyStateTimeoutMinutes": 2},
        (
            "steadyStateTimeoutMinutes: 2; allowed: more than the 140 s that a task may "
            "drain and then stop"
        ),
    ),
    (
        {"vpcCidr": "10.0.0.1/16"},
        "vpcCidr: 10.0.0.1/16; allowed: an IPv4 network address from /16 to /24",
    ),
    ({"vpcCidr": "10.0.0.0/25"}, "vpcCidr: 10.0.0.0/25; allowed"),
    ({"vpcCidr": "10.0.0.0/255.255.0.0"}, "vpcCidr: 10.0.0.0/255.255.0.0; allowed"),
    ({"vpcCidr": "10.0.0.0"}, "vpcCidr: 10.0.0.0; allowed"),
    ({"vpcCidr": "fd00::/16"}, "vpcCidr: fd00::/16; allowed"),
    ({"availabilityZoneCount": 1}, "availabilityZoneCount: 1; allowed: a whole number from 2 to 6"),
    ({"vpcId": "my-vpc"}, "vpcId: my-vpc; allowed: a VPC's id, like vpc-0a1b2c3d"),
    (
        {"subnetIds": ["subnet-12345678"]},
        "subnetIds: subnet-12345678; allowed: none, unless vpcId or vpcTags names their VPC",
    ),
    (
        {"network": "private"},
        "network: private; allowed: one of public, nat, nat-per-zone, endpoints",
    ),
    (
        {"network": "nat-per-zone", "vpcId": VPC},
        "network: nat-per-zone; allowed: public or nat in an existing VPC, whose gateways",
    ),
    (
        {"network": "endpoints", "vpcTags": {"Name": "a"}, "image": OWN_IMAGE},
        (
            "network: endpoints; allowed: public or nat in an existing VPC, whose gateways and "
            "endpoints belong to its owner"
        ),
    ),
    (
        {"network": "endpoints"},
        "image: public.ecr.aws/nginx/nginx:stable, in a registry that has no endpoint in a VPC",
    ),
    (
        {"network": "endpoints", "image": OWN_IMAGE, "dualStack": True},
        (
            "dualStack: true; allowed: false with network endpoints, which has no route to the "
            "internet"
        ),
    ),
    (
        {"network": "nat", "vpcCidr": "10.0.0.0/24", "availabilityZoneCount": 5},
        (
            "vpcCidr: 10.0.0.0/24; allowed: with network nat and 5 zones a /23 or wider, as "
            "each subnet needs a /27"
        ),
    ),
    (
        {"vpcId": VPC, "vpcTags": {"Name": "a"}},
        "vpcTags: Name=a; allowed: none, as vpcId names the VPC already",
    ),
    (
        {"vpcTags": {"Name": ["a"]}},
        "vpcTags: Name with a list, not shown (write a text in quotes); allowed: a map",
    ),
    (
        {"environment": {"Y": 1.5, "A": 80, "B": True}},
        "environment: Y with a number that isn't whole, not shown (write it in quotes); allowed: a",
    ),
    (
        {"environment": {"N": None, "M": {"a": 1}}},
        "environment: M with a map, not shown (write a text in quotes), N with null (write a text",
    ),
    (
        {"subnetTags": {"Name": "a"}},
        "subnetTags: Name=a; allowed: none, unless vpcId or vpcTags names their VPC",
    ),
    (
        {"vpcId": VPC, "subnetIds": [SUBNET], "subnetTags": {"Name": "a"}},
        "subnetTags: Name=a; allowed: none, as subnetIds names the subnets already",
    ),
    (
        {"vpcId": VPC, "taskSubnetIds": [SUBNET]},
        (
            f"taskSubnetIds: {SUBNET}; allowed: none with network public, where tasks are in "
            "the load balancer's subnets"
        ),
    ),
    (
        {"vpcId": VPC, "network": "nat", "taskSubnetIds": [SUBNET], "taskSubnetTags": {"A": ""}},
        "taskSubnetTags: A=; allowed: none, as taskSubnetIds names the subnets already",
    ),
    (
        {"taskSubnetTags": {"A": "b"}, "network": "nat"},
        "taskSubnetTags: A=b; allowed: none, unless vpcId or vpcTags names",
    ),
    ({"dualStack": "both"}, "dualStack: both; allowed: true or false"),
    (
        {"egress": ["10.0.0.0/8"]},
        "egress: [0] 10.0.0.0/8; allowed: a list, each item a network and its TCP port",
    ),
    (
        {"egress": ["10.0.0.1/8:5432"]},
        "each item a network and its TCP port or ports, like 10.0.0.0/8:5432",
    ),
    ({"egress": ["10.0.0.0/8:0"]}, "each item a network and its TCP port"),
    ({"egress": ["10.0.0.0/8:99999"]}, "each item a network and its TCP port"),
    ({"egress": ["10.0.0.0/8:90-80"]}, "each item a network and its TCP port"),
    (
        {"egress": ["10.0.0.0/8:1", "10.0.0.0/8:1"]},
        "egress: 10.0.0.0/8:1; allowed: each destination once",
    ),
    (
        {"egress": ["0.0.0.0/0:443"]},
        (
            "egress: 0.0.0.0/0:443; allowed: destinations other than HTTPS anywhere, which is "
            "allowed already with network public"
        ),
    ),
    (
        {"egress": ["::/0:443"], "dualStack": True},
        "egress: ::/0:443; allowed: destinations other than HTTPS anywhere",
    ),
    (
        {"egress": ["::/0:443"]},
        "egress: ::/0:443; allowed: IPv4 destinations only without dualStack",
    ),
    (
        {"egress": ["10.0.0.0/8:1", "2001:db8::/32:1"]},
        "egress: 2001:db8::/32:1; allowed: IPv4 destinations only without dualStack",
    ),
    (
        {"egress": [f"10.0.0.0/8:{port}" for port in range(1, 52)]},
        "egress: 51 of them; allowed: at most 50",
    ),
    ({"flowLogs": "on"}, "flowLogs: on; allowed: one of none, reject, all"),
    ({"flowLogRetentionDays": 2}, "flowLogRetentionDays: 2; allowed: one of 1, 3"),
    (
        {"vpcId": "vpc-12345678", "subnetIds": ["a"]},
        "subnetIds: [0] a; allowed: a list, each item a subnet's id",
    ),
    ({"conatinerPort": 8080}, "conatinerPort: an unknown key; allowed: perhaps containerPort"),
    ({"zzz": 1}, "zzz: an unknown key; allowed: one of the keys in docs/config.md"),
    ({"region": "us-east-1"}, "region: an unknown key; allowed: perhaps aws:region\n"),
    ({"servicename": "a"}, "servicename: an unknown key; allowed: perhaps serviceName\n"),
    ({"port": 80}, "port: an unknown key; allowed: perhaps containerPort\n"),
    ({"cpu": 256}, "cpu: an unknown key; allowed: perhaps cpuUnits or cpuArchitecture\n"),
    ({"containerImage": "a"}, "containerImage: an unknown key; allowed: perhaps image\n"),
    (
        {"environment.LEVEL": "a"},
        "environment.LEVEL: an unknown key; allowed: environment, which `pulumi config set",
    ),
    (
        {"paths[0]": "/api"},
        (
            "paths[0]: an unknown key; allowed: paths, which `pulumi config set --path 'paths[0]' "
            "VALUE` changes; `pulumi config rm 'paths[0]'` removes this key\n"
        ),
    ),
]

"""Second tokens, for types and functions that pulumi-aws has under two names.

pulumi-aws keeps the types of Elastic Load Balancing in the modules `lb` and `alb`, and some of S3's
under the names that they had before its version 7. Each pair is the same resource of Terraform's
provider. Types that were renamed with other inputs (`aws.s3.BucketV2`) are separate types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALB = (
    "getListener",
    "getLoadBalancer",
    "getTargetGroup",
    "listener",
    "listenerCertificate",
    "listenerRule",
    "loadBalancer",
    "targetGroup",
    "targetGroupAttachment",
)
_V2 = (
    "bucketLifecycleConfiguration",
    "bucketServerSideEncryptionConfiguration",
    "bucketVersioning",
)


def _token(module: str, name: str) -> str:
    """Return the token of a type (`loadBalancer`) or function (`getLoadBalancer`) of a module."""
    last = name if name.startswith("get") else name[0].upper() + name[1:]
    return f"aws:{module}/{name}:{last}"


SECOND_TOKENS: Mapping[str, str] = {
    **{_token("alb", name): _token("lb", name) for name in _ALB},
    **{_token("s3", f"{name}V2"): _token("s3", name) for name in _V2},
}
"""The token under which the catalog has a type, or `account/invokes.py` a function, by its second
token.
"""


def canonical(token: str) -> str:
    """Return the first token for a second token; any other token is returned unchanged."""
    return SECOND_TOKENS.get(token, token)

"""Rule groups of AWS WAF that a stack's web ACL has. Pure."""

from __future__ import annotations

from typing import Final

MANAGED_RULES: Final = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
"""Rule groups, the cheapest first. They take 925 of the 1500 capacity units that a web ACL's base
price includes. Source: AWS WAF.
"""

"""The security policies of HTTPS listeners, and the TLS versions of each."""

from __future__ import annotations

import re

DEFAULT = "ELBSecurityPolicy-2016-08"
"""The policy of a listener that sets none."""

_SINCE_TLS_1_3 = re.compile(
    r"ELBSecurityPolicy-TLS13-1-(?P<oldest>[0-3])(-Res|-Ext[012])?(-FIPS)?"
    r"(-2021-06|-2023-04|-PQ-2025-09)"
)
_BEFORE_TLS_1_3 = {
    "ELBSecurityPolicy-2015-05": "1.0",
    "ELBSecurityPolicy-2016-08": "1.0",
    "ELBSecurityPolicy-TLS-1-0-2015-04": "1.0",
    "ELBSecurityPolicy-TLS-1-1-2017-01": "1.1",
    "ELBSecurityPolicy-TLS-1-2-2017-01": "1.2",
    "ELBSecurityPolicy-TLS-1-2-Ext-2018-06": "1.2",
    "ELBSecurityPolicy-FS-2018-06": "1.0",
    "ELBSecurityPolicy-FS-1-1-2019-08": "1.1",
    "ELBSecurityPolicy-FS-1-2-2019-08": "1.2",
    "ELBSecurityPolicy-FS-1-2-Res-2019-08": "1.2",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10": "1.2",
}


def versions(policy: str) -> tuple[str, str] | None:
    """Return a policy's oldest and newest TLS version, `("1.2", "1.3")`; None for an unknown one.

    Source: AWS's guide to security policies for Application Load Balancers.
    """
    if policy in _BEFORE_TLS_1_3:
        return _BEFORE_TLS_1_3[policy], "1.2"
    found = _SINCE_TLS_1_3.fullmatch(policy)
    return (f"1.{found['oldest']}", "1.3") if found else None

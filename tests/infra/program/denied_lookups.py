"""An engine whose caller lacks the permissions for what only the pre-flight looks up."""

from __future__ import annotations

from typing import Any

from localaws.catalog import Refusal
from localaws.mocks import Mistake
from localaws.mocks.mistake import LookupFailedError
from tests.infra import recorder

PARAMETER = "aws:ssm/getParameter:getParameter"
SECRET = "aws:secretsmanager/getSecret:getSecret"
ACTIONS = {
    PARAMETER: "ssm:GetParameter",
    SECRET: "secretsmanager:DescribeSecret",
    "aws:acm/getCertificate:getCertificate": "acm:ListCertificates",
    "aws:ec2/getVpcs:getVpcs": "ec2:DescribeVpcs",
    "aws:ec2/getEips:getEips": "ec2:DescribeAddresses",
}
"""Lookups, and the first action that each takes."""


class Denying(recorder.Recorder):
    """An engine whose caller may take none of these actions."""

    message = (
        "User: arn:aws:iam::123456789012:user/x is not authorized to perform: {action} on "
        "resource: y"
    )

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        if request.tok not in ACTIONS:
            return super().Invoke(request)
        message = self.message.format(action=ACTIONS[request.tok])
        refusal = Refusal("AccessDenied", f"api error AccessDeniedException: {message}", "a.rule")
        raise LookupFailedError(request.tok, Mistake("invoking", refusal))

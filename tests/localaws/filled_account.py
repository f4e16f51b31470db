"""An account with exactly the resources that a test puts there, without the rules of creation."""

from __future__ import annotations

from typing import Any

from localaws.account.cloud import Cloud
from localaws.catalog.account import Resource

REGION = "eu-west-1"


class FilledAccount(Cloud):
    """A cloud in memory that takes resources that AWS would refuse, such as one without its VPC."""

    def put(self, token: str, identifier: str, **outputs: Any) -> None:
        """Make a resource, or change some of its outputs."""
        current = self.get(token, identifier)
        inputs = {**(current.outputs if current else {}), **outputs}
        self._put(Resource(token, identifier, "", REGION, inputs, {}))
        self.changed()

    def remove(self, token: str, identifier: str) -> None:
        """Remove a resource, whatever refers to it."""
        resource = self.get(token, identifier)
        if resource is not None:
            self._remove(resource)
            self.draining.discard(identifier)
            self.changed()

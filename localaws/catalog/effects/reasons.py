"""The reasons why no run mentions an input without effect, where several types share them."""

from __future__ import annotations

ADDRESSES = "an address is of the subnet's block, or of this machine"
CATALOG_ONLY = "the catalog's rules use it"
NAME = "it is a name"
NO_MACHINE = "an instance is a network here, not a machine"
NO_METRICS = "no metrics are recorded"
REGION = "it is in ARNs; all regions are this machine"
TAGS = "tags are shown, and nothing here reads them"
TEXT = "it is a text for people"
WRITE_ONLY = "its change makes the provider write the value again"

EVERYWHERE = {"region": REGION, "tags": TAGS}

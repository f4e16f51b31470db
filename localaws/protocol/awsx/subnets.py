"""The subnets of awsx's VPCs, and their ranges by each of its strategies.

Source: pulumi-awsx at e60adf3c, awsx/ec2/subnetDistributorLegacy.ts, subnetDistributorNew.ts and
subnetNaming.ts.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Specs = Sequence[Mapping[str, Any]]

TYPES = ("Public", "Private", "Isolated", "Unused")

_DEFAULT = ({"type": "Private"}, {"type": "Public"})
_LEGACY_MASKS = {"Private": 19, "Public": 20, "Isolated": 24}
"""The prefix length of the largest default subnet of the Legacy strategy, by type, in the order of
the subnets' ranges.
"""

_SMALLEST_DEFAULT = 26
_BITS = 32
_SIZES = frozenset(1 << bits for bits in range(2, _BITS + 1))
"""Numbers of addresses that a subnet may have."""

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-")


@dataclass(frozen=True)
class SubnetPlan:
    """A subnet to create."""

    name: str
    kind: str
    zone: str
    cidr: str
    tags: Any
    """A dict, or UNKNOWN."""

    name_tag: str = ""
    assign_ipv6: bool | None = None
    """Whether network interfaces in it get an IPv6 address; None means if the VPC has IPv6."""


def plans(
    name: str, cidr: str, zones: Sequence[str], inputs: Mapping[str, Any]
) -> list[SubnetPlan]:
    """Return the subnets of a VPC with these inputs, zone by zone, in the order of `TYPES`.

    Raises:
        ValueError: The real component refuses the inputs too.
    """
    specs = _normalized(inputs.get("subnetSpecs"), len(zones))
    strategy = inputs.get("subnetStrategy") or "Legacy"
    if strategy == "Legacy":
        ranges = legacy_ranges(cidr, len(zones), specs)
    elif specs and specs[0].get("cidrBlocks") is not None:
        blocks = [each["cidrBlocks"] for each in specs]
        ranges = [list(of_zone) for of_zone in zip(*blocks, strict=True)]
    else:
        ranges = auto_ranges(cidr, len(zones), specs, inputs.get("availabilityZoneCidrMask"))
    by_zone = inputs.get("subnetNameTagStrategy") == "AvailabilityZone"
    if by_zone:
        _require_distinct_suffixes(zones)
    found = []
    for number, (zone, of_zone) in enumerate(zip(zones, ranges, strict=True), start=1):
        planned = []
        for spec, cidr_of_subnet in zip(_in_order(specs, strategy), of_zone, strict=True):
            if spec["type"] != "Unused":
                plan = _plan(name, spec, zone, str(number), cidr_of_subnet, by_zone=by_zone)
                planned.append(plan)
        found += sorted(planned, key=lambda each: TYPES.index(each.kind))
    _require_apart(found)
    return found


def _plan(
    name: str, spec: Mapping[str, Any], zone: str, number: str, cidr: str, *, by_zone: bool
) -> SubnetPlan:
    prefix = f"{name}-{spec.get('name') or spec['type'].lower()}"
    return SubnetPlan(
        name=f"{prefix}-{number}",
        kind=spec["type"],
        zone=zone,
        cidr=cidr,
        tags=spec.get("tags") or {},
        name_tag=f"{prefix}-{_suffix(zone) if by_zone else number}",
        assign_ipv6=spec.get("assignIpv6AddressOnCreation"),
    )


def _suffix(zone: str) -> str:
    """Return the region's number and the zone's letter: `1a` for `us-east-1a`."""
    return _REGION.sub("", zone, count=1)


def _require_distinct_suffixes(zones: Sequence[str]) -> None:
    suffixes = [_suffix(zone) for zone in zones]
    if len(set(suffixes)) < len(suffixes):
        raise ValueError(
            'subnetNameTagStrategy="AvailabilityZone" requires availability zones with '
            "distinct suffixes, got "
            f"{', '.join(zones)}"
        )


def _normalized(specs: Specs | None, zones: int) -> list[dict[str, Any]] | None:
    """Return the specs, with `cidrMask` set where they have a `size`.

    Raises:
        ValueError: The specs are invalid or contradict each other.
    """
    if specs is None:
        return None
    found = [{**spec, "type": str(spec.get("type")).capitalize()} for spec in specs]
    issues = [*_naming_issues(found), *_size_issues(found), *_block_issues(found, zones)]
    if issues:
        raise ValueError("\n - ".join(["Invalid subnet specifications:", *issues]))
    for spec in found:
        if spec.get("cidrMask") is None and spec.get("size") is not None:
            spec["cidrMask"] = _BITS - (int(spec["size"]) - 1).bit_length()
    return found


def _naming_issues(specs: Specs) -> Iterator[str]:
    seen: set[tuple[str, str | None]] = set()
    repeated: set[str] = set()
    for spec in specs:
        kind = spec["type"]
        name = spec.get("name")
        if (kind, name) in seen:
            repeated.add(kind)
        seen.add((kind, name))
    for kind in sorted(repeated):
        yield (
            f'Multiple subnet specs of type "{kind.lower()}" require unique names. You can have at '
            "most one unnamed subnet per type. All other subnets of the same type must have unique "
            '"name" properties to avoid duplicate resource names.'
        )


def _size_issues(specs: Specs) -> Iterator[str]:
    for spec in specs:
        size, mask = spec.get("size"), spec.get("cidrMask")
        if size is None:
            continue
        if size not in _SIZES:
            yield (
                f"The following subnet sizes are invalid: {size}. Valid sizes are powers of "
                "2 from 4 on."
            )
        elif mask is not None and _size(int(mask)) != size:
            expected = _size(int(mask))
            yield (
                f"Subnet size {size} does not match the expected size for a /{mask} subnet "
                f"({expected})."
            )


def _block_issues(specs: Specs, zones: int) -> Iterator[str]:
    if all(spec.get("cidrBlocks") is None for spec in specs):
        return
    for index, spec in enumerate(specs):
        blocks = spec.get("cidrBlocks")
        if blocks is None:
            yield (
                "If any subnet spec has explicit cidrBlocks, all subnets must have explicit "
                "cidrBlocks."
            )
        elif len(blocks) != zones:
            yield (
                f"The number of CIDR blocks in subnetSpecs[{index}] must match the "
                "number of availability zones "
                f"({zones})."
            )
        elif spec.get("cidrMask") not in {None, *(_network(each).prefixlen for each in blocks)}:
            yield (
                f"The cidrMask in subnetSpecs[{index}] must match all cidrBlocks or be left "
                "undefined."
            )


def _in_order(specs: Specs | None, strategy: str) -> Specs:
    """Return the specs in the order of their ranges."""
    found = _DEFAULT if specs is None else specs
    if strategy != "Legacy":
        return found
    ordered: list[Mapping[str, Any]] = []
    for kind in _LEGACY_MASKS:
        ordered += _of_kind(found, kind)
    return ordered


def _of_kind(specs: Specs, kind: str) -> list[Mapping[str, Any]]:
    return [each for each in specs if each["type"] == kind]


def _network(cidr: str) -> ipaddress.IPv4Network:
    """Return the network of a CIDR block; host bits are ignored, as in awsx."""
    return ipaddress.IPv4Network(cidr, strict=False)


def _block(start: int, mask: int) -> ipaddress.IPv4Interface:
    if mask > _BITS:
        raise ValueError(f"Requested a /{mask} network, but an IPv4 address has {_BITS} bits.")
    return ipaddress.IPv4Interface((start, mask))


def _size(mask: int) -> int:
    """Return the number of addresses in a network with this prefix length."""
    return 1 << (_BITS - mask)


def _zone_bits(zones: int) -> int:
    return (zones - 1).bit_length()


def auto_ranges(
    cidr: str, zones: int, specs: Specs | None, zone_mask: int | None = None
) -> list[list[str]]:
    """Return each zone's ranges by the Auto strategy, in the order of the specs.

    The zones divide the VPC into equal parts, a power of two in number. In a zone, a spec has the
    size of its `cidrMask`, or an equal share, and is aligned to its size.

    Raises:
        ValueError: The subnets don't fit into the VPC.
    """
    vpc = _network(cidr)
    mask = zone_mask or vpc.prefixlen + _zone_bits(zones)
    if specs is None:
        if mask > _SMALLEST_DEFAULT:
            raise ValueError(
                "Automatic subnet creation requires a VPC with at least "
                f"/{_SMALLEST_DEFAULT} available per AZ, but "
                f"only /{mask} is available. If you do need very small subnets, please "
                "specify them explicitly."
            )
        masks = [max(mask, 16) + 1, max(mask, 16) + 2]
    elif not specs:
        raise ValueError("No subnets specified")
    else:
        masks = [int(spec.get("cidrMask") or mask + _zone_bits(len(specs))) for spec in specs]
    room = _size(mask)
    needed = sum(map(_size, masks))
    if needed > room:
        raise ValueError(
            f"Subnets are too large for VPC. VPC has {room} addresses, but subnets "
            f"require {needed} addresses."
        )
    found = []
    for number in range(zones):
        free = int(vpc.network_address) + number * room
        of_zone: list[str] = []
        for each in masks:
            # The first address from `free` on that is a multiple of the size.
            start = -(-free // _size(each)) * _size(each)
            of_zone.append(str(_block(start, each)))
            free = start + _size(each)
        found.append(of_zone)
    return found


def legacy_ranges(cidr: str, zones: int, specs: Specs | None) -> list[list[str]]:
    """Return each zone's ranges by the Legacy strategy: private, public, then isolated ones.

    A type's ranges start behind the last range of the type before. The n-th subnet of a type starts
    n times its size from there; if it would overlap the subnet before it, which can have another
    size, it is moved behind that. As in the real component, a range can have host bits, which AWS
    refuses, or be outside of the VPC.

    Raises:
        ValueError: A prefix length is longer than an address.
    """
    vpc = _network(cidr)
    share = vpc.prefixlen + _zone_bits(zones)
    found = []
    for number in range(zones):
        base = _block(int(vpc.network_address) + number * _size(share), share)
        if specs is None:
            private = _block(int(base.ip), share + 1)
            found.append([str(private), str(_block(_behind(private), share + 2))])
        else:
            found.append(_legacy_zone(base, specs))
    return found


def _legacy_zone(base: ipaddress.IPv4Interface, specs: Specs) -> list[str]:
    share = base.network.prefixlen + (0 if len(specs) == 1 else 1)
    made: list[ipaddress.IPv4Interface] = []
    for kind, largest in _LEGACY_MASKS.items():
        start = int(made[-1].ip) + made[-1].network.num_addresses if made else int(base.ip)
        for position, spec in enumerate(_of_kind(specs, kind)):
            mask = int(spec.get("cidrMask") or max(share, largest))
            block = _block(start + position * _size(mask), mask)
            if made and block.network.overlaps(made[-1].network):
                # Behind the block of the new size in which the last one ends.
                last_address = _behind(made[-1]) - 1
                block = _block(_behind(_block(last_address, mask)), mask)
            made.append(block)
    return list(map(str, made))


def _behind(block: ipaddress.IPv4Interface) -> int:
    """Return the first address behind a block's network."""
    return int(block.network.network_address) + block.network.num_addresses


def _require_apart(found: Sequence[SubnetPlan]) -> None:
    """Check that no subnets overlap.

    Raises:
        ValueError: Some do.
    """
    listed = ""
    number = 0
    for each in found:
        if _overlaps_another(each, found):
            number += 1
            listed += f"\n{number}. {each.name}: {each.cidr}"
    if listed:
        raise ValueError(
            "The following subnets overlap with at least one other subnet. Make the CIDR "
            "for the VPC larger, reduce "
            f"the size of the subnets per AZ, or use less Availability Zones:\n{listed}"
        )


def _overlaps_another(plan: SubnetPlan, others: Sequence[SubnetPlan]) -> bool:
    for other in others:
        if other is not plan and _network(other.cidr).overlaps(_network(plan.cidr)):
            return True
    return False

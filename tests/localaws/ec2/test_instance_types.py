"""The instance types that the local AWS has."""

from __future__ import annotations

import pytest

from localaws.ec2.instance_types import INSTANCE_TYPES, UnknownInstanceTypeError, instance_type


def test_a_t3_small_has_what_others_registered() -> None:
    found = instance_type("t3.small")
    assert (found.cpu_units, found.memory_mib, found.architecture) == (2048, 1901, "X86_64")


def test_without_a_known_number_a_share_of_the_memory_is_registered() -> None:
    found = instance_type("t4g.small")
    assert (found.memory_mib, found.architecture) == (1904, "ARM64")


def test_every_known_number_is_near_that_share() -> None:
    for each in INSTANCE_TYPES.values():
        assert each.memory_mib % 1 == 0
        assert each.vcpus in {2, 4, 8, 16}
    assert 0.9 < INSTANCE_TYPES["c5.large"].memory_mib / 4096 < 0.95


def test_an_unknown_type_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownInstanceTypeError, match=r"t1\.huge: the local AWS doesn't know"):
        instance_type("t1.huge")

"""Readers of the formats TAP and Prometheus, which fail on what these formats don't allow."""

import re

METRIC = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\} (-?[0-9.e+-]+)')


def metrics(text: str) -> dict[tuple[str, str], float]:
    """Read Prometheus' text format: each sample once, below the TYPE line of its metric."""
    found: dict[tuple[str, str], float] = {}
    typed: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed.append(line.split()[2])
        elif not line.startswith("# HELP "):
            sample = METRIC.fullmatch(line)
            assert sample, line
            assert sample[1] == typed[-1]
            assert (sample[1], sample[2]) not in found
            found[sample[1], sample[2]] = float(sample[3])
    assert len(typed) == len(set(typed))
    return found


def tap_points(text: str) -> dict[str, bool]:
    """Read TAP 14, and return by description whether each point is good."""
    version, plan, *lines = text.splitlines()
    assert version == "TAP version 14"
    points: dict[str, bool] = {}
    for line in lines:
        point = re.fullmatch(r"(not )?ok (\d+) - ((?:[^\\#]|\\[\\#])*)( # SKIP .*)?", line)
        if point is None:
            assert re.fullmatch(r"  (---|\.\.\.|[a-z]+: (\".*\"|true|false))", line), line
            continue
        assert int(point[2]) == len(points) + 1
        points[point[3].strip()] = not point[1]
    assert plan == f"1..{len(points)}"
    return points

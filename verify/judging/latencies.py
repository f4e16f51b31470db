"""How long answers took, in memory that doesn't grow with their number."""

from collections import Counter

RANKS = (50, 90, 95, 99)
"""The percentiles that a report has."""


class Latencies:
    """Counts of latencies by their first three digits.

    The shortest, the longest and the mean are exact.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[float] = Counter()
        self._number = 0
        self._sum = 0.0
        self._shortest = float("inf")
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[float(f"{seconds:.3g}")] += 1
        self._number += 1
        self._sum += seconds
        self._shortest = min(self._shortest, seconds)
        self._longest = max(self._longest, seconds)

    def summary(self) -> dict[str, float]:
        """Return the ranks of `report.latency`, percentiles by nearest rank to three digits."""
        if not self._number:
            return {}
        ordered = iter(sorted(self._counts.items()))
        found = {}
        seen, value = 0, 0.0
        for percent in RANKS:
            rank = -(-self._number * percent // 100)  # rounded up, in whole numbers
            while seen < rank:
                value, count = next(ordered)
                seen += count
            # Three digits may be beyond the exact bounds.
            found[f"p{percent}"] = min(max(value, self._shortest), self._longest)
        return {
            "min": self._shortest,
            "mean": self._sum / self._number,
            **found,
            "max": self._longest,
        }

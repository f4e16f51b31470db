"""Which tasks answered: how many requests tell, and what names a task."""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

from verify.judging import regexes
from verify.network.outcome import Answer
from verify.options.groups import Options
from verify.options.values import DEFAULT_IDENTITY, Identity

ALWAYS_NEW = (
    "every answer has another name: is it a request's id? if it is a task's, raise --samples"
)
"""What to do where no two answers name the same task."""

_DEFAULT_SAMPLES = 10
_DEFAULT_IN_BYTES = re.compile(DEFAULT_IDENTITY.encode("ascii"))


def miss_probability(tasks: int, samples: int) -> float:
    """Return the chance that `samples` requests to random tasks miss at least one task.

    Random is the worst case: a load balancer that takes turns misses none in `tasks` requests.
    """
    # Inclusion and exclusion over the tasks left out, in whole numbers: floating-point terms that
    # almost cancel each other would lose all digits.
    missing = 0
    for left_out in range(1, tasks + 1):
        sequences = math.comb(tasks, left_out) * (tasks - left_out) ** samples
        missing += sequences if left_out % 2 else -sequences
    return float(missing / tasks**samples)


def samples_needed(tasks: int, accepted: float) -> int:
    """Return the fewest requests whose chance to miss a task is at most `accepted`."""
    if tasks == 1:
        return 1
    # The union bound, which is never too few.
    enough = math.ceil(math.log(tasks / accepted) / -math.log1p(-1 / tasks))
    candidates = range(tasks, enough)
    # The key is False, False, ..., True, True: the first True is looked for by halving.
    return tasks + bisect_left(
        candidates, x=True, key=lambda samples: miss_probability(tasks, samples) <= accepted
    )


def planned(options: Options) -> int:
    """Return how many requests the run measures."""
    if options.samples:
        return options.samples
    if not options.expect_tasks:
        return _DEFAULT_SAMPLES
    needed = samples_needed(options.expect_tasks, options.miss_probability)
    return max(needed, _DEFAULT_SAMPLES)


def sticky_cookies(answer: Answer) -> frozenset[str]:
    """Return the names of the cookies with which a load balancer binds a client to a task."""
    cookies = answer.header("set-cookie") or ""
    return frozenset(re.findall(r"\b(AWSALB(?:APP|TG|TGCORS|CORS)?(?:-[0-9])?)=", cookies))


def always_new(tasks: Mapping[str, int]) -> bool:
    """Return whether no two answers name the same task: the name may then be a request's."""
    return len(tasks) > 1 and set(tasks.values()) == {1}


def skewed(tasks: Mapping[str, int]) -> bool:
    """Return whether the busiest task got more than chance explains.

    That is four standard deviations above an equal share.
    """
    if not tasks:
        return False
    answers = sum(tasks.values())
    share = 1 / len(tasks)
    deviation = math.sqrt(answers * share * (1 - share))
    return max(tasks.values()) > answers * share + 4 * deviation


def identify(answer: Answer, identity: Identity) -> str | None:
    """Return the name of the task that made an answer; None where the answer has none."""
    if identity.kind == "header":
        found = answer.header(identity.where)
    elif identity.kind == "json":
        found = answer.at_pointer(identity.where)
    elif identity.where == DEFAULT_IDENTITY:
        found = _default_name(answer)
    else:
        found = _captured(identity.where, answer.text)
    return (found or "").strip() or None


def _default_name(answer: Answer) -> str | None:
    """Find the default page's line without decoding the whole body.

    The expression can't take long, whatever the body is.
    """
    if answer.charset == "utf-8":
        line = _DEFAULT_IN_BYTES.search(answer.body)
        if line is None:
            return None
        # Bytes know fewer kinds of white space than text does.
        name = re.match(r"[^<\s]+", line[1].decode("utf-8", "backslashreplace"))
        if name:
            return name[0]
    match = re.search(DEFAULT_IDENTITY, answer.text)
    return match[1] if match else None


def _captured(pattern: str, text: str) -> str | None:
    """Return the first group of a match, or the whole match where it has no group."""
    found = regexes.search(pattern, text)
    if found is None:
        return None
    return found[1] if len(found) > 1 else found[0]


def count_tasks(named_by: Iterable[str | None]) -> tuple[dict[str, int], int]:
    """Return the answers by task, most first, and the number of answers that name none."""
    counts = Counter(named_by)
    unnamed = counts.pop(None, 0)
    names = sorted(filter(None, counts), key=lambda task: (-counts[task], task))
    return {task: counts[task] for task in names}, unnamed

"""`python -m infra.costs` prints what a stack costs with its configuration.

`pulumi-local cost` runs it, and compares with the stack that is deployed on this machine.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

if find_spec("pulumi") is None:
    sys.stderr.write(
        f"There is no estimate: pulumi isn't installed for {sys.executable}: run `make setup` and "
        "then `.venv/bin/python -m infra.costs`\n"
    )
    sys.exit(1)

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from infra.costs import limit, report
from infra.costs.estimate import estimate
from infra.costs.prices import of_region, regions
from infra.costs.report import Report
from infra.errors import SettingsError
from infra.settings import Settings
from localaws.stack_files import BadStackFile, configured, read_project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).parents[2]

_EXAMPLES: Final = """\
examples:
  python -m infra.costs --stack prod
  pulumi stack output monthlyCostUsd --stack prod --json > deployed.json
  python -m infra.costs --stack prod --deployed deployed.json --format markdown
"""

_FORMATS: Final = {
    "text": report.as_text,
    "markdown": report.as_markdown,
    "json": report.as_json,
}


_EXIT_CODES: Final = """
exit codes:
  0  the cost is estimated, and within the stack's limit if it has one
  1  there is no estimate
  2  wrong arguments
  3  the cost is estimated, and `up` refuses the stack because of its limit
"""

NOT_ESTIMATED: Final = 1
REFUSED: Final = 3


class CannotEstimateError(Exception):
    """The cost can't be estimated; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Print the estimate, and exit as its help describes."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.costs",
        description="What a stack costs a month on AWS by list prices, with its configuration.",
        epilog=f"{_EXAMPLES}{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", required=True, help="a stack with a file Pulumi.STACK.yaml")
    parser.add_argument("--format", choices=_FORMATS, default="text")
    parser.add_argument(
        "--deployed",
        metavar="FILE",
        help="the stack's output monthlyCostUsd as JSON, to compare with; - for standard input",
    )
    options = parser.parse_args(arguments)
    try:
        region, settings = of_stack(ROOT, options.stack)
        deployed = _deployed(options.deployed)
    except CannotEstimateError as reason:
        sys.stderr.write(f"{reason}\n")
        sys.exit(NOT_ESTIMATED)
    estimated = estimate(settings, of_region(region))
    refused = list(limit.problems(settings, region))
    described = Report(
        stack=options.stack,
        region=region,
        estimated=estimated,
        deployed=deployed,
        verdict=limit.verdict(settings, refused),
    )
    sys.stdout.write(_FORMATS[options.format](described))
    sys.exit(REFUSED if refused else 0)


def of_stack(project: Path, stack: str) -> tuple[str, Settings]:
    """Return a stack's region, whose prices are known, and its settings.

    Args:
        project: The folder of Pulumi.yaml.
        stack: The stack's name.

    Raises:
        CannotEstimateError: The configuration can't be read or deployed, or the prices of its
            region aren't known.
    """
    try:
        name = read_project(project)["name"]
        values = configured(project, stack)
    except BadStackFile as error:
        raise CannotEstimateError(str(error)) from None
    region = values.get("aws:region")
    wrong_region = _wrong_region(stack, region)
    texts: dict[str, str] = {}
    encrypted: set[str] = set()
    foreign: list[str] = []
    for full_key, value in values.items():
        namespace, _, key = full_key.partition(":")
        if namespace != name:
            foreign.append(full_key)
            continue
        plain = _without_ciphers(value)
        if plain != value:
            encrypted.add(key)
        texts[key] = plain if isinstance(plain, str) else json.dumps(plain)
    try:
        settings = Settings.of(texts, project=name, stack=stack, secret=encrypted, foreign=foreign)
    except SettingsError as error:
        found = f"{error}\n{wrong_region}" if wrong_region else str(error)
        raise CannotEstimateError(found) from None
    if wrong_region:
        raise CannotEstimateError(wrong_region)
    return str(region), settings


def _wrong_region(stack: str, region: object) -> str | None:
    """Describe a region whose prices aren't known, or that isn't set; None if all is well."""
    known = ", ".join(regions())
    if not region:
        return (
            f"aws:region of the stack {stack} is not set: set it in Pulumi.{stack}.yaml; prices "
            f"are known for {known}"
        )
    if region not in regions():
        return (
            f"aws:region of the stack {stack} is {region}, and prices are known for {known} only: "
            "`python -m tools.prices REGION` reads those of another region from AWS's price list"
        )
    return None


def _without_ciphers(value: Any) -> Any:
    """Replace each encrypted value by a text, as no cost depends on it."""
    if isinstance(value, list):
        return [_without_ciphers(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"secure"}:
        return "encrypted"
    return {name: _without_ciphers(each) for name, each in value.items()}


def _deployed(file: str | None) -> Mapping[str, float]:
    if file is None:
        return {}
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise CannotEstimateError(f"--deployed {file} can't be read: {error}") from None
    if not isinstance(document, dict) or not all(
        isinstance(value, int | float) for value in document.values()
    ):
        raise CannotEstimateError(
            f"--deployed {file} isn't the stack's output monthlyCostUsd: an object of numbers"
        )
    return document


if __name__ == "__main__":
    main()

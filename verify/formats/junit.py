"""For a CI system's test report: a suite per target, a case per phase and check."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from verify.judging.report import Report, Result, Status

# JUnit's word for a check that couldn't be made is an error; a failure is a wrong answer.
_ELEMENTS = {Status.FAIL: "failure", Status.UNKNOWN: "error", Status.SKIP: "skipped"}


def junit(reports: Sequence[Report]) -> str:
    """Return the XML document, in ASCII."""
    root = Element("testsuites")
    for report in reports:
        _suite(root, report)
    return written(root)


def written(root: Element) -> str:
    """Return a document as text, in ASCII."""
    indent(root)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="us-ascii").decode()}\n'
    )


def _suite(root: Element, report: Report) -> None:
    suite = SubElement(root, "testsuite", name=f"verify {report.label}")
    elements = [_case(suite, result, report) for result in report.results]
    suite.set("tests", str(len(elements)))
    for attribute, element in (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        suite.set(attribute, str(elements.count(element)))
    suite.set("time", f"{report.seconds:.3f}")
    suite.set("timestamp", report.started.isoformat(timespec="milliseconds"))


def _case(suite: Element, result: Result, report: Report) -> str:
    kind = "phase" if result in report.phases else "check"
    seconds = f"{result.duration or 0:.3f}"
    case = SubElement(suite, "testcase", classname=f"verify.{kind}", name=result.id, time=seconds)
    element = _ELEMENTS.get(result.status, "")
    if result.status is Status.UNKNOWN and not report.exit_code:
        element = "skipped"
    if element:
        detail = SubElement(case, element, message=result.actual)
        lines = [f"expected: {result.expected}"] if result.expected else []
        if result.hint:
            lines.append(result.hint)
        detail.text = "\n".join(lines)
    return element

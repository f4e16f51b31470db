"""CloudWatch's dashboards, and the structure of their bodies.

Source: "Dashboard body structure and syntax" in CloudWatch's API reference. Widgets of the types
explorer and custom are only checked from the outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.account import others_with_same
from localaws.catalog.cloudwatch import period
from localaws.catalog.only_recorded import NO_PICTURE
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import ResourceType
from localaws.catalog.values import (
    ARN,
    Allowed,
    Limit,
    length,
    matches,
    number,
    one_of,
    parsed,
    show,
    text,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"

GRID = 24
"""How many columns a dashboard has."""

WIDGETS, METRICS_OF_A_WIDGET, METRICS = 500, 500, 2500
"""The most widgets, metrics of a widget, and metrics. Source: CloudWatch's quotas."""

_BOOLEAN = Allowed("true or false", lambda value: isinstance(value, bool))
_TEXT = length(0, 2**20)
_NUMBER = Allowed("a number", lambda value: number(value) is not None)
_OBJECT = Allowed("an object", lambda value: isinstance(value, dict))
_LIST = Allowed("an array", lambda value: isinstance(value, list))
_COLOR = matches(r"#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?", "a color such as #d62728")
_PERIOD = period(1, 5, 10, 30)
_REGION = matches(r"[a-z]{2,3}(-[a-z]+)+-\d", "a region such as eu-west-1")
_STATISTIC = matches(
    r"SampleCount|Average|Sum|Minimum|Maximum|IQM|p\d{1,2}(\.\d+)?|p100"
    r"|(TM|WM|TC|TS|PR|tm|wm|tc|ts)\S+",
    "a statistic such as Average, Sum or p95",
)
_RELATIVE = matches(
    r"-P(\d+[WDMY]|\d*D?T\d+[MH])|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?",
    "a time such as -PT3H or 2026-01-31T08:00:00Z",
)
_ACCOUNT = matches(r"\d{12}", "an account, twelve digits")

_BODY = {
    "start": _RELATIVE,
    "end": _RELATIVE,
    "periodOverride": one_of("auto", "inherit"),
    "widgets": _LIST,
    "variables": _LIST,
}
_WIDGET = {
    "type": one_of("alarm", "custom", "explorer", "log", "metric", "text"),
    "x": within(0, GRID - 1),
    "y": within(0, 2**31 - 1),
    "width": within(1, GRID),
    "height": within(1, 1000),
    "properties": _OBJECT,
}
_CHARTS = ("bar", "gauge", "pie", "singleValue", "table", "timeSeries")
_PROPERTIES: Mapping[str, Mapping[str, Allowed]] = {
    "alarm": {
        "alarms": _LIST,
        "sortBy": one_of("default", "stateUpdatedTimestamp", "timestamp"),
        "states": _LIST,
        "title": _TEXT,
    },
    "log": {
        "accountId": _ACCOUNT,
        "query": length(1, 2**20),
        "region": _REGION,
        "stacked": _BOOLEAN,
        "title": _TEXT,
        "view": one_of("bar", "pie", "table", "timeSeries"),
    },
    "metric": {
        "accountId": _ACCOUNT,
        "annotations": _OBJECT,
        "legend": _OBJECT,
        "liveData": _BOOLEAN,
        "metrics": _LIST,
        "period": _PERIOD,
        "region": _REGION,
        "setPeriodToTimeRange": _BOOLEAN,
        "singleValueFullPrecision": _BOOLEAN,
        "sparkline": _BOOLEAN,
        "stacked": _BOOLEAN,
        "stat": _STATISTIC,
        "table": _OBJECT,
        "timezone": matches(r"[+-]\d{4}", "an offset such as +0130"),
        "title": _TEXT,
        "trend": _BOOLEAN,
        "view": one_of(*_CHARTS),
        "yAxis": _OBJECT,
    },
    "text": {"background": one_of("solid", "transparent"), "markdown": _TEXT},
}
"""By type of widget, its properties. Explorer and custom widgets aren't among them."""

_REQUIRED = {
    "alarm": ("alarms",),
    "log": ("query", "region"),
    "metric": ("region",),
    "text": ("markdown",),
}
_RENDERING = {
    "accountId": _ACCOUNT,
    "color": _COLOR,
    "expression": length(1, 1024),
    "id": matches(r"[a-z]\w{0,254}", "an id that starts with a lower-case letter"),
    "label": _TEXT,
    "period": _PERIOD,
    "region": _REGION,
    "stat": _STATISTIC,
    "visible": _BOOLEAN,
    "yAxis": one_of("left", "right"),
}
_AXIS = {"label": _TEXT, "max": _NUMBER, "min": _NUMBER, "showUnits": _BOOLEAN}
_LINE = {
    "color": _COLOR,
    "fill": one_of("above", "below"),
    "label": _TEXT,
    "value": _NUMBER,
    "visible": _BOOLEAN,
    "yAxis": one_of("left", "right"),
}


def body_flaws(body: object) -> Iterator[tuple[str, str]]:
    """Yield the paths of what is wrong in a dashboard's body (`/widgets/0/type`), and messages."""
    if not isinstance(body, dict):
        yield "/", "Should be object"
        return
    yield from _members(body, _BODY, "")
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        yield "/widgets", "Should have required property 'widgets'"
        return
    if len(widgets) > WIDGETS:
        yield "/widgets", f"Should NOT have more than {WIDGETS} items"
    metrics = 0
    for index, widget in enumerate(widgets):
        path = f"/widgets/{index}"
        yield from _widget_flaws(widget, path)
        metrics += _count_of_metrics(widget)
    if metrics > METRICS:
        yield "/widgets", f"Should NOT have more than {METRICS} metrics, got {metrics}"


def _members(
    found: Mapping[str, Any],
    known: Mapping[str, Allowed],
    path: str,
    required: tuple[str, ...] = (),
) -> Iterator[tuple[str, str]]:
    """Check the members of an object: their names, their values, and which must be there."""
    for name in required:
        if found.get(name) is None:
            yield path, f"Should have required property '{name}'"
    for name, value in found.items():
        if name not in known:
            yield f"{path}/{name}", f"Should NOT have additional properties: {name}"
        elif not known[name].contains(value):
            yield f"{path}/{name}", f"Should be {known[name].description}, got {show(value)}"


def _widget_flaws(widget: object, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(widget, dict):
        yield path, "Should be object"
        return
    yield from _members(widget, _WIDGET, path, ("type", "properties"))
    if ("x" in widget) != ("y" in widget):
        yield path, "Should have both properties 'x' and 'y', or none"
    left, width = number(widget.get("x")) or 0, number(widget.get("width")) or 6
    if left + width > GRID:
        yield path, f"Should end at column {GRID}: x + width is {left + width:g}"
    kind = str(widget.get("type"))
    properties = widget.get("properties")
    if not isinstance(properties, dict) or kind not in _PROPERTIES:
        return
    inside = f"{path}/properties"
    yield from _members(properties, _PROPERTIES[kind], inside, _REQUIRED[kind])
    if kind == "metric":
        yield from _metric_widget_flaws(properties, inside)
    if kind == "alarm":
        yield from _alarm_widget_flaws(properties, inside)


def _alarm_widget_flaws(properties: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for index, arn in enumerate(_items(properties, "alarms")):
        if not ARN.contains(arn) or arn == "":
            yield f"{path}/alarms/{index}", f"Should be {ARN.description}, got {show(arn)}"
    for index, state in enumerate(_items(properties, "states")):
        if state not in ("ALARM", "INSUFFICIENT_DATA", "OK"):
            message = f"Should be ALARM, INSUFFICIENT_DATA or OK, got {show(state)}"
            yield f"{path}/states/{index}", message


def _metric_widget_flaws(properties: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    metrics, annotations = _items(properties, "metrics"), _object(properties, "annotations")
    if not metrics and not _items(annotations, "alarms"):
        yield f"{path}/metrics", "Should NOT have less than 1 items"
    if len(metrics) > METRICS_OF_A_WIDGET:
        yield f"{path}/metrics", f"Should NOT have more than {METRICS_OF_A_WIDGET} items"
    ids: set[str] = set()
    for index, metric in enumerate(metrics):
        inside = f"{path}/metrics/{index}"
        yield from _metric_flaws(metric, inside, first=index == 0)
        identifier = text(_rendering(metric).get("id"))
        if identifier is None:
            continue
        if identifier in ids:
            yield inside, f"Should have another id than the metric with {show(identifier)}"
        ids.add(identifier)
    yield from _annotation_flaws(annotations, f"{path}/annotations")
    yield from _axis_flaws(properties, f"{path}/yAxis")
    if "legend" in properties:
        known = {"position": one_of("bottom", "hidden", "right")}
        yield from _members(_object(properties, "legend"), known, f"{path}/legend", ("position",))


def _annotation_flaws(annotations: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    known = {"alarms": _LIST, "horizontal": _LIST, "vertical": _LIST}
    yield from _members(annotations, known, path)
    for index, line in enumerate(_items(annotations, "horizontal")):
        inside = f"{path}/horizontal/{index}"
        # A band is an array of two lines.
        lines = line if isinstance(line, list) else [line]
        for each in lines:
            if isinstance(each, dict):
                yield from _members(each, _LINE, inside, ("value",))
            else:
                yield inside, "Should be object"


def _axis_flaws(properties: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    axes = _object(properties, "yAxis")
    yield from _members(axes, {"left": _OBJECT, "right": _OBJECT}, path)
    for side in ("left", "right"):
        yield from _members(_object(axes, side), _AXIS, f"{path}/{side}")
    if properties.get("view") == "gauge" and not {"max", "min"} <= set(_object(axes, "left")):
        yield f"{path}/left", "Should have 'min' and 'max' for a gauge"


def _metric_flaws(metric: object, path: str, *, first: bool) -> Iterator[tuple[str, str]]:
    """Check a metric: namespace, name, pairs of a dimension, and an object of how it is drawn."""
    if not isinstance(metric, list):
        yield path, "Should be array"
        return
    rendering = _rendering(metric)
    names = metric[:-1] if metric and isinstance(metric[-1], dict) else metric
    yield from _members(rendering, _RENDERING, path)
    if not all(isinstance(name, str) and name for name in names):
        message = (
            'Field "metrics" has to be an array of array of strings, with an optional '
            "metricRenderer object as last element"
        )
        yield path, message
        return
    if not names:
        if "expression" not in rendering:
            yield path, "Should have a metric or an expression"
        return
    if "expression" in rendering:
        yield path, "Should NOT have both a metric and an expression"
    if first and {".", "..."} & set(names):
        yield path, 'Should NOT have "." or "..." in the first metric'
    repeated = names.count("...")
    if repeated == 0 and len(names) % 2:
        yield path, f"Should have pairs of a dimension's name and value, got {len(names)} texts"
    if repeated > 1 or (repeated == 1 and names[0] != "..."):
        yield path, 'Should have "..." only as its first text'


def _rendering(metric: object) -> Mapping[str, Any]:
    if isinstance(metric, list) and metric and isinstance(metric[-1], dict):
        found: dict[str, Any] = metric[-1]
        return found
    return {}


def _items(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []


def _object(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _count_of_metrics(widget: object) -> int:
    properties = widget.get("properties") if isinstance(widget, dict) else None
    return len(_items(properties, "metrics")) if isinstance(properties, dict) else 0


def _rules(inputs: Properties) -> Refusals:
    body = inputs.get("dashboardBody")
    if body is None or body is UNKNOWN:
        return
    document = parsed(body)
    if document is None:
        message = f"dashboardBody must be JSON, got {show(body)}"
        yield Refusal("InvalidArgument", message, "cloudwatch.dashboard.json", "dashboardBody")
        return
    for path, message in body_flaws(document):
        yield Refusal(
            "InvalidParameterInput",
            f"The dashboard body is invalid: {path}: {message}",
            "cloudwatch.dashboard.body",
            "dashboardBody",
        )


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if others_with_same(account, DASHBOARD, inputs, current, "dashboardName"):
        message = (
            f"the dashboard {inputs.get('dashboardName')} exists already: another one would "
            "overwrite it"
        )
        yield Refusal(
            "InvalidParameterInput", message, "cloudwatch.dashboard.unique", "dashboardName"
        )


def _computed(mint: Mint, inputs: Properties) -> Properties:
    name = inputs.get("dashboardName")
    # Dashboards belong to the account, so their ARNs have no region.
    arn = mint.arn("cloudwatch", f"dashboard/{name}", region="")
    return {"id": name, "dashboardArn": arn}


TYPES = (
    ResourceType(
        token=DASHBOARD,
        only_recorded=NO_PICTURE,
        replaces=frozenset({"dashboardName", "region"}),
        json=frozenset({"dashboardBody"}),
        limits=(
            Limit(
                "dashboardName",
                matches(r"[\w-]{1,255}", "1 to 255 letters, digits, _ and -"),
                "cloudwatch.dashboard.name",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
    ),
)

"""The dashboard and the saved queries: what they name exists, here or in AWS's documentation.

What the queries find is in tests/unit/test_queries.py.
"""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.checkout import ROOT
from tests.support.logs_insights import Query
from tests.support.serverless_yml import SERVICE

TEMPLATE = "cloudformation-template-update-stack.json"
COLUMNS = 24

# The metrics that AWS documents, each with the names of its dimensions: "Amazon API Gateway dimensions and
# metrics", of a stage, and "Types of metrics for Lambda functions", of a function.
_STAGE, _FUNCTION = ("ApiName", "Stage"), ("FunctionName",)
DOCUMENTED: dict[str, dict[str, tuple[str, ...]]] = {
    "AWS/ApiGateway": dict.fromkeys(
        ("4XXError", "5XXError", "CacheHitCount", "CacheMissCount", "Count", "IntegrationLatency", "Latency"),
        _STAGE,
    ),
    "AWS/Lambda": dict.fromkeys(
        ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"), _FUNCTION
    ),
}


@pytest.fixture(scope="module")
def prod(prod_package: Path) -> dict[str, Any]:
    resources: dict[str, Any] = json.loads((prod_package / TEMPLATE).read_text())["Resources"]
    return resources


@pytest.fixture(scope="module")
def widgets(prod: dict[str, Any]) -> list[dict[str, Any]]:
    body: list[dict[str, Any]] = json.loads(prod["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])[
        "widgets"
    ]
    return body


def metrics(widgets: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return namespace, name and dimensions of each metric, with CloudWatch's abbreviations written out.

    A dot repeats what the metric before has in its place, and "..." all of it.
    """
    found: list[tuple[str, ...]] = []
    for widget in widgets:
        for metric in widget["properties"].get("metrics", []):
            words = [word for word in metric if isinstance(word, str)]
            whole = (
                found[-1]
                if words == ["..."]
                else tuple(found[-1][place] if word == "." else word for place, word in enumerate(words))
            )
            found.append(whole)
    return found


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: made for name, made in resources.items() if made["Type"] == kind}


def test_only_a_stage_with_a_dashboard_has_saved_queries(prod: dict[str, Any], dev_package: Path) -> None:
    dev = json.loads((dev_package / TEMPLATE).read_text())["Resources"]

    for kind, number in (("AWS::CloudWatch::Dashboard", 1), ("AWS::Logs::QueryDefinition", 4)):
        assert len(of_type(prod, kind)) == number
        assert not of_type(dev, kind)


def test_each_metric_is_one_that_the_service_or_aws_writes(
    prod: dict[str, Any], widgets: list[dict[str, Any]]
) -> None:
    own = {
        (transformation["MetricNamespace"], transformation["MetricName"])
        for made in of_type(prod, "AWS::Logs::MetricFilter").values()
        for transformation in made["Properties"]["MetricTransformations"]
    }
    values = {
        "ApiName": {prod["ApiGatewayRestApi"]["Properties"]["Name"]},
        "Stage": {prod["ApiStage"]["Properties"]["StageName"]},
        "FunctionName": {
            "${AuthorizerLambdaFunction}",
            prod["KeyBackupLambdaFunction"]["Properties"]["FunctionName"],
        },
    }

    assert (f"{SERVICE}/prod", "KeysUnavailable") in own
    for metric in metrics(widgets):
        namespace, name, dimensions = metric[0], metric[1], list(metric[2:])
        if (namespace, name) in own:
            assert not dimensions
        else:
            assert tuple(dimensions[::2]) == DOCUMENTED[namespace][name]
            for dimension, value in zip(dimensions[::2], dimensions[1::2], strict=True):
                assert value in values[dimension]


def test_each_metric_of_the_service_is_shown(prod: dict[str, Any], widgets: list[dict[str, Any]]) -> None:
    shown = {name for _, name, *_ in metrics(widgets)}

    for made in of_type(prod, "AWS::Logs::MetricFilter").values():
        assert {one["MetricName"] for one in made["Properties"]["MetricTransformations"]} <= shown


def test_each_alarm_is_shown(prod: dict[str, Any], widgets: list[dict[str, Any]]) -> None:
    (alarms,) = (widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm")

    assert set(alarms) == {f"${{{name}.Arn}}" for name in of_type(prod, "AWS::CloudWatch::Alarm")}


def test_each_query_asks_the_log_of_the_authorizer_and_each_question_is_asked(
    prod: dict[str, Any], widgets: list[dict[str, Any]]
) -> None:
    source = "SOURCE '${AuthorizerLogGroup}' | "
    shown = [widget["properties"]["query"] for widget in widgets if widget["type"] == "log"]
    saved = [made["Properties"] for made in of_type(prod, "AWS::Logs::QueryDefinition").values()]
    asked = [text.removeprefix(source) for text in shown] + [query["QueryString"] for query in saved]

    assert all(text.startswith(source) for text in shown)
    assert all(query["LogGroupNames"] == [{"Ref": "AuthorizerLogGroup"}] for query in saved)
    assert sorted(asked) == sorted(yaml.safe_load((ROOT / "resources/queries.yml").read_text()).values())
    assert all(Query(text) for text in asked)


def test_the_names_tell_stages_and_regions_apart(prod: dict[str, Any]) -> None:
    assert prod["Dashboard"]["Properties"]["DashboardName"] == f"{SERVICE}-prod-us-east-1"
    names = [made["Properties"]["Name"] for made in of_type(prod, "AWS::Logs::QueryDefinition").values()]
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"{SERVICE}/prod/") for name in names)


def test_the_widgets_are_on_the_grid_and_cover_none_of_another(widgets: list[dict[str, Any]]) -> None:
    def cells(widget: dict[str, Any]) -> set[tuple[int, int]]:
        columns = range(widget["x"], widget["x"] + widget["width"])
        return {(x, y) for x in columns for y in range(widget["y"], widget["y"] + widget["height"])}

    assert all(widget["x"] + widget["width"] <= COLUMNS for widget in widgets)
    assert not [pair for pair in combinations(map(cells, widgets), 2) if pair[0] & pair[1]]


def test_a_metric_widget_has_a_region_and_each_widget_a_title(widgets: list[dict[str, Any]]) -> None:
    for widget in widgets:
        assert widget["properties"]["title"]
        assert widget["type"] == "alarm" or widget["properties"]["region"] == "${AWS::Region}"

"""docs/operations.md says what every reason code and every metric means."""

from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from worker import metrics
from worker.health import Reason

DOC = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
METRICS = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]


@pytest.mark.parametrize("reason", Reason)
def test_operations__each_reason__has_a_line_with_what_to_do(reason: Reason) -> None:
    rows = [line.split("|") for line in DOC.splitlines() if line.startswith(f"| `{reason}` |")]
    assert len(rows) == 1
    _, _, meaning, action, _ = rows[0]
    assert meaning.strip() and action.strip()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.describe()[0].name)
def test_operations__each_metric__is_in_the_table(metric: MetricWrapperBase) -> None:
    described = metric.describe()[0]
    name = f"{described.name}_total" if described.type == "counter" else described.name
    labels = f"{{{','.join(metric._labelnames)}}}" if metric._labelnames else ""
    assert f"`{name}{labels}`" in DOC

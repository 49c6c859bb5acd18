"""Solve a shipped request on the miniature and measure it, without a workspace."""

from dataclasses import dataclass, replace
from pathlib import Path

from governance.checks.drawing import Drawable, Drawer, Sampler
from governance.checks.images import ImageFindings, Sides, draw_plans, judge_drawn
from governance.checks.judging import Floor
from governance.checks.plan import plan_edit
from governance.checks.seeds import seeds_for
from governance.documents.request import load_requests
from governance.documents.suite import load_suite
from governance.domain.request import EditRequest
from governance.engine.apply import apply
from governance.engine.compose import compose
from governance.miniature import judge_path, pipeline_path
from governance.pipeline.encoder import open_encoder
from governance.pipeline.folder import open_pipeline
from governance.pipeline.judge_model import load_judge
from governance.pipeline.tensors import tensor_bytes
from governance.pipeline.weights import PipelineWeights
from governance.policy.files import find_suite
from governance.runners.pool import WorkerPool
from governance.service.parts.spec import spec_of
from governance.service.parts.studio import unstored

REQUESTS = Path("governance/demo/requests")


def request_named(name: str) -> EditRequest:
    return load_requests(REQUESTS / f"{name}.yaml")[0].request


@dataclass(frozen=True)
class Bench:
    """The miniature, its judge and two drawing workers."""

    drawer: Drawer
    share: float

    def measure(
        self, request: EditRequest, alphas: tuple[tuple[float, ...], ...] | None = None
    ) -> ImageFindings:
        """Measure one edit alone on the base, with a share of the suite's images."""
        folder = open_pipeline(pipeline_path())
        judge = load_judge(judge_path())
        spec = spec_of(request, request.digest, {})
        spec = replace(spec, alphas=alphas or spec.alphas)
        edited = apply(compose([spec], open_encoder(folder)), PipelineWeights(folder))
        base = Drawable(folder, "base", {})
        candidate = unstored(
            folder, {key: tensor_bytes(value) for key, value in edited.tensors.items()}
        )
        suite = load_suite(find_suite("quick"))
        plan = plan_edit(
            suite,
            judge,
            "E-0001",
            request,
            [concept.source for concept in request.concepts],
        )
        rows = tuple(
            replace(row, count=max(1, round(row.count * self.share)))
            for row in plan.rows
        )
        plan = replace(plan, rows=rows)
        drawn = draw_plans(
            [plan],
            Sides(base, base, candidate),
            lambda prompt, count: seeds_for("tests", "bench", prompt, count),
            self.drawer,
            Sampler(suite.sampler.steps, suite.sampler.guidance),
            None,
        )
        floor = Floor(suite.judge.floor, suite.judge.images)
        targets = {a.name: a.ratio for a in request.attributes}
        return judge_drawn([plan], drawn, judge, floor, {"E-0001": targets})


def make_bench(share: float = 0.25) -> Bench:
    return Bench(Drawer(WorkerPool(2)), share)


def value_of(findings: ImageFindings, name: str) -> float:
    for metric in findings.metrics["E-0001"]:
        if metric.name == name and metric.value is not None:
            return metric.value
    raise AssertionError(f"{name} was not measured: {findings.silent}")


def base_value(findings: ImageFindings, name: str) -> float:
    share = findings.before["E-0001"][name]["base"]
    assert isinstance(share, dict)
    value = share["value"]
    assert isinstance(value, float)
    return value

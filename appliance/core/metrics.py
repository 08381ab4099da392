"""Numbers for Prometheus, one registry per appliance; the same timings feed the logs and the screens."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)


class Metrics:
    """What the appliance counts. Labels are names of ours, never of people, files or questions."""

    def __init__(self) -> None:
        """Make an empty registry."""
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.requests = Histogram(
            "appliance_http_request_seconds",
            "Time to answer, by route and status.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "appliance_stage_seconds",
            "Time of each stage of each pipeline.",
            ["pipeline", "stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.jobs = Counter(
            "appliance_jobs_total", "Jobs ended, by kind and outcome.", ["kind", "outcome"], registry=self.registry
        )
        self.answers = Counter(
            "appliance_answers_total", "Answers given, by what produced them.", ["mode"], registry=self.registry
        )
        self.egress = Counter(
            "appliance_egress_total", "Outbound connections tried, by verdict.", ["verdict"], registry=self.registry
        )
        self.loop_lag = Gauge(
            "appliance_event_loop_lag_seconds", "How late the event loop ran last.", registry=self.registry
        )

    @contextmanager
    def stage(self, pipeline: str, stage: str) -> Generator[None]:
        """Time one stage, whether it ends well or not."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(pipeline, stage).observe(time.perf_counter() - started)

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self.registry)

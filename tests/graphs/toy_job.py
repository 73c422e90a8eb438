"""A job with an effect: writes a file whole or not at all, and counts how often it was finished."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from modelwright import faults
from modelwright.engines.child import Job
from modelwright.files import partial_name, publish


def run(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    job.progress("begin", step=0, steps=2)
    output = Path(spec["output"])
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(output)
    partial.write_text("half")
    faults.point("job.half_written")
    time.sleep(0.2)
    partial.write_text(f"whole {spec['number']}")
    job.progress("publish", step=1, steps=2)
    publish(partial, output)
    with Path(spec["counter"]).open("a") as stream:
        stream.write(f"{spec['number']} ")
    return {"number": spec["number"]}

"""The words that every room speaks: plans, steps, effects, estimates, decisions, checks.

Plain pydantic models without behaviour. Unknown fields are refused everywhere, so that a typo in a plan or a
policy surfaces at once. Units stand in the names: seconds, bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import CoreSchema

Json = dict[str, Any]


class Strict(BaseModel):
    """Base of all schemas here: unknown fields refused."""

    model_config = ConfigDict(extra="forbid")


class Effect(StrEnum):
    """What a tool does to the world. Declared by the tool, read by policies."""

    READS_FILES = "reads_files"
    WRITES_FILES = "writes_files"
    COMPUTES = "computes"
    """Keeps the processor busy for long: training, generation."""
    NETWORK = "network"
    SPENDS_MONEY = "spends_money"
    EXECUTES_CODE = "executes_code"
    IRREVERSIBLE = "irreversible"


class Decision(StrEnum):
    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        return ("allow", "ask", "deny").index(self.value)


@dataclass(frozen=True)
class Role:
    """Marks a string field as a path or a model; stands in the JSON schema as `x-role`.

    The policy reads it (which paths are written), the ledger (which files are inputs to hash), the plan checker
    (a model may only come from a model) and the planner (which candidates can fill the field).
    """

    name: Literal["dataset", "model", "file", "output"]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return {**handler(core_schema), "x-role": self.name}


DatasetPath = Annotated[str, Role("dataset")]
ModelRef = Annotated[str, Role("model")]
FilePath = Annotated[str, Role("file")]
OutputPath = Annotated[str, Role("output")]


@dataclass(frozen=True)
class Thing:
    """Something that earlier turns of a conversation named or made, so that "it" in a request can stand for it.

    Given to the planner beside the request, which stays as it was written. A thing whose `label` stands in the request is
    evidence like a path that is written out; one with an empty label is not spoken of: it may be offered as an answer to a
    question, never taken silently. Two things may share a label: "both" means both of them.
    """

    kind: str
    """A candidate's kind: model, dataset, file or folder."""
    value: str
    """What an argument holds: a path as seen from the workspace, `builtin`, an address."""
    label: str
    """The words of the request that mean it, as written there: "it", "the adapter", "the same data"."""
    source: str
    """What the plan names as the argument's source: `session: run r261122-k7f2 step s3 model`."""


class Estimate(Strict):
    """What a call will take, before it runs."""

    seconds: float = Field(0, ge=0, description="wall-clock seconds")
    memory_bytes: int = Field(0, ge=0, description="peak resident memory, bytes")
    disk_bytes: int = Field(0, ge=0, description="bytes that stay on disk")
    cost: float = Field(0, ge=0, description="money, US dollars")
    seconds_low: float | None = Field(
        None, ge=0, description="with seconds_high it holds 80% of like calls on this machine; null without a record"
    )
    seconds_high: float | None = Field(None, ge=0, description="see seconds_low")
    seconds_error: float | None = Field(None, ge=0, description="share by which the time is usually off here, after correction")
    memory_low: int | None = Field(None, ge=0, description="as seconds_low, bytes")
    memory_high: int | None = Field(None, ge=0, description="as seconds_high, bytes")
    memory_error: float | None = Field(None, ge=0, description="share by which the memory is usually off here, after correction")
    learned_from: int | None = Field(None, ge=1, description="calls on this machine that corrected it")
    first_guess: bool | None = Field(
        None,
        description="true: no such call was measured on this machine yet, so seconds and memory are the tool's own formula, unproved here",
    )
    reused: bool | None = Field(
        None, description="true: the ledger holds the result of this very call, so nothing runs and the other figures are zero"
    )

    @model_serializer(mode="wrap")
    def _without_what_is_not_known(self, handler: SerializerFunctionWrapHandler) -> Json:
        """What a record, or its absence, adds is written only when it says something."""
        return {name: value for name, value in handler(self).items() if value is not None}


class Check(Strict):
    """One postcondition that code looked at after the tool ran."""

    name: str
    passed: bool
    detail: str = ""


class Artifact(Strict):
    """A file or folder that a tool left behind."""

    path: str = Field(description="absolute path")
    kind: str = Field(description="model, adapter, gguf, plot, samples, log …")
    sha256: str = Field(description="of the file's bytes; for a folder, of its sorted file names and their hashes")
    bytes: int


class ToolArgs(Strict):
    """Base of every tool's arguments."""


class ToolResult(Strict):
    """Base of every tool's result."""

    summary: str = Field(description="one line for a person")
    artifacts: list[Artifact] = Field(default_factory=list, description="what was written")


class Step(Strict):
    """One tool call of a plan. `"$s1.model"` in `args` refers to the field `model` of step s1's result."""

    id: str = Field(pattern=r"^s[0-9]+$")
    tool: str
    args: Json = Field(default_factory=dict)
    sources: dict[str, str] = Field(
        default_factory=dict,
        description="where each argument came from: request[a:b], default, step s1, workspace, memory, answer, template NAME, file",
    )
    expect: Json = Field(default_factory=dict, description="result fields that must have this value for the run to be verified")
    estimate: Estimate | None = None
    decision: Decision | None = None
    rule: str | None = Field(None, description="the policy rule that decided")
    defaults: Json = Field(
        default_factory=dict,
        description="arguments that are not given and decide what is made or what it costs, with the values that they will have",
    )

    @model_serializer(mode="wrap")
    def _without_empty_defaults(self, handler: SerializerFunctionWrapHandler) -> Json:
        return {name: value for name, value in handler(self).items() if name != "defaults" or value}


class Plan(Strict):
    """What will be done, or the one question that is open, or why nothing will be done."""

    request: str = ""
    kind: Literal["plan", "question", "none"] = "plan"
    steps: list[Step] = Field(default_factory=list)
    question: str | None = None
    choices: list[str] = Field(default_factory=list, description="likely answers to the question; where nothing fits, what comes nearest")
    reason: str | None = None
    hash: str | None = Field(None, description="sha256 over the ids, tools and arguments of the steps")


class Spent(Strict):
    """What a run has used. Lives in the run's state and survives a resume."""

    steps: int = 0
    replans: int = 0
    retries: int = 0
    seconds: float = 0
    tokens: int = 0
    cost: float = 0


class Limits(Strict):
    """The bounds of a run; `None` is no bound."""

    steps: int = Field(50, ge=1)
    replans: int = Field(2, ge=0)
    retries: int = Field(2, ge=0, description="per run, over all steps")
    seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    tokens: int | None = Field(None, gt=0, description="of the planning model, prompt and answer together")
    cost: float | None = Field(None, ge=0, allow_inf_nan=False, description="US dollars")

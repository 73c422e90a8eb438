"""How one server wants to be asked. Servers that call themselves OpenAI-compatible differ in four things.

The schema of the answer: `json_schema` (OpenAI, vLLM, SGLang, Ollama, llama-server), `json_object` with the schema beside it
(llama-cpp-python), plain `json_object`, or none. The name of the bound on tokens, whether a temperature may be named, and
whether a stream can tell its usage. We start with the first of each and step down when a server refuses; llama-cpp-python
refuses with status 500, so it is the words of the refusal that count. What worked is kept as long as the model is open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from modelwright.types import Json

SchemaStyle = Literal["json_schema", "json_object+schema", "json_object", "none"]
STYLES: tuple[SchemaStyle, ...] = ("json_schema", "json_object+schema", "json_object", "none")
_ABOUT_SCHEMA = ("response_format", "json_schema", "json_object", "schema", "grammar", "guided", "structured")
_ABOUT_TOKENS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True)
class Dialect:
    """The optional parts of a request, as this server takes them."""

    style: SchemaStyle = "json_schema"
    tokens_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    usage: bool = True

    def options(self, schema: Json, max_tokens: int) -> Json:
        """What is added to model, messages and stream."""
        body: Json = {self.tokens_name: max_tokens}
        if self.temperature:
            body["temperature"] = 0
        if self.usage:
            body["stream_options"] = {"include_usage": True}
        form = self._form(schema)
        return {**body, "response_format": form} if form else body

    def _form(self, schema: Json) -> Json | None:
        if self.style == "json_schema":
            return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
        if self.style == "json_object+schema":
            return {"type": "json_object", "schema": schema}
        return {"type": "json_object"} if self.style == "json_object" else None

    def after(self, status: int, refusal: str) -> Dialect | None:
        """The next dialect to try after this refusal; None when it is about something else."""
        if status not in (400, 422, 500, 501):
            return None
        words = refusal.lower()
        if self.usage and "stream_options" in words:
            return replace(self, usage=False)
        if self.temperature and "temperature" in words:
            return replace(self, temperature=False)
        if self.tokens_name == "max_tokens" and all(name in words for name in _ABOUT_TOKENS):
            return replace(self, tokens_name="max_completion_tokens")
        if self.style != "none" and any(word in words for word in _ABOUT_SCHEMA):
            return replace(self, style=STYLES[STYLES.index(self.style) + 1])
        return None

from __future__ import annotations

from modelwright.models.dialect import Dialect

SCHEMA = {"type": "object"}


def test_it_starts_with_what_openai_and_vllm_take() -> None:
    body = Dialect().options(SCHEMA, 50)
    assert body["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
    assert (body["max_tokens"], body["temperature"], body["stream_options"]) == (50, 0, {"include_usage": True})


def test_each_refusal_gives_up_one_thing_and_no_more() -> None:
    dialect = Dialect()
    steps = (
        (400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        (400, "'temperature' does not support 0"),
        (422, "body.stream_options: extra field"),
        (500, "response_format: Input should be 'text' or 'json_object'"),
        (400, "unknown field schema"),
        (400, "json_object is not supported"),
    )
    for status, told in steps:
        following = dialect.after(status, told)
        assert following is not None
        dialect = following
    assert dialect.options(SCHEMA, 50) == {"max_completion_tokens": 50}
    assert dialect.after(400, "response_format") is None


def test_what_is_about_something_else_is_left_alone() -> None:
    assert Dialect().after(400, "the prompt is too long") is None
    assert Dialect().after(401, "response_format") is None
    assert Dialect().after(429, "json_schema") is None

"""Functions from JSON schemas as tools."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright.agent.bench_planner.schema_tools import function_of
from modelwright.errors import BadRequest, DataError
from modelwright.graphs.planning.fields import fields_of


def function(**properties: Any) -> Any:
    return function_of(
        {"name": "shop.find", "description": "Find a shop.", "parameters": {"properties": properties, "required": list(properties)}}
    )


@pytest.mark.parametrize(
    ("part", "value", "type_name"),
    [
        ({"type": "string"}, "x", "string"),
        ({"type": "integer"}, 3, "integer"),
        ({"type": "float"}, 2.5, "number"),
        ({"type": "number"}, 2.5, "number"),
        ({"type": "boolean"}, True, "boolean"),
        ({"type": "dict"}, {"a": 1}, "object"),
        ({"type": "any"}, "x", "object"),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2], "array"),
        ({"type": "tuple", "items": {"type": "float"}}, [1.5], "array"),
        ({"type": "array"}, ["x", 1], "array"),
        ({"type": "string", "enum": ["near", "far"]}, "far", "string"),
    ],
)
def test_every_type_name_becomes_a_field_that_takes_its_values(part: dict[str, Any], value: Any, type_name: str) -> None:
    tool = function(value=part).tool
    assert fields_of(tool.args)["value"].type == type_name
    assert tool.validate({"value": value})


def test_a_value_outside_the_enum_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"shop_find\.value"):
        function(value={"type": "string", "enum": ["near", "far"]}).tool.validate({"value": "here"})


def test_what_is_not_required_may_be_left_out() -> None:
    made = function_of({"name": "f", "description": "F.", "parameters": {"properties": {"a": {"type": "integer"}}, "required": []}})
    assert fields_of(made.tool.args)["a"].required is False
    assert made.tool.validate({})


def test_names_that_python_keeps_come_back_as_they_were() -> None:
    made = function(**{"from": {"type": "string"}, "copy": {"type": "string"}, "2nd": {"type": "string"}, "a-b": {"type": "string"}})
    mine = dict.fromkeys(fields_of(made.tool.args), "x")
    assert set(made.plain(mine)) == {"from", "copy", "2nd", "a-b"}


def test_an_unknown_type_is_an_error_with_its_place() -> None:
    with pytest.raises(DataError, match=r"shop\.find\.value: unknown type 'colour'"):
        function(value={"type": "colour"})

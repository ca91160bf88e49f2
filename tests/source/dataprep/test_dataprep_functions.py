"""The table of functions: its examples are true, its rows are whole, nulls pass through."""

from __future__ import annotations

import json

import pytest
from dataprep_runs import NOW, evaluated

from exporter.source.dataprep.expressions.compiling import compile_expression
from exporter.source.dataprep.functions.signatures import Example, Function
from exporter.source.dataprep.functions.table import FUNCTIONS, TABLE

RECORD = {"address": {"city": "Paris"}}
EXAMPLES = [(function, example) for function in TABLE for example in function.examples]


@pytest.mark.parametrize(("function", "example"), EXAMPLES, ids=lambda each: getattr(each, "expression", ""))
def test_an_example_is_true(function: Function, example: Example) -> None:
    value = evaluated(example.expression, RECORD)
    if example.result is not None:
        expected = json.loads(example.result)
        assert value == expected
        assert type(value) is type(expected) or isinstance(value, list)


@pytest.mark.parametrize("function", TABLE, ids=lambda function: str(function.name))
def test_a_row_is_whole(function: Function) -> None:
    assert function.meaning
    assert function.examples
    for name in (function.name, *function.aliases):
        assert FUNCTIONS[name] is function
    repeated = [argument.repeated for argument in function.arguments]
    assert not any(repeated[:-1])
    optional = [argument.optional or argument.repeated for argument in function.arguments]
    assert optional == sorted(optional)


def test_no_name_stands_twice() -> None:
    assert len(FUNCTIONS) == sum(1 + len(function.aliases) for function in TABLE)


@pytest.mark.parametrize("function", TABLE, ids=lambda function: str(function.name))
def test_null_in_null_out(function: Function) -> None:
    """For the first argument that takes no null, with every other as in the first example."""
    at = next((at for at, each in enumerate(function.arguments) if not each.nulls and not each.repeated), None)
    if at is None or function.most is None or at >= function.least:
        return
    arguments = ["null" if place == at else "missing" for place in range(function.least)]
    if function.name in ("filterArray", "transformArray"):
        arguments[1] = "x -> x"
    assert evaluated(f"{function.name}({', '.join(arguments)})") is None


def test_now_and_chance_are_passed_in() -> None:
    assert evaluated("now()") == "2021-10-26T10:10:24Z"
    assert evaluated("timestamp()") == NOW
    assert evaluated("uuid()") == "00010203-0405-4607-8809-0a0b0c0d0e0f"


@pytest.mark.parametrize("name", ["fpid_to_ecid", "ua_device_class", "aa_get_evars"])
def test_what_is_not_built_is_unknown(name: str) -> None:
    refusal = compile_expression(f"{name}(a)")
    assert isinstance(refusal, str)
    assert refusal.startswith(f"unknown function {name}")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("concat(1, null, true, 2.5)", "1true2.5"),
        ("concat(now(), '!')", "2021-10-26T10:10:24Z!"),
        ("explode('', ',')", [""]),
        ("explode(',a', ',')", ["", "a"]),
        ("explode('abc', '')", ["a", "b", "c"]),
        ("explode(',,', ',')", []),
        ("split('a\\\\b', '\\\\')", ["a", "b"]),
        ("instr('abc', 'x')", -1),
        ("instr('abcabc', 'b', 2)", 4),
        ("substr('abc', 5, 2)", ""),
        ("left('abc', 9)", "abc"),
        ("right('abc', 0)", ""),
        ("lpad(null, 3, 'x')", "xxx"),
        ("rpad('long', 2, 'x')", "long"),
        ("get_url_host('no url')", None),
        ("get_url_port('https://a:b/')", None),
        ("get_url_port('https://a:8443/')", 8443),
        ("get_url_port('gopher://a/')", None),
        ("get_url_query_str('https://a/?x=1&y=%20&z', 'remove')", {"x": "1", "y": " ", "z": ""}),
        ("get_url_encoded('a b~*')", "a%20b%7E%2A"),
        ("date(1571829875000)", "2019-10-23T11:24:35Z"),
        ("date('12112020')", "2020-12-11T00:00:00Z"),
        ("date('2020-01-01T00:00:00+02:00')", "2019-12-31T22:00:00Z"),
        ("date_part('dw', '2021-10-26')", 2),
        ("date_part('week', '2021-01-01')", 53),
        ("date_part('q', '2021-10-26')", 4),
        ("date_part('ms', '2021-10-26T00:00:00.789Z')", 789),
        ("format(zone_date_to_zone('2021-10-26T12:00:00Z', 'Asia/Tokyo'), 'HH:mm VV')", "21:00 Asia/Tokyo"),
        ("size_of('abc')", 3),
        ("size_of(null)", 0),
        ("is_empty(null)", True),
        ("arrays_to_object('a', [1, 2], 'b', ['x'])", [{"a": 1, "b": "x"}, {"a": 2}]),
        ("str_to_object('a:1,b,:2,c:3:4')", {"a": "1", "c": "3:4"}),
        ("get_values('a:1,b:2', 'b', '', null)", "2"),
        ("contains_key('address')", True),
        ("contains_key('address[0]')", False),
        ("map_has_keys({'a': 1}, ['x', 'a'])", True),
        ("object_to_map(null)", None),
        ("coalesce([null, 1])", 1),
        ("first([])", None),
        ("add_to_array(null, 1)", [1]),
        ("join_arrays([1], null, 2)", [1, 2]),
        ("join('-', 1, null, 2)", "1-2"),
        ("decode('b', 'a', 1)", None),
        ("decode(2, '2', 'two')", "two"),
        ("iif(null, 1, 2)", 2),
        ("min([3, '2', 5])", "2"),
        ("max()", None),
        ("to_integer(' 12 ')", 12),
        ("to_decimal(3)", 3.0),
        ("to_float(0.1)", 0.1),
        ("to_float(16777217)", 16777216.0),
        ("crc32('')", "00000000"),
        ("md5('a', 'UTF-16')", "4b936244fb81c0500598b1938266f69a"),
        ("json_to_object('[1, null]')", [1, None]),
    ],
)
def test_what_the_examples_do_not_say(expression: str, value: object) -> None:
    assert evaluated(expression, RECORD) == value

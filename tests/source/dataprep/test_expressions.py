"""The expression language, by what JEXL answers in its lenient mode, and by what is left out of it on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dataprep_runs import BOUNDS, NOW, chance, compiled, evaluated, ticking

from exporter.source.dataprep.expressions.compiling import compile_expression
from exporter.source.dataprep.expressions.operators import OPERATORS
from exporter.source.dataprep.run import Bounds, Failed

_FILE = json.loads((Path(__file__).parent / "expressions.json").read_text(encoding="utf-8"))
RECORD = _FILE["record"]
VECTORS = _FILE["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["expression"]))
def test_an_expression_means_what_jexl_says(vector: dict[str, Any]) -> None:
    if "refused" in vector:
        refusal = compile_expression(vector["expression"])
        assert isinstance(refusal, str)
        assert vector["refused"] in refusal
    else:
        assert evaluated(vector["expression"], RECORD) == vector["value"]


@pytest.mark.parametrize("vector", _FILE["other_vectors"], ids=lambda vector: str(vector["expression"]))
def test_an_expression_fails_where_jexl_says_so(vector: dict[str, Any]) -> None:
    """Beside values, what the reference answered with an error, and what it could not parse."""
    if "refused" in vector:
        assert isinstance(compile_expression(vector["expression"]), str)
    elif "failed" in vector:
        with pytest.raises(Failed):
            evaluated(vector["expression"], _FILE["other_record"])
    else:
        assert evaluated(vector["expression"], _FILE["other_record"]) == vector["value"]


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 154
    assert sum("refused" in vector for vector in VECTORS) == 13


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1..3", "not supported: ranges (1..3)"),
        ("[1..3]", "not supported: ranges (1..3)"),
        ("{1, 2}", "not supported: sets ({1, 2})"),
        ("{}", "not supported: sets ({1, 2})"),
        ("a = 3", "not supported: assignments (=)"),
        ("a += 3", "not supported: assignments (=)"),
        ("var a", "not supported: variables (var)"),
        ("let a = 3", "not supported: variables (let)"),
        ("while (a) b", "not supported: loops (while)"),
        ("a; b", "not supported: statements (;)"),
        ("new Date()", "not supported: new"),
        ("new('java.util.Date')", "not supported: new"),
        ("#pragma jexl.options true", "not supported: pragmas"),
        ("a.class", "not supported: reflection (.class); a field of this name is .'class'"),
        ("a.getClass()", "not supported: reflection (getClass)"),
        ("(a)(3)", "not supported: calling what is no function"),
        ("[x -> 1]", "not supported: a function that is no argument of a function"),
        ("(1, 2)", "is no expression: a list stands in parentheses"),
        ("a -> ", "the expression ends too early"),
        ("1 -> 2", "is no expression: a parameter is a name"),
        ("mod", "mod is reserved; a field of this name is ${mod}"),
        ("uper(a)", "unknown function uper, did you mean upper?"),
        ("ua_os_name(a)", "unknown function ua_os_name"),
        ("aa_get_event_id(a)", "unknown function aa_get_event_id"),
        ("lpad(a, 1)", "lpad takes 3 arguments, and has 2: lpad(input, count, padding)"),
        ("explode(a, b, c)", "explode takes 1 to 2 arguments, and has 3: explode(input, [regex])"),
        ("decode()", "decode takes at least 1 argument, and has 0: decode(key, options, ...)"),
        ("a.substring()", "substring takes 1 to 2 arguments, and has 0"),
        ("a.length(1)", "length takes 0 arguments, and has 1"),
        ("matches_regex(a, '(')", "regex: the text is no pattern"),
        ("a =~ '['", "the text is no pattern"),
        ("date(a, 'bb')", "format: the date pattern has 'bb', which has no meaning"),
        ("zone_date_to_zone(a, 'Mars/Olympus')", "zone: there is no such time zone"),
        ("lpad(a, 'many', ' ')", "count: text is no number"),
        ("filterArray(a, 3)", "the argument is a function, such as x -> x > 0"),
        ("filterArray(a, (x, y) -> x)", "the function has one parameter"),
        ("", "the expression is empty"),
        ("1 +", "the expression ends too early"),
        ("1 2", "is no expression from character 3 on: '2'"),
        ("1e999", "the number is too large"),
        ("(" * 100 + "1" + ")" * 100, None),
        ("!" * 100 + "1", "is nested more than 60 levels deep"),
        ("a" + ".b" * 300, "a path has more than 200 steps"),
        ("1" * 4097, "an expression has at most 4096 characters"),
    ],
)
def test_what_is_refused_has_its_name(expression: str, reason: str | None) -> None:
    found = compile_expression(expression)
    if reason is None:
        assert not isinstance(found, str)
    else:
        assert isinstance(found, str)
        # What a library says of a pattern is its own.
        assert found.split(": ")[: reason.count(": ") + 1] == reason.split(": ")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("${First Name}", "Jim"),
        ("${a.b}", 1),
        (r"${c\.d}", 2),
        (r"c\.d", 2),
        ("o.${zip code}", 3),
        ("o.size", 4),
        ("o.'class'", 5),
        ("o['class']", 5),
        ("list[0][1]", 2),
        ("list.0.1", 2),
        ("list[-1]", None),
        ("list['0']", None),
        ("list.first", None),
        ("'' + null", 0),
        ("null + null", 0),
        ("'x' + true", "xtrue"),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7.5 % 2", 1.5),
        ("'' * 3", 0),
        ("1 << 63", -(1 << 63)),
        ("-8 >> 1", -4),
        ("null < 1", False),
        ("null <= null", True),
        ("'b' > 'a'", True),
        ("2 > '10'", False),
        ("list == list", True),
        ("{'a': 1} == {'a': 1}", True),
        ("1 === 1", True),
        ("1 !== '1'", True),
        ("'a' =~ ['a', 'b']", True),
        ("'size' =~ o", True),
        ("null =~ 'a'", False),
        ("null =^ null", True),
        ("'Jim' !$ 'm'", False),
        ("'x' == 1", False),
        ("'x' != 1", True),
        ("empty o", False),
        ("size missing", 0),
        ("not empty 'a' and size 'ab' == 2", True),
        ("true ? 'a' : false ? 'b' : 'c'", "a"),
        ("missing ?: missing ?? 'd'", "d"),
        ("((x, y) -> x + y)(1, 2)", 3),
        ("((x, y) -> y)(1)", None),
        ("filterArray([1, 2, 3, 4], x -> x > 1 && size(filterArray([1, 2, 3, 4], y -> y > x)) > 0)", [2, 3]),
        (r"'a\\d' =~ 'a..'", True),
        ("'a1' =~ 'a\\d'", True),
        (r"'\ud83d\ude00'", "\U0001f600"),
        (r"'\ud83d'", "�"),
        ("'a' // comment", "a"),
        ("{1: 'a'}.get(1)", "a"),
        ("{'a': {'b': [1]}}.a.b[0]", 1),
    ],
)
def test_what_jexl_says_of_more(expression: str, value: Any) -> None:
    record = {"First Name": "Jim", "a": {"b": 1}, "c.d": 2, "list": [[1, 2]]}
    record["o"] = {"zip code": 3, "size": 4, "class": 5}
    assert evaluated(expression, record) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'abc'.length()", 3),
        ("''.isEmpty()", True),
        ("'abc'.contains('b')", True),
        ("'abc'.startsWith('a')", True),
        ("'abc'.endsWith('c')", True),
        ("'abcb'.indexOf('b')", 1),
        ("'abcb'.indexOf('b', 2)", 3),
        ("'abcb'.lastIndexOf('b')", 3),
        ("'abc'.substring(1)", "bc"),
        ("'abc'.substring(1, 2)", "b"),
        ("'aB'.toLowerCase()", "ab"),
        ("'aB'.toUpperCase()", "AB"),
        ("' a '.trim()", "a"),
        ("'a.b'.replace('.', '-')", "a-b"),
        ("'a1b22'.replaceAll('([0-9]+)', '<$1>')", "a<1>b<22>"),
        (r"'a'.replaceAll('a', '\\$1')", "$1"),
        ("'a,b,,'.split(',')", ["a", "b"]),
        ("'abc'.charAt(1)", "b"),
        ("'a'.concat('b')", "ab"),
        ("'a'.equals('A')", False),
        ("'a'.equalsIgnoreCase('A')", True),
        ("'a'.compareTo('c')", -2),
        ("'abc'.compareTo('a')", 2),
        ("'abc'.matches('b')", False),
        ("{'a': 1}.get('a')", 1),
        ("{'a': 1}.containsKey('b')", False),
        ("{'a': 1}.keySet()", ["a"]),
        ("{'a': 1}.values()", [1]),
        ("{'a': 1}.size()", 1),
        ("{:}.isEmpty()", True),
        ("[1, 2].get(1)", 2),
        ("[1, 2].get(2)", None),
        ("[1, 2].size()", 2),
        ("[1, 2].contains('2')", False),
        ("[1, 2].contains(2)", True),
        ("'ab'.size()", 2),
        ("[].isEmpty()", True),
        ("[1, 2].indexOf(2)", 1),
        ("upsert_array_append([1]).size()", 1),
        ("(3).length()", None),
        ("missing.length()", None),
    ],
)
def test_methods(expression: str, value: Any) -> None:
    assert evaluated(expression) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("'abc'.substring(4)", "there are no characters 4 to 3"),
        ("'abc'.charAt(3)", "there is no character 3"),
        ("[1] + 1", "an array is no text"),
        ("'a' < [1]", "an array is no text"),
        ("'a' * 2", "text is no number"),
        ("1e30 & 1", "the number has more than 64 bits"),
        ("1e300 * 1e300", "the number is too large"),
        ("{missing: 1}", "a key is null"),
        ("to_integer('12.5')", "the number is not whole"),
        ("to_integer('')", "the text is no number"),
        ("sha1('a', 'KLINGON')", "there is no such charset"),
        ("date('yesterday')", "the value is no date that is known without a pattern"),
        ("date('2020', 'yyyy-MM')", "the text is no date in the pattern yyyy-MM"),
        ("json_to_object('{')", "the text is no JSON"),
        ("set_date_part('month', 13, '2020-01-01')", "there is no such month"),
        ("date_part('era', '2020-01-01')", "the component is no part of a date"),
        ("make_date_time(2021, 2, 29, 0, 0, 0, 0, 'UTC')", "there is no such date"),
        ("lpad('', 2000000, 'ab')", "the result is larger than 1048576 bytes"),
        (f"matches_regex('{'a' * 60}!', '(?=a)(a|aa)+$')", "the pattern took longer"),
    ],
)
def test_a_failure_has_its_reason(expression: str, reason: str) -> None:
    with pytest.raises(Failed) as caught:
        evaluated(expression)
    assert str(caught.value).startswith(reason)


def test_what_re2_lacks_is_there() -> None:
    assert evaluated(r"matches_regex('abab', '(ab)\\1')") is True
    assert evaluated("extract_regex('price: 12', '(?<=: )\\\\d+')") == ["12"]


@pytest.mark.parametrize(
    "expression",
    [
        "concat(a, a, a)",
        "a + a + a",
        "join('', to_array(true, a, a, a))",
        "replacestr(a, 'x', 'xyz')",
        "a.replaceAll('x', 'xyz')",
        "rpad(a, 99999, 'x')",
        "[a, a, a]",
        "{'a': a, 'b': a, 'c': a}",
        "add_to_array([a], a, a)",
        "get_url_encoded(a)",
        "transformArray([1, 2, 3], x -> a)",
    ],
)
def test_nothing_outgrows_the_bounds(expression: str) -> None:
    with pytest.raises(Failed, match="larger than 10000 bytes"):
        evaluated(expression, {"a": "x" * 4000}, Bounds(10_000, 1.0))


def test_a_pattern_takes_texts_of_a_length_that_it_can_take() -> None:
    """Beyond, a pattern whose automaton explodes would take seconds."""
    expression = "matches_regex(a, '(?:a|b)*a(?:a|b){200}c')"
    assert evaluated(expression, {"a": "ab" * 4000}) is False
    with pytest.raises(Failed, match="the text has more than 19323 characters"):
        evaluated(expression, {"a": "ab" * 40_000})


def test_the_clock_is_looked_at_between_matches() -> None:
    """Each search for this pattern reads all of the text, and finds one character."""
    with pytest.raises(Failed, match="the time for this record is over"):
        evaluated("explode(a, 'a.*b|a')", {"a": "a" * 50_000}, BOUNDS, ticking())


def test_sharing_does_not_hide_the_size() -> None:
    doubled = "a"
    for _ in range(40):
        doubled = f"to_array(true, {doubled}, {doubled})" if len(doubled) < 2000 else f"((x -> [x, x])({doubled}))"
    assert len(doubled) < 4096
    with pytest.raises(Failed, match="larger than"):
        evaluated(doubled, {"a": 1})


def test_the_clock_is_looked_at_between_calls() -> None:
    record = {"a": list(range(1000))}
    expression = "filterArray(a, x -> size(filterArray(a, y -> y > x)) > 0)"
    assert len(evaluated(expression, record)) == 999
    with pytest.raises(Failed, match="the time for this record is over"):
        evaluated(expression, record, BOUNDS, ticking())


def test_a_process_that_stands_still_makes_no_record_bad() -> None:
    """The clock goes on while others have the processor; what a mapping may take of it is bounded all the same."""
    readings, spent = [0.0], [0.0]

    def clock() -> float:
        readings[0] += 10 * BOUNDS.seconds
        return readings[0]

    expression = "filterArray(a, x -> size(filterArray(a, y -> y > x)) > 0)"
    mapping_set = compiled({"x": expression})
    record = {"a": list(range(30))}
    assert mapping_set.apply(record, NOW, chance, clock, lambda: spent[0]).errors == ()

    def busy() -> float:
        spent[0] += BOUNDS.seconds / 10
        return spent[0]

    [error] = mapping_set.apply(record, NOW, chance, clock, busy).errors
    assert error.ends_record
    assert 1.0 <= spent[0] / BOUNDS.seconds <= 1.2


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: str(operator.name))
def test_the_example_of_an_operator_is_an_expression(operator: Any) -> None:
    evaluated(operator.example)
    if operator.symbols != ("? :",):
        assert any(symbol in operator.example for symbol in operator.symbols)

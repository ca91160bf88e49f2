"""Formats and patterns of strings: what has them, and what can't be slow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.xdm.validation.formats import CHECKED, UNCHECKED
from exporter.source.xdm.validation.nodes import Pattern
from exporter.source.xdm.validation.patterns import compile_pattern

HAVE = {
    "date-time": [
        *("2019-10-23T12:00:00Z", "2019-10-23T12:00:00.1Z", "2019-10-23T12:00:00.123456789+02:00"),
        *("2020-02-29T23:59:59-00:00", "0001-01-01T00:00:00+18:00", "9999-12-31T00:00:00-17:59"),
    ],
    "email": [
        *("a@b.de", "a.b+c@x.museum", '"a b"@x.com', "a@[127.0.0.1]", "ä@x.de", "a@ä.de", "o'neil@a-b.c.co"),
        "a@xn--mnchen-3ya.de",
    ],
    "uri": [
        *("http://x", "urn:x", "mailto:a@b", "//x/y", "http://ä.de/", "a:b", "http://[::1]/", "http:///a", "a:?x"),
        *("http://x/?[a]", "http://x:99999/", "mailto:ä", "http://u:p@x/a%20b?c=d#e/f?g"),
    ],
    "uri-reference": ["/a", "a", "", "#x", "?x", "//x", "http://x"],
    "hostname": ["x", "a.b-c.d9", "a" * 63],
    "ipv4": ["1.2.3.4", "255.255.255.255"],
    "ipv6": ["::1", "2001:db8::1", "::ffff:1.2.3.4"],
}
LACK = {
    "date-time": [
        *(
            "",
            "2019-10-23",
            "2019-10-23T12:00",
            "2019-10-23T12:00:00",
            "2019-10-23T12:00:00+0200",
            "2019-10-23 12:00:00Z",
        ),
        *("2019-10-23t12:00:00Z", "2019-10-23T12:00:00z", "2019-02-30T12:00:00Z", "2019-02-29T12:00:00Z"),
        *("2019-13-01T12:00:00Z", "2019-00-01T12:00:00Z", "2019-01-00T12:00:00Z", "2019-04-31T12:00:00Z"),
        *("2019-10-23T24:00:00Z", "2019-10-23T12:60:00Z", "2019-10-23T12:00:60Z", "0000-10-23T12:00:00Z"),
        *("2019-10-23T12:00:00.Z", "2019-10-23T12:00:00.1234567890Z", "2019-10-23T12:00:00+18:01"),
        *("2019-10-23T12:00:00+02", "2019-10-23T12:00:00Z\n", "٢٠١٩-10-23T12:00:00Z"),
    ],
    "email": [
        *(
            "",
            "no",
            "a@b",
            "a@localhost",
            "a..b@x.de",
            "a@-x.de",
            "a@x.de ",
            " a@x.de",
            "a@x-.de",
            ".a@x.de",
            "a.@x.de",
        ),
        *("a@b@x.de", "a@x.d", "a@x.de\n", "a b@x.de", "a@x..de", "<a@x.de>", "a" * 320 + "@x.de"),
    ],
    "uri": [
        *("", "a", "/a", "::", "1:x", "http:", "http://", "//", "a:#x", "http://x/a b", "http://x/%zz", "http://x/[a]"),
        *("http://x/#a#b", "http://x y/", "http://a|b/", "http://x\n", "http://x/<a>"),
    ],
    "uri-reference": ["x y", "%zz", "a#b#c", "<"],
    "hostname": ["", "-a", "a-", "a_b", "a..b", "a" * 64, "a." * 127, "x\n"],
    "ipv4": ["x", "1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4\n"],
    "ipv6": ["x", ":::", "1.2.3.4", "fe80::1%eth0"],
}


def test_every_format_that_is_checked_has_a_row() -> None:
    assert HAVE.keys() == LACK.keys() == CHECKED.keys()
    assert not UNCHECKED & CHECKED.keys()


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in HAVE.items() for text in texts])
def test_has_the_format(name: str, text: str) -> None:
    assert CHECKED[name].fits(text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in LACK.items() for text in texts])
def test_has_it_not(name: str, text: str) -> None:
    assert not CHECKED[name].fits(text)


@settings(max_examples=50)
@given(st.text(), st.sampled_from(sorted(CHECKED)))
def test_any_text_has_a_format_or_has_it_not(text: str, name: str) -> None:
    assert isinstance(CHECKED[name].fits(text), bool)


@settings(max_examples=30)
@given(
    st.sampled_from(["a", "a.", "a@", "@", "-", "%20", "a-", '"', "//", "[", "1:", ".1"]),
    st.sampled_from(sorted(CHECKED)),
)
def test_no_text_makes_a_format_explode(piece: str, name: str) -> None:
    # An explosion would never end.
    CHECKED[name].fits(piece * 20_000)
    CHECKED[name].fits("http://" + piece * 20_000 + " ")
    CHECKED[name].fits("a@b" + piece * 100 + " ")


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        ("^[A-Z]", "Abc", True),
        ("^[A-Z]", "abc", False),
        ("b", "abc", True),
        ("^a$", "a\n", False),
        (r"^\p{L}+$", "Zoë", True),
        (r"^\p{L}+$", "a1", False),
        (r"^\d$", "٣", False),
        (r"^\u00e9$", "é", True),
        (r"^\\u00e9$", r"\u00e9", True),
        ("^.$", "😀", True),
        ("^.$", "\ud800", True),
        ("", "", True),
        ("(a+)+$", "a" * 100_000 + "b", False),
    ],
)
def test_patterns(pattern: str, text: str, is_found: bool) -> None:
    compiled = compile_pattern(pattern)
    assert isinstance(compiled, Pattern), compiled
    assert compiled.found(text) == is_found
    assert compiled.text == pattern


@pytest.mark.parametrize(
    "pattern", ["(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "a++", "(", "[", "a{1001}", "\ud800(", r"\h"]
)
def test_what_re2_does_not_read_is_refused_with_its_words(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    refusal = compile_pattern(pattern)
    assert isinstance(refusal, str)
    assert refusal.startswith("is no pattern that RE2 reads: ")
    assert capfd.readouterr() == ("", "")


@settings(max_examples=100)
@given(st.text(alphabet="ab()[]{}\\u00e9|*+?^$.1,-\ud800"), st.text(alphabet="abé\ud800\n"))
def test_any_pattern_is_read_or_refused(pattern: str, text: str) -> None:
    compiled = compile_pattern(pattern)
    assert isinstance(compiled, str) or isinstance(compiled.found(text), bool)

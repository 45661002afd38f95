"""Names from a stranger's certificate do no harm to a picture."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from cast import Lab
from mtls_lab.handshake import explain, rehearse
from mtls_lab.views import ladder, show
from mtls_lab.views.words import printable, shown

HOSTILE = '<script>alert("1")</script>'


def test_markup_in_a_name_stays_text(lab: Lab) -> None:
    scenario = lab.scenario()
    mallory = lab.issuing.issue(HOSTILE, purpose="clientAuth")
    handshake = rehearse(replace(scenario, client=replace(scenario.client, presents=mallory)))

    pictures = ladder(handshake), show(handshake), show(explain(handshake)), show(mallory)

    for picture in pictures:
        assert "<script" not in picture.html
        assert "<script" not in (picture.svg or "")
        assert "<script>" in picture.text
    assert HOSTILE[:20] in "".join(ET.fromstring(pictures[0].svg or "").itertext())


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain name", "plain name"),
        ("back\u202egnp.exe", "back\\u202egnp.exe"),
        ("two\nlines", "two\\u000alines"),
        ("bell\x07", "bell\\u0007"),
        ("ключ", "ключ"),
    ],
)
def test_what_is_invisible_is_spelled_out(text: str, safe: str) -> None:
    assert printable(text) == safe


def test_a_long_name_is_cut() -> None:
    assert printable("a" * 5000) == "a" * 47 + "…"


def test_markup_is_escaped() -> None:
    assert shown("<b>&'\"") == "&lt;b&gt;&amp;&#x27;&quot;"

"""Values become the names of their kinds, in time linear in the length of a word."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.masking import KINDS, REMEMBERED, WORD_LIMIT, Masker, mask_word

CASES = {
    "10.251.73.220:50010": "<IP>",
    "/10.251.73.220:50010,": "/<IP>,",
    "10.0.0.0/24": "<IP>",
    "fe80::1ff:fe23:4567:890a": "<IP>",
    "2001:db8:0:0:0:0:0:1": "<IP>",
    "00:1A:2B:3C:4D:5E": "<MAC>",
    "550e8400-e29b-41d4-a716-446655440000": "<UUID>",
    "(anna.b@example.org)": "(<EMAIL>)",
    "https://example.org/a?b=c": "<URL>",
    "url=http://x.de/y;": "url=<URL>;",
    "/var/log/app.log:17": "<PATH>:<NUM>",
    "/search?q=a&page=3": "<PATH>",
    r"C:\Windows\system32\x.dll": "<PATH>",
    "src/main/java": "<PATH>",
    "and/or": "and/or",
    "2026-03-02T10:11:12.345Z": "<DATE>",
    "2026/03/02": "<DATE>",
    "12:34:56.789": "<TIME>",
    "0x7fed806eb5d": "<HEX>",
    "9f4ef63": "<HEX>",
    "deadbeef": "<HEX>",
    "decade": "decade",
    "proxy.example.com:8080": "<HOST>",
    "cdn.example.cn:443": "<HOST>",
    "com.example.Service": "com.example.Service",
    "12.5ms": "<DURATION>",
    "4KB": "<SIZE>",
    "-17": "<NUM>",
    "1,234,567": "<NUM>",
    "v2.6.5": "v<NUM>",
    "blk_-3886504906": "blk_<NUM>",
    "part-00017": "part-<NUM>",
    "en0:": "en0:",
    "IPv6": "IPv6",
    "eth12": "eth<NUM>",
    "null,": "<NULL>,",
    "nullable": "nullable",
    "terminating": "terminating",
}


@pytest.mark.parametrize("word", CASES)
def test_values_become_their_kinds(word: str) -> None:
    assert mask_word(word) == CASES[word]


def test_two_numbers_of_a_kind_look_alike_and_two_words_do_not() -> None:
    mask = Masker()
    assert mask("took 12 ms for  10.0.0.1") == mask("took 7 ms for 10.9.0.200") == "took <NUM> ms for <IP>"
    assert mask("opened") != mask("closed")


@given(st.text(max_size=300))
def test_any_text_is_masked_the_same_whether_words_are_remembered_or_not(text: str) -> None:
    mask = Masker()
    first = mask(text)
    assert mask(text) == first == " ".join(mask_word(word) for word in text.split())


def test_memory_is_bounded() -> None:
    mask = Masker()
    for number in range(REMEMBERED + 100):
        mask(f"w{number}x")
    assert len(mask._known) <= REMEMBERED


@pytest.mark.parametrize(
    "part", ["a", "1", "-", ".", ":", "/", "a.", "1:", "-/", "@", "a@", "0x", "aB3", "::1", "é", "_", "[", "a/b."]
)
def test_no_word_takes_long(part: str) -> None:
    word = part * (WORD_LIMIT // len(part))
    started = time.process_time()
    for ending in ("", "!", "x@", "://"):
        mask_word(word + ending)
        mask_word(word[: WORD_LIMIT // 2] + ending)
    assert time.process_time() - started < 0.2  # seconds for eight words; quadratic time would be a multiple


def test_a_word_beyond_the_limit_is_cut() -> None:
    assert mask_word("z" * (WORD_LIMIT + 1)).endswith("<DATA>")
    assert "DATA" in KINDS

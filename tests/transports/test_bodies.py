"""A compressed body is whole wherever the pieces end, those that come in and those that are written out."""

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import TransportError
from anyauth0_transports._messages import _PIECE, Body

from .senders import get

REQUEST = get("https://tenant.example.com/")


def body(encoding: str, limit: int | None = None) -> Body:
    return Body(REQUEST, {"content-encoding": encoding}, limit)


@pytest.mark.parametrize("extra", [-258, -1, 0, 1, 2, 257, 258, 259, 516])
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate"])
def test_a_body_that_fills_a_piece_is_whole(encoding: str, extra: int) -> None:
    plain = bytes(_PIECE + extra)
    found = body(encoding)
    # Zeros are packed so densely that much is still to be written when all has been read.
    found.feed(zlib.compress(plain) if encoding == "deflate" else gzip.compress(plain))
    assert found.whole() == plain


@given(plain=st.binary(max_size=400), cuts=st.lists(st.integers(0, 420), max_size=6), parts=st.integers(1, 3))
def test_pieces_may_be_cut_anywhere(plain: bytes, cuts: list[int], parts: int) -> None:
    packed = gzip.compress(plain) * parts
    found = body("gzip")
    places = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    for start, end in pairwise(places):
        found.feed(packed[start:end])
    assert found.whole() == plain * parts


@given(plain=st.binary(min_size=1, max_size=400), data=st.data())
def test_a_body_that_is_cut_short_is_not_whole(plain: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(plain)
    found = body("gzip")
    found.feed(packed[: data.draw(st.integers(1, len(packed) - 1))])
    with pytest.raises(TransportError, match="broke off") as caught:
        found.whole()
    assert caught.value.request_sent


@given(plain=st.binary(max_size=400), limit=st.integers(1, 400))
def test_the_limit_counts_what_is_written_out(plain: bytes, limit: int) -> None:
    found = body("gzip", limit)
    if len(plain) <= limit:
        found.feed(gzip.compress(plain))
        assert found.whole() == plain
    else:
        with pytest.raises(TransportError, match='"max_response_bytes"'):
            found.feed(gzip.compress(plain))

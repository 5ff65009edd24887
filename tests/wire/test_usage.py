import pytest

from idetour.wire.usage import Usage


def test_openai_usage_is_read() -> None:
    said = (
        b'{"prompt_tokens":90,"completion_tokens":40,"total_tokens":130,'
        b'"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":7}}'
    )

    assert Usage.read(said) == Usage(prompt=90, completion=40, total=130, cached=64, reasoning=7)


@pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cached_tokens"])
def test_cached_tokens_are_found_where_deepseek_and_moonshot_put_them(name: str) -> None:
    usage = Usage.read(b'{"prompt_tokens":9,"%b":4,"prompt_tokens_details":null}' % name.encode())

    assert usage == Usage(prompt=9, total=9, cached=4)


def test_a_missing_total_is_the_sum() -> None:
    assert Usage.read(b'{"input_tokens":3,"output_tokens":2}') == Usage(prompt=3, completion=2, total=5)


def test_an_absurd_number_counts_as_nothing() -> None:
    said = b'{"prompt_tokens":-1,"completion_tokens":"12","total_tokens":1e300,"prompt_tokens_details":[]}'

    assert Usage.read(said) == Usage()


@pytest.mark.parametrize("said", [b"null", b"[]", b'"many"', b"3", b"{", b""])
def test_what_is_no_object_is_no_usage(said: bytes) -> None:
    assert Usage.read(said) is None


def test_what_was_written_to_the_cache_and_what_it_cost_are_read() -> None:
    said = b'{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":4},"cost":0.00017}'

    assert Usage.read(said) == Usage(prompt=9, total=9, cached=2, written=4, cost=0.00017)


@pytest.mark.parametrize("cost", [b'"0.1"', b"-1", b"1e300", b"null", b"{}"])
def test_a_cost_that_is_nonsense_is_none(cost: bytes) -> None:
    usage = Usage.read(b'{"prompt_tokens":9,"cost":%b}' % cost)

    assert usage
    assert usage.cost is None

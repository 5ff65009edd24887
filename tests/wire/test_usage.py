import pytest

from idetour.wire.usage import Usage, last


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


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        (b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}', (3, 2)),
        (
            b'"usage":null}\n\ndata: {"usage": {"prompt_tokens":3,"details":{"a":1},"completion_tokens":2}}',
            (3, 2),
        ),
        (b'"usage":{"output_tokens":1}}\n"usage":{"input_tokens":3,"output_tokens":2}}', (3, 2)),
    ],
    ids=["whole", "stream", "the last counts"],
)
def test_the_end_of_an_answer_says_what_it_cost(said: bytes, tokens: tuple[int, int]) -> None:
    usage = last(said)

    assert usage
    assert (usage.prompt, usage.completion) == tokens


@pytest.mark.parametrize("said", [b"", b'"usage": 3', b'{"text":"\\"usage\\":{}"}', b'"usage":{' * 1000])
def test_an_end_that_says_nothing_of_tokens_cost_nobody_knows_what(said: bytes) -> None:
    assert last(said) is None

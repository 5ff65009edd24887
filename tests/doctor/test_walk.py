from collections.abc import Callable, Iterator

from idetour.doctor import HOPS, Finding, Hop, Road, State, first_broken, walk
from idetour.doctor.hop import broken, ok
from idetour.errors import SetupError


def hop(name: str, *findings: Finding, needs: tuple[str, ...] = (), outside: bool = False) -> Hop:
    return Hop(name=name, look=lambda _: findings, needs=needs, outside=outside)


def seen(*hops: Hop, offline: bool = False) -> list[tuple[str, str, str]]:
    return [(each.name, found.state, found.text) for each, found in walk(hops, Road(offline=offline))]


def test_what_needs_a_broken_hop_is_not_tried_and_names_the_first_cause() -> None:
    hops = (
        hop("a", broken("no")),
        hop("b", ok("?"), needs=("a",)),
        hop("c", ok("?"), needs=("b",)),
        hop("d", ok("yes")),
    )

    assert seen(*hops) == [
        ("a", "broken", "no"),
        ("b", "skipped", "not tried, because of: a"),
        ("c", "skipped", "not tried, because of: a"),
        ("d", "ok", "yes"),
    ]


def test_offline_asks_nobody_outside() -> None:
    assert seen(hop("a", ok("?"), outside=True), offline=True) == [("a", "skipped", "not tried: --offline")]


def test_a_hop_that_cannot_look_is_broken_and_says_why() -> None:
    def look(road: Road) -> Iterator[Finding]:
        yield ok("half")
        raise SetupError("The disk is gone.")

    assert seen(Hop(name="a", look=look)) == [("a", "ok", "half"), ("a", "broken", "The disk is gone.")]


def test_the_first_broken_one_is_where_to_begin() -> None:
    found = list(walk((hop("a", ok("yes"), broken("one")), hop("b", broken("two"))), Road()))
    first = first_broken(found)

    assert first
    assert (first[0].name, first[1].text) == ("a", "one")
    assert first_broken(found[:1]) is None


def test_each_hop_has_a_name_of_its_own_and_needs_only_earlier_ones() -> None:
    before: set[str] = set()
    for each in HOPS:
        assert each.name not in before
        assert set(each.needs) <= before
        before.add(each.name)


def test_on_a_road_that_nobody_walks_every_hop_says_something(
    road: Callable[..., Road], free_port: int
) -> None:
    found = list(walk(HOPS, road(port=free_port, offline=True)))

    assert {each.name for each, _ in found} == {each.name for each in HOPS} - {"ide"}
    assert all(finding.text for _, finding in found)
    assert [each.name for each, finding in found if finding.state is State.BROKEN] == ["port"]

"""Addresses of this machine, as people, kernels and resolvers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.addresses import hostname, is_loopback, leads_here


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::ffff:127.0.0.1", True),
        ("::1%lo", True),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
        ("x", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("0.0.0.0", True),
        ("::", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::1234:1", False),
        ("localhost", True),
        ("fe80::1%1", False),
        ("fe80::1%eth0", False),
        ("10.0.0.1", False),
        ("192.168.1.7", False),
        ("104.18.7.192", False),
        ("x", False),
    ],
)
def test_this_machine_is_known_by_its_addresses(address: str, expected: bool) -> None:
    assert leads_here(address) is expected


@given(st.text())
def test_what_is_not_a_host_has_no_name(text: str) -> None:
    assert hostname(f"{text}@localhost") is None
    assert hostname(f"localhost/{text}") is None

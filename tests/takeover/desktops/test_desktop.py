from idetour.takeover.desktops.desktop import pac_url, with_bypass


def test_this_machine_is_always_an_exception_and_the_users_own_stay() -> None:
    assert with_bypass(["*.corp", "localhost"]) == ["*.corp", "localhost", "127.0.0.1", "::1"]
    assert with_bypass([]) == ["localhost", "127.0.0.1", "::1"]


def test_the_pac_file_is_where_idetour_serves_it() -> None:
    assert pac_url("127.0.0.1:8080") == "http://127.0.0.1:8080/proxy.pac"

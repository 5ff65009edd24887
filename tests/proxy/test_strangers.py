"""What other machines reach through us."""

import base64
import re

import pytest

from idetour.proxy.strangers import password
from namespace import Machine, machine

__all__ = ["machine"]

KEY = "sk-team-0123456789"
# Another machine is one that has another address; and 9.9.9.9 is the internet.
OTHERS = f"""
export IDETOUR_API_KEY={KEY}
ip address add 10.9.9.1/32 dev lo
ip address add 9.9.9.9/32 dev lo
"$PYTHON" -c '
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(self.headers).encode())
http.server.HTTPServer(("9.9.9.9", 80), Echo).serve_forever()' 2>/dev/null &
start --host 0.0.0.0 "$@"
until_ 'grep -q listening "$MACHINE/out"'
ask() {{ curl -sS -m 20 -w ' %{{http_connect}} %{{http_code}}\\n' -x http://10.9.9.1:18080 "$@" 2>&1 || true; }}
"""


def test_another_machine_gets_to_other_hosts_with_a_key_only(machine: Machine) -> None:
    said = machine.run(
        OTHERS
        + f"""
ask -o /dev/null -p http://9.9.9.9/
ask -o /dev/null -p -U me:sk-wrong-0123456789 http://9.9.9.9/
ask -o /dev/null -p -U me:{KEY} http://9.9.9.9/
ask -o /dev/null http://9.9.9.9/
ask -U me:{KEY} http://9.9.9.9/
curl -sS -o /dev/null -w 'here %{{http_code}}\n' -x http://127.0.0.1:18080 http://9.9.9.9/
"""
    )
    codes = re.findall(r"^.* ([0-9]{3}) ([0-9]{3})$", said, re.MULTILINE)

    assert codes == [("407", "000"), ("407", "000"), ("200", "200"), ("000", "502"), ("000", "200")]
    assert said.endswith("here 200\n")
    assert "authorization" not in said.lower()  # of what the other host got


def test_hosts_that_we_answer_for_need_no_key_of_a_proxys(machine: Machine) -> None:
    said = machine.run(
        OTHERS
        + f"""
ask -k https://api.openai.com/v1/models -H 'Authorization: Bearer {KEY}' -o /dev/null
ask -k https://api.openai.com/v1/models -o /dev/null
"""
    )
    assert said.splitlines()[-2:] == [" 200 200", " 200 401"]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("Basic " + base64.b64encode(b"me:key").decode(), "key"),
        ("basic " + base64.b64encode("我:k:e:y".encode()).decode(), "k:e:y"),
        ("Basic " + base64.b64encode(b"me:").decode(), None),
        ("Basic " + base64.b64encode(b"me").decode(), None),
        ("Basic \xff", None),
        ("Basic //8=", None),
        ("Bearer key", None),
        ("", None),
    ],
)
def test_the_key_is_the_password(said: str, word: str | None) -> None:
    found = password(said)
    assert (found and found.reveal()) == word

"""Run in a network namespace of its own, where 203.0.113.7 is a host of ours: does it keep its certificate?

Prints what curl says of the certificate's issuer, through our proxy.
"""

import os
import subprocess
import sys
from pathlib import Path

from proxy.conftest import Proxy
from upstream import Authority

ADDRESS = "203.0.113.7"  # TEST-NET-3: public by its number, and nobody's


def main(folder: Path) -> None:
    os.environ["IDETOUR_HOME"] = str(folder / "home")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)
    authority = Authority(folder)
    profile = folder / "profile.yaml"
    profile.write_text("models: {gpt-4o: demo/hello}")
    origin = [
        "openssl",
        "s_server",
        "-www",
        "-quiet",
        "-accept",
        f"{ADDRESS}:443",
        "-cert",
        str(authority.leaf(ADDRESS)),
    ]
    with (
        subprocess.Popen(origin, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as serving,
        Proxy(profile) as proxy,
    ):
        curl = ["curl", "-sv", "--retry-connrefused", "--retry", "5", "--noproxy", "", "-x", proxy.url]
        asked = subprocess.run(
            [*curl, "--cacert", str(authority.ca), f"https://{ADDRESS}/"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        sys.stdout.write(f"{asked.returncode} {asked.stdout} {asked.stderr}")
        serving.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

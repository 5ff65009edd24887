"""The desktop's proxy setting, which IDEs look at: whether it sends them past us. It is read, never changed."""

from collections.abc import Iterator, Sequence

from idetour.doctor.environment import listens
from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road
from idetour.takeover import desktops


def judged(through: Sequence[str], address: str, *, by_hosts: bool, alive: bool) -> Finding:
    """`through`: proxies (`127.0.0.1:7890`) and PAC files that are in use; `address`: our own."""
    others = [each for each in dict.fromkeys(through) if not is_ours(each, address)]
    if not through:
        return ok("the desktop uses no proxy")
    if not others:
        return ok(f"the desktop sends its programs to idetour ({through[0]})")
    remedy = "Switch it off, or use --takeover pac, which takes its place."
    if not alive:
        return broken(f"the desktop's proxy is {others[0]}, where nobody listens", remedy)
    if by_hosts:
        return broken(
            f"the desktop's proxy is {others[0]}: programs ask it, so the hosts file is not looked at", remedy
        )
    return note(f"the desktop's proxy is {others[0]}; requests to the model hosts go there", remedy)


def is_ours(each: str, address: str) -> bool:
    """Whether a proxy, however its desktop writes it, or a PAC file is at our address."""
    host, _, port = address.partition(":")
    return address in each or each.split() == [host, port]


def look(road: Road) -> Iterator[Finding]:
    desktop = desktops.current()
    if desktop is None:
        yield ok("this system has no such setting, or none that idetour knows")
        return
    address = f"127.0.0.1:{road.port}"
    through = [group.through for group in desktop.plan("pac", address) if group.through]
    others = [each for each in through if not is_ours(each, address)]
    alive = all(listens(url(each)) for each in others)
    yield judged(through, address, by_hosts="hosts" in road.ways, alive=alive)


def url(setting: str) -> str:
    """`127.0.0.1 7890`, `127.0.0.1:7890` and `http=127.0.0.1:7890;…` as a URL; a PAC file's is one."""
    if "://" in setting:
        return setting
    first = setting.split(";")[0].rpartition("=")[2]
    return f"http://{':'.join(first.split())}"


HOP = Hop(name="system proxy", look=look)

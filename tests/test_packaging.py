"""What we publish: all that a user needs, and nothing else; above all no key."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PUBLISHED = [
    *("addons", "profiles", "tests", "tools", "docs", "certs/README.md"),
    *("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore"),
]

# What may lie about in a checkout and must stay there.
PLANTED = (
    "certs/root-key.pem",
    ".venv/lib/site.py",
    ".idetour/profiles/mine.yaml",
    ".env",
    "profiles/private.key",
    "addons/idetour/certs/leaf.pem",
    "notes.txt",
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and, built from it, the wheel of a copy in which keys were left lying about."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in PUBLISHED:
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for name in PLANTED:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("-----BEGIN PRIVATE KEY-----\n")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy / "dist"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def sdist(dist: Path) -> list[str]:
    """The names in the sdist, without the folder that holds them all."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


def test_a_wheel_holds_what_a_user_needs(wheel: zipfile.ZipFile) -> None:
    profiles = {f"idetour/data/profiles/{path.name}" for path in (ROOT / "profiles").glob("*.yaml")}
    needed = {"idetour/__init__.py", "idetour/py.typed", "idetour/data/addon.py"} | profiles

    assert profiles != set()
    assert needed - set(wheel.namelist()) == set()


def test_a_wheel_puts_one_name_into_site_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"idetour"}


def test_an_sdist_holds_only_what_is_listed(sdist: list[str]) -> None:
    listed = [*PUBLISHED, "PKG-INFO"]
    stray = [name for name in sdist if not any(name == top or name.startswith(f"{top}/") for top in listed)]

    assert stray == []


@pytest.mark.parametrize("planted", PLANTED)
def test_what_lies_about_is_not_published(planted: str, wheel: zipfile.ZipFile, sdist: list[str]) -> None:
    name = planted.rpartition("/")[2]

    assert [path for path in [*wheel.namelist(), *sdist] if path.endswith(f"/{name}") or path == name] == []


def test_an_installed_copy_finds_what_came_with_it(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Unpacking is installing, as far as Python is concerned; `-I` keeps this checkout off sys.path."""
    wheel.extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from idetour.home import in_checkout, shipped\n"
        "print(in_checkout(), shipped('profiles').is_dir(), shipped('addon.py').is_file())"
    )

    answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout == "False True True\n"

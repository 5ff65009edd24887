"""What a command printed, however wide its columns are."""

from click.testing import Result


def lines(result: Result) -> list[str]:
    """Without the blanks of columns. No key of these tests is ever among them."""
    assert "canary" not in result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]

"""`idetour usage`: requests, tokens and cost of a span, by what one likes, also while no idetour runs."""

import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import click

from idetour.usage.query import By

COLUMNS = ("requests", "ok", "failed", "broken", "left", "stopped", "rescued")
TOKENS = ("prompt", "cached", "completion", "reasoning")


@click.command(short_help="Requests, tokens and cost, by model, target, client or time.")
@click.option("--since", default="7d", show_default=True, help="90m, 24h, 7d, 2w ago, or a date.")
@click.option("--until", help="The same; without it, now.")
@click.option(
    "--by",
    type=click.Choice(get_args(By.__value__)),
    default="model",
    show_default=True,
    help="What to sum up by.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets.")
def usage(since: str, until: str | None, by: By, as_json: bool, as_csv: bool) -> None:
    """Sum up what was asked through this home's idetour, whether it runs or not.

    Days and hours are those of UTC. A cost that nobody knows is shown as –.
    """
    from idetour.errors import BadRequest
    from idetour.usage.query import Span, moment, summary

    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    now = time.time()
    try:
        span = Span(since=moment(since, now), until=moment(until, now) if until else now)
    except BadRequest as error:
        raise click.UsageError(error.message) from None
    if span.since >= span.until:
        raise click.UsageError("--since has to lie before --until.")
    said = read(summary(span, by))
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False, indent=2))
    elif as_csv:
        write(said["groups"], by)
    else:
        show(said, by, since)


def read(question: Any) -> dict[str, Any]:
    """The answer of this home's store. Raises SetupError where there is none to be had."""
    from idetour.home import home
    from idetour.usage.database import reading
    from idetour.usage.store import FILE

    path = home() / "state" / FILE
    with reading(path) as database:
        answer: dict[str, Any] = question(database)
    return answer


def show(said: Mapping[str, Any], by: By, since: str) -> None:
    from idetour.cli.screen import console, table

    totals = said["totals"]
    if not totals["requests"]:
        console.print(f"Nothing was asked since {since}. Ask for a longer span with --since.")
        return
    if by == "outcome":
        table((by, "requests"), ((each["name"], f"{each['requests']:,}") for each in said["groups"]))
        return
    headings = (
        by,
        "requests",
        "failed",
        "rescued",
        "tokens in",
        "cached",
        "out",
        "cost",
        "first token",
        "total",
    )
    lines = [[*line(each["name"] or "nobody", each)] for each in said["groups"]]
    table(headings, [*lines, [*line("all", totals)]] if len(lines) > 1 else lines)
    if totals["unpriced"]:
        priced = " Prices of your own go into prices.yaml in idetour's home." if not totals["costs"] else ""
        console.print(f"\nThe price of {totals['unpriced']:,} of these requests is not known.{priced}")
    if totals["estimated"]:
        console.print(
            f"Tokens are estimated where nobody counted them or the client left before: {totals['estimated']:,} of these requests."
        )


def line(name: str, sums: Mapping[str, Any]) -> Iterator[str]:
    """A group as a line of the table. Of times, the median and what 95 of 100 stayed within."""
    from idetour.cli.screen import duration

    yield name
    yield f"{sums['requests']:,}"
    yield str(sums["failed"] + sums["broken"] or "")
    yield str(sums["rescued"] or "")
    yield f"{sums['prompt']:,}"
    yield f"{sums['cached'] / sums['prompt']:.0%}" if sums["cached"] and sums["prompt"] else ""
    yield f"{sums['completion']:,}"
    free = not sums["costs"] and not sums["unpriced"] and sums["prompt"] + sums["completion"]
    yield money({"": 0.0} if free else sums["costs"])
    for kind in ("first_token", "total"):
        half, most = sums[kind]["p50"], sums[kind]["p95"]
        yield "–" if half is None else f"{duration(half)}, {duration(most)}"


def money(costs: Mapping[str, float]) -> str:
    """`1.25 USD`, `0.0004 USD + 3.10 CNY`; `free`; – where no price is known."""
    parts = (f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}" for amount in costs.values())
    said = [f"{part} {currency}" for part, currency in zip(parts, costs, strict=True) if currency]
    return " + ".join(said) or ("free" if costs else "–")


def write(groups: list[dict[str, Any]], by: By) -> None:
    """Comma-separated, one line for each group and currency; an empty cell where nothing is known."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    if by == "outcome":
        out.writerows([(by, "requests"), *((each["name"], each["requests"]) for each in groups)])
        return
    out.writerow((by, *COLUMNS, *TOKENS, "cost", "currency", "first_token_p50", "first_token_p95"))
    for each in groups:
        shared = [each["name"], *(each[name] for name in (*COLUMNS, *TOKENS))]
        times = [each["first_token"][part] for part in ("p50", "p95")]
        for currency, cost in each["costs"].items() or [("", "")]:
            out.writerow([*shared, cost, currency, *times])
            shared = [each["name"], *[""] * (len(shared) - 1)]  # counted once
            times = ["", ""]

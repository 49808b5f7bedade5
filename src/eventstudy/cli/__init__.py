"""The command line: a command into one call below, its outcome into text and an exit code.

Exit codes: 0 done; 1 the study or its data is wrong; 2 wrong usage; 3 a source could not be
reached or returned invalid data; 4 validation stopped a refresh; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

import click

from eventstudy import __version__

# name: (module:attribute, one line of help). Help stays here, so that --help imports nothing.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("eventstudy.cli.studies:run", "Run a study; write its report, tables and figures."),
    "check": ("eventstudy.cli.studies:check", "Show what a study would do, without statistics."),
    "new": ("eventstudy.cli.studies:new", "Write a study file and an event file to start from."),
    "methods": ("eventstudy.cli.listing:methods", "List the statistics, or explain one of them."),
    "refresh": ("eventstudy.cli.refresh:refresh", "Bring the price store up to date."),
    "prices": ("eventstudy.cli.prices:prices", "Show, check, import and export stored prices."),
    "schedule": ("eventstudy.cli.schedule:schedule", "Write, install or run the daily refresh."),
    "events": ("eventstudy.cli.events:events", "List, check, merge, split and accept events."),
    "articles": ("eventstudy.cli.articles:articles", "Extract dated events from articles."),
    "power": ("eventstudy.cli.studies:power", "Report the minimum detectable effects of a study."),
    "certify": ("eventstudy.cli.certify:certify", "Measure size and power of the tests."),
    "datasets": ("eventstudy.cli.listing:datasets", "List the bundled data, or export some."),
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one for a slip of the finger."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from eventstudy.errors import did_you_mean

            msg = f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}"
            raise click.UsageError(msg, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[1]) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="eventstudy")
def cli() -> None:
    """Say what the news did to crude, and whether that is distinguishable from noise.

    Tables go to standard output, notes and progress to standard error.
    """


def main() -> None:
    """Run the command line and turn every known error into one line and an exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        from eventstudy.cli.output import echo

        said = io.StringIO()
        error.show(said)
        echo(said.getvalue(), err=True, nl=False)
        _leave(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted: nothing was written")
        _leave(130)
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain once more while closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(0)
    except Exception as error:  # noqa: BLE001  # no traceback reaches a user
        _fail(error)
    _leave(code if isinstance(code, int) else 0)


def _fail(error: Exception) -> NoReturn:
    from eventstudy.errors import (
        ArticleSourceError,
        BatchRefusedError,
        EventStudyError,
        PriceSourceError,
    )

    if os.environ.get("EVENTSTUDY_DEBUG"):
        raise error
    if isinstance(error, EventStudyError):
        _say(str(error))
        if isinstance(error, BatchRefusedError):
            _leave(4)
        _leave(3 if isinstance(error, (ArticleSourceError, PriceSourceError)) else 1)
    if isinstance(error, MemoryError):
        _say("out of memory: the input is larger than this machine can hold; split it")
        _leave(1)
    if isinstance(error, OSError):
        name = f"{str(error.filename)[:200]}: " if error.filename else ""
        _say(f"{name}{error.strerror or error}")
        _leave(1)
    _say(
        f"internal error ({type(error).__name__}: {error}); "
        "set EVENTSTUDY_DEBUG=1 to see where, and report it"
    )
    _leave(1)


def _say(text: str) -> None:
    from eventstudy.cli.output import echo

    for line in text.splitlines() or [""]:
        echo(f"eventstudy: {line}", err=True)


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.exit(code)


def _stop(signum: int, frame: FrameType | None) -> Any:  # noqa: ANN401, ARG001  # the signal's signature
    raise KeyboardInterrupt

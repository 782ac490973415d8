"""The typer application: its commands, and how errors, warnings, Ctrl-C and a closed pipe end it."""

from __future__ import annotations

import inspect
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import fastnn
from fastnn.cli.compile import compile_kernels
from fastnn.cli.evaluate import evaluate
from fastnn.cli.export import export
from fastnn.cli.info import info
from fastnn.cli.plot import KINDS as KINDS_OF_PICTURE
from fastnn.cli.plot import plot
from fastnn.cli.predict import predict
from fastnn.cli.report import report
from fastnn.cli.show import show
from fastnn.cli.termination import CTRL_C_STATUS, SIGTERM_STATUS, sigterm_like_ctrl_c
from fastnn.cli.train import train
from fastnn.errors import FastnnError

# click's UsageError has lived in different modules over typer's versions; it always was the base of this.
UsageError: type[Any] = typer.BadParameter.__bases__[0]


class InterruptError(Exception):
    """Ctrl-C during a command, under a name that typer does not swallow."""


class Commands(TyperGroup):
    """The group of commands; lets Ctrl-C and a closed pipe through to `run`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptError from None
        except BrokenPipeError:
            _forget_output()
            raise typer.Exit(1) from None

    def list_commands(self, ctx: Any) -> list[str]:
        """Commands in their order, then the groups, which typer would have first."""
        return sorted(super().list_commands(ctx), key=lambda name: name not in COMMANDS)


app = typer.Typer(
    cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, name="fastnn"
)

EXAMPLES = """Examples:

\b
  fastnn train digits --out digits.safetensors
  fastnn evaluate digits.safetensors digits
  fastnn show digits.safetensors digits --wrong
  fastnn predict digits.safetensors images.csv --out labels.csv

`fastnn COMMAND --help` says more about each command."""


@app.callback(invoke_without_command=True, epilog=EXAMPLES)
def fastnn_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Train multilayer perceptrons on a CPU, fast, and use them."""
    if version:
        print(f"fastnn {fastnn.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "show": show,
    "export": export,
    "report": report,
    "info": info,
    "compile": compile_kernels,
}


def _register(group: typer.Typer, commands: dict[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        group.command(name, **_help(command))(command)


def _help(command: Callable[..., None]) -> dict[str, Any]:
    # The docstring is the help text; its examples come last, after the options, and are not rewrapped (\\b).
    text, _, examples = inspect.cleandoc(command.__doc__ or "").partition("Examples:\n")
    return {"help": text, "epilog": f"Examples:\n\n\b\n{examples}"}


_register(app, COMMANDS)
pictures = typer.Typer(rich_markup_mode=None, add_completion=False)
pictures.callback(invoke_without_command=True, **_help(plot))(plot)
_register(pictures, KINDS_OF_PICTURE)
app.add_typer(pictures, name="plot")


def run(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, run the command, and return the exit status."""
    with sigterm_like_ctrl_c() as received:
        status = _run(arguments)
    return SIGTERM_STATUS if received and status == CTRL_C_STATUS else status


def _run(arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        # An unusual locale must not turn "R²" or a block character into a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            # NumPy's overflows: what a user can act on, such as a divergence, has an error of its own.
            warnings.simplefilter("ignore", RuntimeWarning)
            status = app(args=arguments, prog_name="fastnn", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        return _fail(f"{_one_line(error.format_message())} (see {_command(error)} --help)")
    except FastnnError as error:
        return _fail(_one_line(str(error)))
    except MemoryError as error:
        return _fail(f"out of memory: {_one_line(str(error)) or 'the data do not fit'}")
    except InterruptError:
        return _fail("interrupted", CTRL_C_STATUS)
    except BrokenPipeError:
        _forget_output()
        return 1
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int = 2) -> int:
    print(f"fastnn: {message}", file=sys.stderr)
    return status


def _command(error: Any) -> str:
    return error.ctx.command_path if error.ctx is not None else "fastnn"


def _one_line(message: str) -> str:
    return " ".join(message.split()).removesuffix(".")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"fastnn: warning: {_one_line(str(message))}", file=sys.stderr)


def _forget_output() -> None:
    # Whoever read stdout is gone; what is left in the buffer must not raise again when Python exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

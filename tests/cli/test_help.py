"""Help texts, the version, and what starting the command costs."""

import subprocess
import sys

import pytest

import fastnn

from .process import environment, run, succeeds

COMMANDS = ("train", "evaluate", "predict", "show", "report", "info")


def test_without_arguments_it_lists_the_commands() -> None:
    result = succeeds()
    assert all(f"  {command} " in result.out for command in COMMANDS)
    assert "..." not in result.out.partition("Commands:")[2]  # cut descriptions
    assert succeeds("--help").out == result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_fits(command: str) -> None:
    result = succeeds(command, "--help")
    usage, _, examples = result.out.partition("Examples:")
    assert f"fastnn {command}" in usage
    assert f"    fastnn {command}" in examples
    assert all(len(line) <= 80 for line in usage.splitlines())


def test_help_names_the_defaults_of_the_library() -> None:
    import inspect

    defaults = inspect.signature(fastnn.train).parameters
    text = " ".join(run("train", "--help").out.split())
    assert f"[default: {defaults['epochs'].default}]" in text
    assert f"[default: {', '.join(map(str, defaults['hidden'].default))}]" in text


def test_version() -> None:
    assert succeeds("--version").out == f"fastnn {fastnn.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom fastnn.cli import main\nmain(['train', '--help'])\n"
        "heavy = {'numba', 'matplotlib', 'sklearn', 'pandas', 'pooch', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stderr) == (0, "")

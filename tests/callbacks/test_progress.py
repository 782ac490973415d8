"""What a user sees: a bar in a terminal, lines in a file, the right thing in a notebook, and no warnings."""

import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import ProgressBar


@pytest.fixture
def data(generator):
    y = generator.integers(0, 3, 240)
    return generator.normal(size=(240, 4)) + 3 * np.eye(4)[y], y


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_in_a_terminal(data, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fastnn.train(*data, epochs=5, validation=0.2, verbose=True, seed=0)
    text = terminal.getvalue()
    last = text.rstrip("\n").split("\r")[-1]
    assert re.search(
        r"5/5 \|[#█]{6}\| 00:0\d<00:00, loss 0\.\d{3} acc \d+\.\d% val \d+\.\d% \S.* samples/s$", last
    )
    assert text.endswith("\n")
    assert len(last) + len("1000/1000") - len("5/5") <= 80


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"metrics": "f1", "monitor": "validation_f1"}, r"val 0\.\d{3} "),
        ({"monitor": "validation_loss"}, r"val \d\.\d{3} "),
        ({"monitor": "loss"}, r"val \d+\.\d% "),
    ],
)
def test_the_bar_shows_what_is_monitored(data, monkeypatch, options, shown):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fastnn.train(*data, epochs=2, validation=0.2, verbose=True, seed=0, **options)
    assert re.search(shown, terminal.getvalue().split("\r")[-1])


def test_the_bar_of_a_stopped_training_stays_where_it_is(data, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fastnn.train(*data, epochs=50, verbose=True, callbacks=[fastnn.callbacks.StopAfter(1e-9)])
    assert "1/50 |" in terminal.getvalue().split("\r")[-1]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(3, [1, 2, 3]), (40, range(4, 41, 4)), (47, [*range(5, 46, 5), 47])],
)
def test_lines_where_there_is_no_terminal(data, capsys, epochs, expected):
    fastnn.train(*data, epochs=epochs, validation=0.2, verbose=True, seed=0)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\r" not in err
    assert [int(line.split()[1].partition("/")[0]) for line in err.splitlines()] == list(expected)
    assert all(
        re.fullmatch(
            r"epoch +\d+/\d+  loss \d\.\d{4}  accuracy \d+\.\d\d %  validation \d+\.\d\d %  \S.* samples/s",
            line,
        )
        for line in err.splitlines()
    )


def test_lines_show_every_metric(data, capsys):
    fastnn.train(*data, epochs=4, validation=0.2, metrics=("f1", "log_loss"), verbose=2, seed=0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(re.search(r"validation \d+\.\d\d %  f1 0\.\d+  log_loss \S+  ", line) for line in lines)


def test_lines_of_a_regression(data, capsys):
    X, _ = data
    fastnn.train(X, X[:, 0], epochs=2, validation=0.2, metrics="r2", verbose=1, seed=0)
    line = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        r"epoch 2/2  loss \d\.\d{4}  validation loss \d\.\d{4}  r2 -?\d\.\d+  \S.* samples/s", line
    )


def test_a_bar_that_is_used_twice(data, capsys):
    bar = ProgressBar()
    for _ in range(2):
        fastnn.train(*data, epochs=2, callbacks=[bar])
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["1/2", "2/2"] * 2


# ---- notebooks --------------------------------------------------------------------------------------------

# As Jupyter's kernel looks to tqdm, all that it asks for.
KERNEL = """
import sys, types
class ZMQInteractiveShell:
    config = {'IPKernelApp': {}}
sys.modules['ipykernel.zmqshell'] = types.ModuleType('ipykernel.zmqshell')
ipython = sys.modules['IPython'] = types.ModuleType('IPython')
ipython.get_ipython = lambda: ZMQInteractiveShell()
display = sys.modules['IPython.display'] = types.ModuleType('IPython.display')
display.display = lambda shown: print('displayed', type(shown).__name__)
"""
NO_WIDGETS = "sys.modules['ipywidgets'] = None\n"
WIDGETS = """
from types import SimpleNamespace
class Widget:
    def __init__(self, **values):
        self.layout, self.style, self.value = SimpleNamespace(), SimpleNamespace(), ''
        self.__dict__.update(values)
    def close(self):
        pass
class HBox(Widget): pass
class HTML(Widget): pass
class FloatProgress(Widget):
    bar_style = ''
widgets = sys.modules['ipywidgets'] = types.ModuleType('ipywidgets')
widgets.HBox, widgets.HTML, widgets.FloatProgress = HBox, HTML, FloatProgress
"""
TRAINING = """
import numpy as np, fastnn
from fastnn.callbacks import ProgressBar
bar = ProgressBar()
fastnn.train(np.eye(4), [0, 1, 0, 1], epochs=3, backend='numpy', callbacks=[bar])
children = getattr(getattr(bar._bar, 'container', None), 'children', None)
if children:
    print([child.value for child in children])
"""


def in_a_notebook(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", KERNEL + code + TRAINING],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode(), done.stderr.decode()


def test_a_notebook_without_widgets_gets_the_bar_as_text():
    out, err = in_a_notebook(NO_WIDGETS)
    assert out == ""
    assert re.search(r"\r3/3 \|█+\| .*loss .* samples/s\n$", err)


def test_a_notebook_with_widgets_gets_a_widget():
    out, err = in_a_notebook(WIDGETS)
    assert err == ""
    displayed, values = out.splitlines()
    assert displayed == "displayed TqdmHBox"
    assert re.search(r"\['3/3.*', 3, '.*loss.*samples/s'\]", values.replace("\\u2007", " "))

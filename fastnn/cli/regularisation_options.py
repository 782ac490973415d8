"""Options of `fastnn train` that keep a network from fitting too closely or running away."""

from __future__ import annotations

from typing import Annotated

import typer

Option = typer.Option

DropoutOption = Annotated[
    float, Option("--dropout", metavar="SHARE", help="Share of the hidden units dropped in training.")
]
InputDropoutOption = Annotated[
    float, Option("--input-dropout", metavar="SHARE", help="Share of the features dropped in training.")
]
L2Option = Annotated[
    float, Option("--l2", metavar="X", help="The loss gets half X times the sum of all squared weights.")
]
L1Option = Annotated[
    float, Option("--l1", metavar="X", help="The loss gets X times the sum of all absolute weights.")
]
WeightDecayOption = Annotated[
    float,
    Option(
        "--weight-decay", metavar="X", help="Each step takes X times the learning rate of every weight away."
    ),
]
MaxNormOption = Annotated[
    float | None, Option("--max-norm", metavar="X", help="Largest length of the weights into a unit.")
]
SmoothingOption = Annotated[
    float,
    Option(
        "--label-smoothing", metavar="SHARE", help="Share of the labels' certainty spread over all classes."
    ),
]
ClipNormOption = Annotated[
    float | None, Option("--clip-norm", metavar="X", help="Largest length of all gradients together.")
]
ClipValueOption = Annotated[
    float | None, Option("--clip-value", metavar="X", help="Largest size of each element of a gradient.")
]
ClassWeightOption = Annotated[
    str | None,
    Option("--class-weight", metavar="balanced", help="Let rare classes count as much as common ones."),
]

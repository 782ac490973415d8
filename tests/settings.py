"""Run settings that between them use every optimizer and every regularisation, alone and in pairs."""

from fastnn.optimizers import SGD, Adam, AdamW, RMSprop
from fastnn.regularisation import Regularisation

OPTIMIZERS = {
    "sgd": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.8, nesterov=True),
    "sgd with decay": SGD(weight_decay=0.01),
    "adam": Adam(),
    "adam, other constants": Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-5),
    "adamw": AdamW(),
    "rmsprop": RMSprop(),
}

REGULARISATIONS = {
    "none": Regularisation(),
    "l2": Regularisation(l2=0.01),
    "l1": Regularisation(l1=0.001),
    "decay": Regularisation(weight_decay=0.05),
    "dropout": Regularisation(dropout=(0.0, 0.5, 0.2)),
    "input dropout": Regularisation(dropout=(0.2, 0.0, 0.0)),
    "max-norm": Regularisation(max_norm=0.8),
    "smoothing": Regularisation(label_smoothing=0.1),
    "clip norm": Regularisation(clip_norm=0.05),
    "clip value": Regularisation(clip_value=0.002),
    "penalties and limits": Regularisation(l2=0.01, l1=0.001, clip_value=0.01, clip_norm=0.05, max_norm=0.9),
    "everything": Regularisation(
        l2=0.001,
        l1=0.0001,
        weight_decay=0.01,
        dropout=(0.1, 0.3, 0.2),
        max_norm=1.0,
        label_smoothing=0.05,
        clip_norm=0.3,
        clip_value=0.02,
    ),
}

# Every optimizer by itself and with everything; every regularisation with plain SGD and with Adam.
PAIRS = (
    [(optimizer, "none") for optimizer in OPTIMIZERS]
    + [(optimizer, "everything") for optimizer in OPTIMIZERS]
    + [(optimizer, name) for name in REGULARISATIONS for optimizer in ("sgd", "adam")]
)

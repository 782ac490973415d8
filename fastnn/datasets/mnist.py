"""MNIST and Fashion-MNIST: where they come from, and their checksums.

Source   MNIST: Y. LeCun, C. Cortes, C. Burges (1998), http://yann.lecun.com/exdb/mnist/
         Fashion-MNIST: H. Xiao, K. Rasul, R. Vollgraf (2017), https://arxiv.org/abs/1708.07747
Licence  MNIST: CC BY-SA 3.0; Fashion-MNIST: MIT. Neither is part of this package.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.download import RemoteFile, Source, locate
from fastnn.datasets.idx_folder import STEMS, read_pair

MNIST = Source(
    name="mnist",
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            9912422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1648877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            26421880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            29515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            4422102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            5148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
)

SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST)}


def read_mnist(source: Source, split: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Read one part of MNIST or Fashion-MNIST, downloading it first where it is not on this machine.

    Shapes   X (n, 784) uint8 0..255, y (n,) int64 0..9; n = 60000 for "train", 10000 for "test"
    Errors   DownloadError when no mirror delivers; DataError when the folder cannot be used
    """
    images, labels = locate(source, [f"{stem}.gz" for stem in STEMS[split]])
    return read_pair(images, labels)

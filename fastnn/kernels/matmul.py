"""The three matrix products of a dense layer. All arrays C-contiguous; outputs are written whole."""

from fastnn.kernels.jit import jit


@jit
def dense_forward(X, W, b, Z):
    """Z = XW + b. The innermost loop runs along a row of W and of Z, so it is one vector FMA per element."""
    for s in range(X.shape[0]):
        for n in range(W.shape[1]):
            Z[s, n] = b[n]
        for k in range(X.shape[1]):
            x = X[s, k]
            if x != 0 or x != x:  # half of relu's outputs and four fifths of a digit's pixels are zero
                for n in range(W.shape[1]):
                    Z[s, n] += x * W[k, n]


@jit
def dense_backward_weights(X, dZ, dW, db):
    """dW = XᵀdZ and db = Σ dZ, summed over the batch in the order of its rows."""
    dW[:] = 0
    db[:] = 0
    for s in range(X.shape[0]):
        for n in range(dZ.shape[1]):
            db[n] += dZ[s, n]
        for k in range(X.shape[1]):
            x = X[s, k]
            if x != 0 or x != x:
                for n in range(dZ.shape[1]):
                    dW[k, n] += x * dZ[s, n]


@jit
def dense_backward_input(dZ, W, dX):
    """dX = dZWᵀ: each element the product of a row of dZ and a row of W."""
    for s in range(dZ.shape[0]):
        for k in range(W.shape[0]):
            total = dZ[s, 0] * W[k, 0]
            for n in range(1, W.shape[1]):
                total += dZ[s, n] * W[k, n]
            dX[s, k] = total

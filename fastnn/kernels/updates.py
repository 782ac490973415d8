"""What is done with a gradient: plain gradient descent."""

from fastnn.kernels.jit import jit


@jit
def sgd_update(parameter, gradient, learning_rate):
    """W −= α dW, in place, over flat arrays."""
    for i in range(parameter.size):
        parameter[i] -= learning_rate * gradient[i]

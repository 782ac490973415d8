"""The one decorator every kernel wears."""

from numba import njit

# nogil: other Python threads run while a kernel does. error_model: divide by zero gives inf, as NumPy, with
# no check in the loop. Never fastmath=True: it lets LLVM assume there are no NaNs and reorder sums.
jit = njit(nogil=True, error_model="numpy")

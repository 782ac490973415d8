"""Speed and accuracy, measured: pytest benchmarks, known networks, README's tables."""

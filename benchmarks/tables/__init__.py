"""README's tables: each module turns the JSON of some benchmarks into Markdown."""

"""The witness itself, on examples that docs/metrics.md works out by hand."""

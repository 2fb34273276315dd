"""The errors that a user of the product can cause and mend."""


class SalesAssetsError(Exception):
    """Says what was tried, with which value, what was expected and what to do next.

    The command line prints the message alone and exits with 1; Dagster shows it on the run.
    """


class RefusedError(SalesAssetsError):
    """Nothing is broken: what was asked for would spoil what is stored. Exit code 3."""

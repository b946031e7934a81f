"""A run that cannot go on."""


class Failure(Exception):
    """Its text is for the person who started the run: what failed, and where to look."""

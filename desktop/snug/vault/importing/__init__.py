"""Conversations of other programs: one file for each format, and one for where they come from.

Nothing in a file is trusted: what has another shape than it should have is told as a problem, and
the rest is read.
"""

"""Runs what a model wrote, in a child process, where it can do no harm.

`sandbox` is the door; everything in `child` runs on the other side of it.
"""

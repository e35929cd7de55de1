"""Decides how good a candidate is: layers from cheap to dear, progress, and when a run is stuck."""

"""Measuring: how well the parts of the assistant work, as figures."""

"""Measures the recognisers: models of the published size with random weights, beside other programs."""

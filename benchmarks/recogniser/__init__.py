"""Measuring the recognisers: models of the real shape with random weights, tables, peers."""

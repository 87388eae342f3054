"""The packages that Huiyin stands on: which extra brings one, what there is inside them, and under which licence."""

"""Random tests: many examples by `make fuzz`, a few in `.ci/run`."""

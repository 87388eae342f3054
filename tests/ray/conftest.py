"""Ray is an extra: without it these tests are not collected (``make ray-test`` installs it)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("ray") else ["test_*.py"]

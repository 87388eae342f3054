"""The folders at the top are imported as ``huiyin.assistant``, ``huiyin.services`` and ``huiyin.configs``.

Everything else stands in pyproject.toml; only the list of packages needs code, so that a new folder is found.
"""

from setuptools import find_packages, setup

TOP = ("assistant", "services", "configs")

setup(
    packages=[f"huiyin.{name}" for top in TOP for name in find_packages(include=[top, f"{top}.*"])],
    package_dir={f"huiyin.{top}": top for top in TOP},
)

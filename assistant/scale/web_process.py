"""``huiyin …`` as a process that ends with the one that started it: for ``huiyin serve web`` as a replica."""

import runpy

from huiyin.services.common.serve import stop_with_parent

if __name__ == "__main__":
    stop_with_parent()
    runpy.run_module("huiyin.assistant.faces.cli.main", run_name="__main__")

"""What this installation is: typed settings, profiles, personas, and the model store.

The only package that both `assistant` and `services` import; it imports neither.
"""

import os

if __name__ != "huiyin.configs":
    raise ImportError("import huiyin.configs, not configs")

# Libraries that report to their makers do so from their import on, and so would the programs that we start. Whatever is
# imported of huiyin comes by here first. Somebody who wants the reports can set the variables themselves.
for _name in (
    "ORT_DISABLE_TELEMETRY",  # onnxruntime: looks up a host, and keeps a device id and events in the user's cache
    "HF_HUB_DISABLE_TELEMETRY",  # huggingface_hub, which faster-whisper imports
    "DO_NOT_TRACK",  # other libraries that respect it
):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray's own

"""``python -m huiyin.services.asr.sensevoice FOLDER``: what ``huiyin models export sensevoice`` runs."""

from __future__ import annotations

import sys
from pathlib import Path

from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.asr.sensevoice.export import main

if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except ModelFolderError as error:
        sys.exit(f"huiyin: {error}")

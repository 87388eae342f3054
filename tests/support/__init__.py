"""What tests share: makers of sound and models, stand-ins for services, ways to start the real ones."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
DATA = ROOT / "tests" / "data"
CONVERSATIONS = ROOT / "tests" / "conversations"

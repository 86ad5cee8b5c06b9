"""Where the repository's folders are, found from this file and never from the current directory."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "data"
MODELS = ROOT / "models"

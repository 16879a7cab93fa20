"""Writes fixtures with the code of the commit in whose checkout it is run; README.md says how."""

import sys
from pathlib import Path

FIXTURES = Path(__file__).parent / "written_by"
PARTS = ("indexes", "tables", "home")


def main() -> None:
    """``write_fixture.py NAME [PART…]``: write ``written_by/NAME`` by the checkout in the current folder."""
    name, *parts = sys.argv[1:]
    sys.path.insert(0, str(Path.cwd()))
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts or PARTS:
        __import__(f"write_{part}").write(folder)
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:>9} {path.relative_to(FIXTURES)}")


if __name__ == "__main__":
    main()

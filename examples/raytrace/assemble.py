"""Joins the tiles of a rendered image: `assemble.py TILES COLUMNS OUTPUT`.

TILES is a folder in which the tiles' files, in the order of their names, are counted by rows;
OUTPUT is a picture of any kind that Pillow writes.
"""

import re
import sys
from pathlib import Path

from PIL import Image


def assemble(tiles: list[Path], columns: int) -> Image.Image:
    """Return the image made of `tiles`, which lie `columns` to a row."""
    if not tiles or len(tiles) % columns:
        raise ValueError(f"{len(tiles)} tiles do not fill rows of {columns}")
    images = [Image.open(path) for path in tiles]
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    size = (sum(tile.width for tile in rows[0]), sum(row[0].height for row in rows))
    whole = Image.new("RGB", size)
    top = 0
    for row in rows:
        left = 0
        for tile in row:
            whole.paste(tile, (left, top))
            left += tile.width
        top += row[0].height
    return whole


def _number(path: Path) -> list[int]:
    """Order "tile-2" before "tile-10"."""
    return [int(digits) for digits in re.findall(r"\d+", str(path))]


if __name__ == "__main__":
    folder, columns, output = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    assemble(sorted(folder.rglob("*.ppm"), key=_number), columns).save(output)

"""What the largest photographs, and bombs, take of the embed function's memory, two of them at once."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]


def embed(file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.unit.embed.memory_of", str(file)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    facts: dict[str, Any] = json.loads(answer.stdout)
    print(file.name, facts)
    return facts


def save(file: Path, size: tuple[int, int], **options: Any) -> Path:
    Image.radial_gradient("L").resize(size).save(file, **options)
    return file


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_jpeg_of_100_megapixels(tmp_path: Path) -> None:
    image = Image.radial_gradient("L").resize((11_600, 8_700))
    Image.merge("RGB", (image, image, image)).save(tmp_path / "large.jpg")
    facts = embed(tmp_path / "large.jpg")
    assert facts["outcome"] == "Prepared"
    assert facts["peak_mb"] <= 600


def test_a_progressive_jpeg_of_that_size_is_refused(tmp_path: Path) -> None:
    facts = embed(save(tmp_path / "large.jpg", (11_600, 8_700), progressive=True))
    assert "too many pixels: the limit is 66 million" in facts["outcome"]
    assert facts["peak_mb"] <= 600


def test_large_pictures_of_other_kinds_stay_within_the_functions_memory(tmp_path: Path) -> None:
    facts = embed(save(tmp_path / "large.png", (8_000, 8_000), compress_level=1))
    assert facts["outcome"] == "Prepared"
    assert facts["peak_mb"] <= 1500


def test_a_bomb_is_refused_at_once(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer, rows = zlib.compressobj(9), b""
    for _ in range(50):  # a start of its 7.5 GB
        rows += packer.compress(bytes(1_000_000))
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows + packer.flush())
    (tmp_path / "bomb.png").write_bytes(bomb + chunk(b"IEND", b""))
    facts = embed(tmp_path / "bomb.png")
    assert "too many pixels" in facts["outcome"]
    assert facts["seconds"] < 1
    assert facts["peak_mb"] <= 200

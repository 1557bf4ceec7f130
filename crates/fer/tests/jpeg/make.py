#!/usr/bin/env python3
"""Makes the JPEG files of this folder with Pillow: one small picture in the modes that cameras and programs write.

    python make.py        # Pillow 13.0.0, numpy 2.4.6
"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 37, 26

y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
levels = 127 + 90 * np.sin(x / 5) * np.cos(y / 4) + np.random.default_rng(3).normal(0, 12, x.shape)
grey = Image.fromarray(levels.clip(0, 255).astype("uint8"))
colour = Image.merge("RGB", (grey, grey.rotate(180), grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **({"quality": 60} | options))
    return out.getvalue()


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


plain = encoded(colour)
small = encoded(colour.resize((8, 8)))
upright = Image.Exif()
upright[0x0112] = 6
files = {
    "grey": encoded(grey),
    "colour": encoded(colour, subsampling=0),
    "subsampled": encoded(colour, subsampling=2),
    "subsampled-across": encoded(colour, subsampling=1, optimize=True),
    "progressive": encoded(colour, progressive=True, subsampling=2),
    "progressive-grey": encoded(grey, progressive=True, quality=90),
    "restarts": encoded(colour, restart_marker_blocks=1),
    "restart-rows": encoded(colour, progressive=True, restart_marker_rows=1),
    "cmyk": encoded(colour.convert("CMYK")),
    "rotated": encoded(colour, exif=upright),
    # A preview, whole with its own end, within a segment; and one behind the end, as phones write it.
    "thumbnail": plain[:2] + segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + small) + plain[2:],
    "appended": plain + small,
    # Fill bytes before markers, and a comment with an end in it.
    "fill": plain[:2] + b"\xff\xff" + segment(0xFE, b"\xff\xd9 is no end") + plain[2:-2] + b"\xff\xff" + plain[-2:],
    "padded": plain + bytes(50),
}
for name, content in files.items():
    (HERE / f"{name}.jpg").write_bytes(content)

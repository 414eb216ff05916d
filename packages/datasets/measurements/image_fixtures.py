"""Prints fixtures/images.json: small image files, the pixels in them and resized planes, made by Pillow and NumPy.

Usage: python image_fixtures.py > ../fixtures/images.json
"""

import base64
import io
import json

import numpy as np
from PIL import Image

random = np.random.default_rng(1)


def packed(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def rgba(image):
    return np.asarray(image.convert("RGBA")).reshape(-1).tolist()


color = Image.fromarray(random.integers(0, 256, (3, 5, 3), np.uint8))
smooth = Image.fromarray(np.add.outer(np.arange(16) * 8, np.arange(16) * 8).astype(np.uint8)).convert("RGB")
wide = random.integers(0, 65536, (3, 5)).astype(np.uint16)
wide_bytes = np.round(wide / 257).astype(np.uint8)
wide_rgba = np.dstack([wide_bytes] * 3 + [np.full_like(wide_bytes, 255)]).reshape(-1).tolist()
files = {
    "gray": (color.convert("L"), {}),
    "one bit": (color.convert("1"), {"bits": 1}),
    "gray and alpha": (Image.fromarray(random.integers(0, 256, (3, 5, 2), np.uint8), "LA"), {}),
    "color": (color, {}),
    "color and alpha": (Image.fromarray(random.integers(0, 256, (3, 5, 4), np.uint8), "RGBA"), {}),
    "palette": (color.convert("P"), {}),
    "palette of four": (color.quantize(4), {"bits": 2}),
}
pngs = [{"name": n, "file": packed(i, "PNG", **o), "rgba": rgba(i)} for n, (i, o) in files.items()]
pngs.append({"name": "16 bits", "file": packed(Image.fromarray(wide), "PNG"), "rgba": wide_rgba})
jpeg_file = packed(smooth, "JPEG", quality=95)
jpeg = {"file": jpeg_file, "rgba": rgba(Image.open(io.BytesIO(base64.b64decode(jpeg_file))))}
plane = random.integers(0, 256, (5, 7)).astype(np.float32)
resized = []
for width, height in [(3, 2), (7, 5), (14, 9), (1, 1), (4, 11)]:
    values = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
    resized.append({"width": width, "height": height, "values": [round(float(v), 4) for v in values.reshape(-1)]})

print(json.dumps({"pngs": pngs, "jpeg": jpeg, "plane": plane.reshape(-1).tolist(), "resized": resized}))

"""Prints fixtures/pngs.json: PNG files of every color type and depth, interlaced or not, with and without a transparent
color, encoded here by the W3C recommendation, and their pixels: from the samples by its formulas (sections 13.12 and
11.3.2.1), and the same from Pillow wherever it keeps 8 bits. The colors of a wholly transparent pixel are 0.

Usage: python png_fixtures.py > ../fixtures/pngs.json
"""

import base64
import gzip
import io
import json
import struct
import sys
import zlib

import numpy as np
from PIL import Image, __version__

random = np.random.default_rng(7)
WIDTH, HEIGHT = 9, 6
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def rows(samples, depth):
    """Filtered rows, the filters taking turns."""
    out, step = b"", max(1, samples.shape[2] * depth // 8)
    before = None
    for y, row in enumerate(samples.reshape(len(samples), -1)):
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        line = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
        before = before or [0] * len(line)
        kind = y % 5
        coded = []
        for i, value in enumerate(line):
            a = line[i - step] if i >= step else 0
            c = before[i - step] if i >= step else 0
            b = before[i]
            guess = [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]
            coded.append((value - guess) % 256)
        out += bytes([kind]) + bytes(coded)
        before = line
    return out


def encode(samples, kind, depth, interlaced, palette=None, key=None, extra=b""):
    height, width = samples.shape[:2]
    parts = [(x, y, i, j) for x, y, i, j in PASSES] if interlaced else [(0, 0, 1, 1)]
    data = b""
    for x, y, i, j in parts:
        part = samples[y::j, x::i]
        if part.size:
            data += rows(part, depth)
    packed = zlib.compress(data)
    half = len(packed) // 2
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced)))
        + extra
        + (chunk(b"PLTE", bytes(palette.reshape(-1).tolist())) if palette is not None else b"")
        + (chunk(b"tRNS", key) if key is not None else b"")
        + chunk(b"IDAT", packed[:half])
        + chunk(b"IDAT", packed[half:])
        + chunk(b"IEND", b"")
    )


def pixels(samples, kind, depth, palette=None, key=None):
    scaled = np.floor(samples.astype(np.float64) * 255 / (2**depth - 1) + 0.5).astype(np.uint8)
    opaque = np.full(samples.shape[:2] + (1,), 255, np.uint8)
    if kind == 3:
        colors = np.concatenate([palette, np.full((len(palette), 1), 255, np.uint8)], 1)
        for i, alpha in enumerate(key or b""):
            colors[i, 3] = alpha
        return colors[samples[:, :, 0]]
    if kind in (4, 6):
        gray = scaled[:, :, :1].repeat(3, 2) if kind == 4 else scaled[:, :, :3]
        return np.concatenate([gray, scaled[:, :, -1:]], 2)
    rgba = np.concatenate([scaled.repeat(3, 2) if kind == 0 else scaled, opaque], 2)
    if key is not None:
        values = struct.unpack(f">{len(key) // 2}H", key)
        rgba[(samples == np.array(values)).all(2)] = 0
    return rgba


cases = []
agree = 0
for kind, depths in {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}.items():
    for depth in depths:
        for interlaced in (False, True):
            for transparent in ((False, True) if kind in (0, 2, 3) else (False,)):
                samples = random.integers(0, 2**depth, (HEIGHT, WIDTH, SAMPLES[kind])).astype(np.uint16)
                palette = key = None
                if kind == 3:
                    palette = random.integers(0, 256, (2**depth, 3)).astype(np.uint8)
                    key = bytes(random.integers(1, 256, 2**depth - 1).tolist()) if transparent else None
                elif transparent:
                    samples[1, 2:5] = samples[1, 2]
                    key = struct.pack(f">{SAMPLES[kind]}H", *map(int, samples[1, 2]))
                file = encode(samples, kind, depth, interlaced, palette, key)
                rgba = pixels(samples, kind, depth, palette, key)
                name = f"color type {kind}, {depth} bits{', interlaced' if interlaced else ''}{', transparent' if transparent else ''}"
                if depth <= 8:
                    seen = np.asarray(Image.open(io.BytesIO(file)).convert("RGBA")).copy()
                    if kind in (0, 2):
                        seen[seen[:, :, 3] == 0] = 0
                    same = (seen == rgba).all()
                    agree += same
                    if not same:
                        print("Pillow differs:", name, file=sys.stderr)
                cases.append((name, file, rgba))
print(agree, "files as Pillow reads them", file=sys.stderr)

# Chunks that change no pixel: a suggested palette, a profile, texts, a gamma.
samples = random.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint16)
suggested = random.integers(0, 256, (4, 3)).astype(np.uint8)
extra = (
    chunk(b"gAMA", struct.pack(">I", 45455))
    + chunk(b"iCCP", b"name\0\0" + zlib.compress(b"profile"))
    + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"text"))
    + chunk(b"tEXt", b"Author\0me")
)
cases.append(("a palette that is a suggestion, a profile and texts", encode(samples, 2, 8, False, suggested, None, extra), pixels(samples, 2, 8)))
black = io.BytesIO()
Image.new("L", (2, 1)).save(black, "PNG", transparency=0)
cases.append(("gray by Pillow, black being transparent", black.getvalue(), np.zeros((1, 2, 4), np.uint8)))

# 44.8 million pixels in one color, with halved chroma and without, and as progressive file.
large = {}
for name, options in {"halved": {}, "progressive": {"progressive": True}}.items():
    buffer = io.BytesIO()
    Image.new("RGB", (8192, 5464), (200, 100, 50)).save(buffer, "JPEG", **options)
    large[name] = base64.b64encode(gzip.compress(buffer.getvalue(), 9, mtime=0)).decode()
seen = Image.open(io.BytesIO(gzip.decompress(base64.b64decode(large["halved"])))).getpixel((8191, 5463))
tiny = {}
for name, options in {"baseline": {}, "progressive": {"progressive": True}}.items():
    buffer = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (24, 40, 3), np.uint8)).save(buffer, "JPEG", **options)
    tiny[name] = base64.b64encode(buffer.getvalue()).decode()


def text(data):
    return base64.b64encode(data).decode()


print(
    "{\n"
    + f'"source":{json.dumps(f"Pillow {__version__}")},\n"pngs":[\n'
    + ",\n".join(
        json.dumps({"name": n, "width": r.shape[1], "height": r.shape[0], "file": text(f), "rgba": text(r.astype(np.uint8).tobytes())})
        for n, f, r in cases
    )
    + "\n],\n"
    + f'"jpegs":{json.dumps({"large": large, "color": seen, "tiny": tiny})}\n}}'
)

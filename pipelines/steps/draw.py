"""Draws a small catalogue: a folder of PNG files for each shape. Some are drawn twice, and some are empty."""

import argparse
import json
import os
import random
import struct
import zlib

SIZE = 32
SHAPES = {
    "circle": lambda x, y, r: x * x + y * y <= r * r,
    "square": lambda x, y, r: max(abs(x), abs(y)) <= 0.8 * r,
    "cross": lambda x, y, r: min(abs(x), abs(y)) <= 0.25 * r and max(abs(x), abs(y)) <= r,
}


def png(rows):
    """A grey image of 8 bits as PNG: https://www.w3.org/TR/png/"""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def draw(shape, rng):
    x0, y0, r = rng.uniform(12, 20), rng.uniform(12, 20), rng.uniform(6, 11)
    light = rng.randint(120, 255)
    return png(
        [
            [light if SHAPES[shape](x - x0, y - y0, r) else rng.randint(0, 60) for x in range(SIZE)]
            for y in range(SIZE)
        ]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--images", type=int, default=60, help="of each shape")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    files = 0
    with open(os.environ["CONTRAIL_PROGRESS"], "a", buffering=1) as progress:
        for done, shape in enumerate(SHAPES):
            progress.write(f"{done / len(SHAPES)} drawing {shape}\n")
            folder = os.path.join(given.out, shape)
            os.makedirs(folder)
            for number in range(given.images):
                image = draw(shape, rng)
                # Each tenth is there twice, and each twentieth is empty.
                names = [f"{number:04}.png"] + ([f"{number:04}-copy.png"] if number % 10 == 0 else [])
                if number % 20 == 5:
                    image = png([[number] * SIZE] * SIZE)
                for name in names:
                    with open(os.path.join(folder, name), "wb") as file:
                        file.write(image)
                    files += 1
    print(f"drew {files} images of {len(SHAPES)} shapes")
    with open(os.environ["CONTRAIL_RESULT"], "w") as file:
        json.dump({"images": files}, file)


if __name__ == "__main__":
    main()

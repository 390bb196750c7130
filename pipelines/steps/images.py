"""Reads the pixels of grey PNG files whose rows are not filtered, as draw.py writes them."""

import struct
import zlib


def pixels(path):
    with open(path, "rb") as file:
        data = file.read()
    at, packed, width = 8, b"", 0
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if name == b"IHDR":
            width = struct.unpack(">I", body[:4])[0]
        if name == b"IDAT":
            packed += body
        at += 12 + length
    rows = zlib.decompress(packed)
    return b"".join(rows[at + 1 : at + 1 + width] for at in range(0, len(rows), width + 1))

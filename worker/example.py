"""Prints what looks like a photo: python example.py photo.jpg [how many]. Needs numpy, pillow and onnxruntime."""

import io, json, os, sys

import numpy as np, onnxruntime
from PIL import Image, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
form = json.load(open(os.path.join(here, "model.json"), encoding="utf-8"))["preprocessing"]
size, side, edge = form["size"], form["side"], (form["side"] - form["size"]) // 2
photo = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGBA")
photo = Image.alpha_composite(Image.new("RGBA", photo.size, (*form["behind"], 255)), photo).convert("RGB")
scale = Image.LANCZOS if max(photo.size) > side else Image.BICUBIC
if form["fit"] == "pad" and max(photo.size) <= side:  # what fits into the square keeps its size
    w, h = side - photo.width, side - photo.height
    photo = ImageOps.expand(photo, (w // 2, h // 2, w - w // 2, h - h // 2), tuple(form["around"]))
elif form["fit"] != "resize":
    around = {"color": tuple(form["around"])} if form["fit"] == "pad" else {}
    photo = (ImageOps.pad if around else ImageOps.fit)(photo, (side, side), scale, **around)
photo = photo.resize((side, side), scale).convert("L" if form["channels"] == 1 else "RGB")
if form["encoding"]:
    photo.save(file := io.BytesIO(), form["encoding"]["format"], quality=form["encoding"]["quality"], subsampling=0)
    photo = Image.open(file)
pixels = np.asarray(photo.crop((edge, edge, edge + size, edge + size)), np.uint8).reshape(1, size, size, -1)
model = onnxruntime.InferenceSession(os.path.join(here, "model.onnx"))
query = model.run(["embedding"], {"images": pixels})[0][0]
scores = np.load(os.path.join(here, "index", "vectors.npy"), mmap_mode="r") @ (query / np.linalg.norm(query))
rows = open(os.path.join(here, "index", "rows.jsonl"), encoding="utf-8").read().split("\n")
for row in np.argsort(-scores)[: int(sys.argv[2]) if len(sys.argv) > 2 else 10]:
    print(f"{scores[row]:.4f}", json.loads(rows[row])["name"], json.loads(rows[row]).get("label", ""), sep="\t")

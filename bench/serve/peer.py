"""A SavedModel behind FastAPI and uvicorn, as its users write it: one image a request, computed in a thread of the pool."""

import io
import sys

import numpy as np
import tensorflow as tf
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

folder, port = sys.argv[1], int(sys.argv[2])
model = tf.saved_model.load(folder)
compute = model.signatures["serving_default"]
_, height, width, channels = compute.structured_input_signature[1]["images"].shape
app = FastAPI()


def predict(content):
    image = Image.open(io.BytesIO(content)).convert("L" if channels == 1 else "RGB").resize((width, height))
    images = np.asarray(image, dtype=np.uint8).reshape(1, height, width, channels)
    outputs = compute(images=tf.constant(images))
    label = int(outputs["label"].numpy()[0])
    return {"label": label, "confidence": float(outputs["probabilities"].numpy()[0][label])}


@app.get("/readyz")
def ready():
    return {"ready": True}


@app.post("/v1/predict")
async def answer(request: Request):
    return await run_in_threadpool(predict, await request.body())


predict_once = io.BytesIO()
Image.new("RGB", (width, height)).save(predict_once, "PNG")
predict(predict_once.getvalue())
uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")

"""Writes weights.json.gz and weight-names.json.gz: what timm and transformers call the weights of the encoders, and how they lay them out.

    pip install torch==2.11.0 timm==1.0.31 transformers==5.24.0 safetensors==0.8.0
    python test/golden/make_weights.py

weights.json.gz: files of tiny networks as `save_file` and `save_pretrained` write them, and what Contrail must make of each. The same
weights are in the file of timm and in that of transformers: both networks must give the same features here, else
nothing is written. Kernels are turned by the kind of their module, which the files do not tell.

weight-names.json.gz: names and shapes of the weights of whole networks, made without memory for them.
"""

import gzip
import json
import pathlib
import tempfile

import timm
import torch
import transformers
from safetensors.torch import save, save_file
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.convnext import ConvNeXt
from timm.models.mobilenetv3 import MobileNetV3
from timm.models.resnet import Bottleneck, ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import nn

here = pathlib.Path(__file__).parent
torch.manual_seed(0)


def filled(model):
    """Random weights and statistics that every type of file holds exactly."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype != torch.float32:
                continue
            values = torch.randint(-8, 9, tensor.shape) / 8
            tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)
    return model.eval()


def ours(model):
    """The weights as Contrail has them: kernels in TensorFlow's order."""
    result = {}
    modules = dict(model.named_modules())
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        module = modules.get(name.rpartition(".")[0])
        if name.endswith(".weight") and isinstance(module, nn.Conv2d):
            tensor = tensor.permute(2, 3, 0, 1) if module.groups > 1 else tensor.permute(2, 3, 1, 0)
        elif name.endswith(".weight") and isinstance(module, nn.Linear):
            tensor = tensor.T
        result[name] = tensor.contiguous()
    return result


def encoded(data):
    return data.hex()


def saved_by_transformers(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return (pathlib.Path(folder) / "model.safetensors").read_bytes()


def saved(model, dtype, prefix=""):
    return save({prefix + name: (t.to(dtype) if t.is_floating_point() else t).contiguous() for name, t in model.state_dict().items()})


def require_same(a, b, what):
    difference = (a - b).abs().max().item() / b.abs().max().item()
    assert difference < 1e-4, f"{what}: {difference}"
    print(f"{what}: the same within {difference:.1e}")


cases = []


def case(title, encoder, names, file, wanted):
    cases.append({"title": title, "encoder": encoder, "names": names, "file": encoded(file), "wanted": encoded(save({k: v.to(torch.bfloat16) for k, v in wanted.items()}))})


images = torch.randn(2, 3, 32, 32)

# ConvNeXt
sizes = dict(depths=(1, 2, 1, 1), dims=(2, 4, 6, 8))
their = transformers.ConvNextForImageClassification(transformers.ConvNextConfig(depths=list(sizes["depths"]), hidden_sizes=list(sizes["dims"]), num_labels=3, layer_norm_eps=1e-6))
filled(their)
model = ConvNeXt(**sizes, num_classes=3).eval()
moved = {}
for name, tensor in their.state_dict().items():
    name = name.removeprefix("convnext.").replace("downsampling_layer", "downsample").replace("dwconv", "conv_dw")
    name = name.replace("layer_scale_parameter", "gamma").replace("pwconv", "mlp.fc").replace("encoder.", "").replace(".layers.", ".blocks.")
    name = name.replace("embeddings.patch_embeddings", "stem.0").replace("embeddings.layernorm", "stem.1").replace("classifier", "head.fc")
    name = "head.norm" + name.removeprefix("layernorm") if name.startswith("layernorm") else name.replace("layernorm", "norm")
    moved[name] = tensor
model.load_state_dict(moved)
with torch.no_grad():
    require_same(model(images), their(images).logits, "ConvNeXt")
wanted = {k: v for k, v in ours(model).items() if not k.startswith("head.fc")}
case("a classifier of timm", "convnext", "timm", saved(model, torch.float32), wanted)
case("a classifier of transformers", "convnext", "transformers", saved_by_transformers(their.bfloat16()), wanted)


def vit_from(their, **settings):
    """timm's ViT with the weights of a model of transformers, whose blocks are put together from its modules."""
    model = VisionTransformer(embed_dim=8, depth=2, num_heads=2, num_classes=0, **settings).eval()
    attention = lambda block: block.attention
    e, state = their.embeddings, {}
    position = e.position_embeddings
    registers = getattr(e, "register_tokens", None)
    state["cls_token"] = e.cls_token + position[:, :1] if registers is not None else e.cls_token
    state["pos_embed"] = position[:, 1:] if registers is not None else position
    if registers is not None:
        state["reg_token"] = registers
    for end in ("weight", "bias"):
        state[f"patch_embed.proj.{end}"] = getattr(e.patch_embeddings.projection, end)
        state[f"norm.{end}"] = getattr(their.layernorm, end)
    blocks = their.encoder.layer if hasattr(their, "encoder") else their.layers
    for i, block in enumerate(blocks):
        at = f"blocks.{i}."
        a = attention(block)
        dino = hasattr(block, "norm1")
        for end in ("weight", "bias"):
            state[f"{at}attn.qkv.{end}"] = torch.cat([getattr(p, end) for p in (a.q_proj, a.k_proj, a.v_proj)])
            state[f"{at}attn.proj.{end}"] = getattr(a.o_proj, end)
            state[f"{at}norm1.{end}"] = getattr(block.norm1 if dino else block.layernorm_before, end)
            state[f"{at}norm2.{end}"] = getattr(block.norm2 if dino else block.layernorm_after, end)
            for layer in ("fc1", "fc2"):
                state[f"{at}mlp.{layer}.{end}"] = getattr(getattr(block.mlp, layer), end)
        if dino:
            state[f"{at}ls1.gamma"] = block.layer_scale1.lambda1
            state[f"{at}ls2.gamma"] = block.layer_scale2.lambda1
    model.load_state_dict(state)
    return model


common = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, layer_norm_eps=1e-6)
for title, their, settings, size, dtype in (
    ("DINOv2", transformers.Dinov2Model(transformers.Dinov2Config(**common, mlp_ratio=2, image_size=28, patch_size=14)), dict(init_values=1.0, mlp_ratio=2), 28, torch.float16),
    ("DINOv2 with registers", transformers.Dinov2WithRegistersModel(transformers.Dinov2WithRegistersConfig(**common, mlp_ratio=2, image_size=28, patch_size=14)), dict(init_values=1.0, mlp_ratio=2, reg_tokens=4, no_embed_class=True), 28, torch.bfloat16),
    ("ViT", transformers.ViTModel(transformers.ViTConfig(**common, intermediate_size=16, image_size=32, patch_size=16)), dict(mlp_ratio=2), 32, torch.bfloat16),
):
    filled(their)
    model = vit_from(their, img_size=size, patch_size=16 if size == 32 else 14, **settings)
    # Sums of positions and tokens are then held exactly too.
    views = images[:, :, :size, :size]
    with torch.no_grad():
        require_same(model.forward_features(views)[:, 0], their(views).last_hidden_state[:, 0], title)
    wanted = ours(model)
    case(f"{title}, inside another module of timm", "vit", "timm", saved(model, torch.float32, "module.model."), wanted)
    case(f"{title} of transformers", "vit", "transformers", saved_by_transformers(their.to(dtype)), wanted)

# ResNet
their = transformers.ResNetForImageClassification(transformers.ResNetConfig(embedding_size=64, hidden_sizes=[8, 16, 24, 32], depths=[1, 2, 1, 1], num_labels=3))
filled(their)
model = ResNet(Bottleneck, (1, 2, 1, 1), num_classes=3, channels=(2, 4, 6, 8)).eval()
moved = {}
for name, tensor in their.state_dict().items():
    name = name.removeprefix("resnet.").replace("embedder.embedder.convolution", "conv1").replace("embedder.embedder.normalization", "bn1")
    for stage in range(4):
        name = name.replace(f"encoder.stages.{stage}.layers.", f"layer{stage + 1}.")
    for layer in range(3):
        name = name.replace(f".layer.{layer}.convolution", f".conv{layer + 1}").replace(f".layer.{layer}.normalization", f".bn{layer + 1}")
    name = name.replace("shortcut.convolution", "downsample.0").replace("shortcut.normalization", "downsample.1").replace("classifier.1", "fc")
    moved[name] = tensor
model.load_state_dict(moved)
with torch.no_grad():
    require_same(model(images), their(images).logits, "ResNet")
wanted = {k: v for k, v in ours(model).items() if not k.startswith("fc.")}
case("a classifier of timm", "resnet50", "timm", saved(model, torch.float16), wanted)
case("a classifier of transformers", "resnet50", "transformers", saved_by_transformers(their.bfloat16()), wanted)

# MobileNetV3
stages = decode_arch_def([["ds_r1_k3_s2_e1_c4_se0.25_nre"], ["ir_r1_k3_s2_e2_c4_nre", "ir_r1_k5_s1_e2_c4_se0.25"], ["cn_r1_k1_s1_c8"]])
model = filled(MobileNetV3(stages, num_classes=3, stem_size=4, num_features=8))
wanted = {k: v for k, v in ours(model).items() if not k.startswith("classifier.")}
case("a classifier of timm", "mobilenetv3", "timm", saved(model, torch.float32), wanted)

versions = {"timm": timm.__version__, "transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]}


def write(name, content):
    with gzip.GzipFile(here / name, "wb", mtime=0) as file:
        file.write(json.dumps(content).encode())


write("weights.json.gz", {"versions": versions, "cases": cases})

# Whole networks, by name.
whole = []


def shapes(state):
    return [[name, list(t.shape)] for name, t in state.items()]


with torch.device("meta"):
    for encoder, name in (
        ("convnext", "convnext_tiny"), ("convnext", "convnext_small"), ("convnext", "convnext_base"),
        ("vit", "vit_small_patch14_dinov2"), ("vit", "vit_base_patch14_dinov2"), ("vit", "vit_small_patch14_reg4_dinov2"),
        ("vit", "vit_base_patch14_reg4_dinov2"), ("vit", "vit_base_patch16_224"), ("resnet50", "resnet50"),
        ("mobilenetv3", "mobilenetv3_large_100"), ("mobilenetv3", "mobilenetv3_small_100"),
    ):
        file = timm.create_model(name).state_dict()
        encoder_alone = timm.create_model(name, num_classes=0)
        whole.append({"title": f"timm/{name}", "encoder": encoder, "names": "timm", "file": shapes(file), "wanted": shapes(ours(encoder_alone))})
assert len({entry["title"] for entry in whole}) == len(whole)

registers = transformers.Dinov2WithRegistersConfig
for encoder, like, model in (
    ("convnext", "convnext_tiny", lambda: transformers.ConvNextForImageClassification(transformers.ConvNextConfig())),
    ("vit", "vit_small_patch14_dinov2", lambda: transformers.Dinov2Model(transformers.Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14))),
    ("vit", "vit_small_patch14_reg4_dinov2", lambda: transformers.Dinov2WithRegistersModel(registers(hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14))),
    ("vit", "vit_base_patch16_224", lambda: transformers.ViTForImageClassification(transformers.ViTConfig())),
    ("resnet50", "resnet50", lambda: transformers.ResNetForImageClassification(transformers.ResNetConfig())),
):
    # The names in a file are not those in memory, so the file is written.
    data = saved_by_transformers(model())
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    header.pop("__metadata__")
    whole.append({"title": f"transformers, as {like}", "encoder": encoder, "names": "transformers", "file": [[n, t["shape"]] for n, t in header.items()], "wantedOf": f"timm/{like}"})

write("weight-names.json.gz", {"versions": versions, "networks": whole})

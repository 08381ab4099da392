"""From published safetensors to CTranslate2 int8, in a process of its own: it takes 400 MB that the server would not get back.

`python -m appliance.engines.minilm.conversion SOURCE TARGET`. A BERT encoder is six layers of known names: no torch needed.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from safetensors.numpy import load_file

from appliance.engines.minilm.encoder import Encoder

_LAYERS, _HEADS = 6, 12
_LEAST_COSINE = 0.98
"""int8 gives .996 on average, the wrong epsilon or scale .75."""
REFERENCE = Path(__file__).with_name("reference.npy")
REFERENCE_TEXTS = (
    "The revenue of the fiscal year rose by four percent to 1,234 million.",
    "Comment renouveler une carte d’identité perdue ?",
    "Cells respond to insulin by taking up glucose.",
)
"""`reference.npy` (3, 384), float16: their unit vectors in float32, computed by tests/unit/engines/bert.py from the published weights."""
_Tensors = dict[str, NDArray[np.float32]]


def convert(source: Path, target: Path) -> None:
    """Write model.bin, config.json, vocabulary.json and tokenizer.json. Raises ValueError where the result embeds otherwise."""
    tensors: _Tensors = load_file(source / "model.safetensors")
    encoder = transformer_spec.TransformerEncoderSpec(
        _LAYERS,
        _HEADS,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    _fill(encoder, tensors)
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.register_vocabulary((source / "vocab.txt").read_text(encoding="utf-8").splitlines())
    # Left at their defaults, these two take the cosine to the original down to .75.
    encoder.scale_embeddings = False
    config: Any = spec.config
    config.layer_norm_epsilon = 1e-12
    config.unk_token = "[UNK]"  # noqa: S105 - a word piece
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(target))
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    check_reference(target)


def _fill(encoder: Any, tensors: _Tensors) -> None:
    encoder.embeddings[0].weight = tensors["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = tensors["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = tensors["embeddings.position_embeddings.weight"]
    _fill_norm(encoder.layernorm_embedding, tensors, "embeddings.LayerNorm")
    for index, layer in enumerate(encoder.layer):
        name = f"encoder.layer.{index}"
        parts = [common_spec.LinearSpec() for _ in range(3)]
        for part, role in zip(parts, ("query", "key", "value"), strict=True):
            _fill_linear(part, tensors, f"{name}.attention.self.{role}")
        utils.fuse_linear(layer.self_attention.linear[0], parts)
        _fill_linear(layer.self_attention.linear[1], tensors, f"{name}.attention.output.dense")
        _fill_norm(layer.self_attention.layer_norm, tensors, f"{name}.attention.output.LayerNorm")
        _fill_linear(layer.ffn.linear_0, tensors, f"{name}.intermediate.dense")
        _fill_linear(layer.ffn.linear_1, tensors, f"{name}.output.dense")
        _fill_norm(layer.ffn.layer_norm, tensors, f"{name}.output.LayerNorm")


def _fill_linear(spec: Any, tensors: _Tensors, name: str) -> None:
    spec.weight, spec.bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _fill_norm(spec: Any, tensors: _Tensors, name: str) -> None:
    spec.gamma, spec.beta = tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def check_reference(folder: Path) -> float:
    """Embed the reference sentences and give the worst cosine. Raises ValueError where it is too low."""
    encoder = Encoder(folder, workers=1)
    vectors = np.stack([encoder.encode_passages([pieces])[0].dense for pieces in encoder.split(REFERENCE_TEXTS)])
    cosine = float((vectors * np.load(REFERENCE).astype(np.float32)).sum(axis=1).min())
    if cosine < _LEAST_COSINE:
        message = f"the model embeds otherwise than the published one: cosine {cosine:.3f}"
        raise ValueError(message)
    return cosine


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))

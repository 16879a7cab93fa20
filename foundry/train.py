"""Trains the demo model from scratch on scenes drawn by code; see the README for the command.

The objective is CLIP's (Radford et al., 2021, arXiv:2103.00020) with several positives: each image has one
full caption and some single words or short phrases, and a word is often true of other images of the batch
as well. Those pairs count as positives, and none of them stands among another's negatives.

Beside it, images and captions are contrasted with one learned vector per concept, by which concepts they
show or mean. A batch holds a few hundred concepts, this holds them all, so it teaches far more per image;
the vectors are thrown away afterwards.

The learning rate stays at its peak for ``STEADY`` of the steps and falls to nothing over the others. With
``--minutes`` the number of steps is settled on the way, by the time that ``STEADY`` of the minutes took;
the same number given as ``--steps`` repeats the run.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from foundry.concepts import load_concepts
from foundry.feed import Batch, batches
from foundry.fonts import cache_folder
from foundry.tokenizer import build_tokenizer

# isort: split
from open_clip.model import CLIP

ARCHITECTURE = Path(__file__).with_name("architectures") / "glimpse-demo.json"
MEAN = STD = (0.5, 0.5, 0.5)
STEADY = 0.7  # share of the steps at the peak of the learning rate
WARM = 200  # steps of the linear start
PART = 72  # captions encoded at once
LARGEST_SCALE = math.log(100.0)  # CLIP's bound on the logit scale


def build_model(vocab_size: int) -> CLIP:
    """Build the untrained model.

    Parameters
    ----------
    vocab_size
        Number of the tokenizer's entries.

    Returns
    -------
    open_clip.model.CLIP
        Of the architecture in ``architectures/glimpse-demo.json``.

    Raises
    ------
    ValueError
        If the architecture was written for another vocabulary.
    """
    config = json.loads(ARCHITECTURE.read_text())
    if config["text_cfg"]["vocab_size"] != vocab_size:
        raise ValueError(f"{ARCHITECTURE.name} has to say vocab_size {vocab_size}.")
    return CLIP(**config)


def _one_way(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the mean loss of each row's positives against that row's negatives only."""
    negatives = torch.logsumexp(logits.masked_fill(truth, -torch.inf), dim=1, keepdim=True)
    losses = functional.softplus(negatives - logits) * truth
    return (losses.sum(1) / truth.sum(1)).mean()


def contrastive_loss(images: Tensor, texts: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """Return the symmetric contrastive loss with several positives.

    Parameters
    ----------
    images
        (B, D) unit vectors.
    texts
        (C, D) unit vectors.
    truth
        (C, B) bool; every row and column has a true entry.
    scale
        Factor of the cosines.

    Returns
    -------
    torch.Tensor
        Scalar: the mean over both directions of -log(e^p / (e^p + sum of e^n)), p a positive, n its
        negatives.
    """
    logits = scale * texts @ images.T
    return (_one_way(logits, truth) + _one_way(logits.T, truth.T)) / 2


class Prototypes(nn.Module):
    """One learned vector per concept, which images and captions are contrasted with."""

    def __init__(self, concepts: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(concepts, width) * width**-0.5)

    def forward(self, images: Tensor, texts: Tensor, batch: Batch, scale: Tensor) -> Tensor:
        """Return the loss of telling each image's and each caption's concepts from all others.

        Parameters
        ----------
        images, texts
            (B, D) and (C, D) unit vectors.
        batch
            What they show and mean.
        scale
            Factor of the cosines.

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        vectors = functional.normalize(self.vectors, dim=-1)
        seen = _one_way(scale * images @ vectors.T, torch.from_numpy(batch.shown))
        read = _one_way(scale * texts @ vectors.T, torch.from_numpy(batch.meant))
        return (seen + read) / 2


def _encode_part(model: CLIP, tokens: Tensor) -> Tensor:
    """Do what ``model.encode_text`` does, but for sequences shorter than the context length."""
    length = tokens.shape[1]
    hidden = model.token_embedding(tokens) + model.positional_embedding[:length]
    hidden = model.ln_final(model.transformer(hidden, attn_mask=model.attn_mask[:length, :length]))
    last = hidden[torch.arange(len(tokens)), tokens.argmax(dim=-1)]
    return functional.normalize(last @ model.text_projection, dim=-1)


def _encode_texts(model: CLIP, tokens: Tensor) -> Tensor:
    """Encode (C, T) tokens, similar lengths together: most captions are short, and padding costs time."""
    lengths = (tokens != 0).sum(1)
    order = lengths.argsort()
    parts = [_encode_part(model, tokens[part, : int(lengths[part].max())]) for part in order.split(PART)]
    return torch.cat(parts)[order.argsort()]


def _encode(model: CLIP, batch: Batch) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    images = model.encode_image(pixels.contiguous(memory_format=torch.channels_last), normalize=True)
    return images, _encode_texts(model, torch.from_numpy(batch.tokens))


def _optimizer(modules: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Return AdamW that decays weight matrices only."""
    matrices = [p for p in modules.parameters() if p.ndim >= 2]
    others = [p for p in modules.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-6)


def _rate(step: int, steps: int | None, peak: float) -> float:
    """Return the learning rate: a linear start, the peak, a linear end once the steps are known."""
    rate = peak * min(1.0, (step + 1) / WARM)
    return rate if steps is None else rate * min(1.0, (steps - step) / (steps * (1 - STEADY)))


def _save(model: CLIP, step: int, steps: int | None, minutes: float, options: argparse.Namespace) -> None:
    facts = {
        "step": step,
        "steps": steps,
        "minutes": round(minutes, 1),
        "seed": options.seed,
        "batch": options.batch,
    }
    torch.save({"model": model.state_dict(), "facts": facts}, options.output / "checkpoint.pt")


def train(options: argparse.Namespace) -> None:
    """Train, and leave ``checkpoint.pt`` and ``tokenizer.json`` in the output folder.

    Parameters
    ----------
    options
        As ``main`` parses them.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer(options.seed)
    tokenizer_file = options.output / "tokenizer.json"
    tokenizer.save(str(tokenizer_file))
    config = json.loads(ARCHITECTURE.read_text())
    model = build_model(tokenizer.get_vocab_size()).to(memory_format=torch.channels_last).train()
    prototypes = Prototypes(len(load_concepts()), config["embed_dim"])
    everything = nn.ModuleList([model, prototypes])
    optimizer, steps = _optimizer(everything, options.rate), options.steps
    started, saved, running = time.monotonic(), 0.0, 0.0
    feed = batches(options.seed, options.batch, config["vision_cfg"]["image_size"], tokenizer_file)
    for step, batch in enumerate(feed):
        minutes = (time.monotonic() - started) / 60
        if steps is None and minutes > STEADY * options.minutes:
            steps = int(step / STEADY)
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, steps, options.rate)
        images, texts = _encode(model, batch)
        scale = model.logit_scale.exp()
        loss = contrastive_loss(images, texts, torch.from_numpy(batch.truth), scale)
        total = loss + prototypes(images, texts, batch, scale)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(everything.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, LARGEST_SCALE)
        running = loss.item() if step == 0 else 0.95 * running + 0.05 * loss.item()
        if step % 50 == 0:
            figures = f"loss {running:.3f} of {total.item():.3f}, scale {scale:.1f}, {minutes:.1f} min"
            print(f"step {step}/{steps}: {figures}", flush=True)
        if minutes - saved > 2.5:
            saved = minutes
            _save(model, step, steps, minutes, options)
        if steps is not None and step + 1 >= steps:
            _save(model, step, steps, minutes, options)
            break
    feed.close()


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=cache_folder() / "demo")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--steps", type=int, help="number of steps; settled by --minutes if left out")
    parser.add_argument("--minutes", type=float, default=48)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--threads", type=int, default=2)
    train(parser.parse_args())


if __name__ == "__main__":
    main()

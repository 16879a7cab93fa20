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

from foundry.conversion.clip import CLIP
from foundry.demo_model.feed import Batch, batches
from foundry.demo_model.tokenizer import build_tokenizer
from foundry.drawing.concepts import load_concepts
from foundry.drawing.fonts import cache_folder

ARCHITECTURE = Path(__file__).resolve().parents[1] / "conversion" / "architectures" / "glimpse-demo.json"
FINISH = "finish"  # a file of this name in the output folder begins the end early
STEADY = 0.75  # share of the steps at the peak of the learning rate
WARM = 200  # steps of the linear start
SAVE_EVERY = 2.5  # minutes
PART = 64  # captions encoded at once
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
    """Encode a batch: products in bfloat16, half again as fast where the processor has it."""
    pixels = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = model.encode_image(pixels.contiguous(memory_format=torch.channels_last), normalize=True)
        texts = _encode_texts(model, torch.from_numpy(batch.tokens))
    return images.float(), texts.float()


def _optimizer(modules: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Return AdamW that decays weight matrices only."""
    matrices = [p for p in modules.parameters() if p.ndim >= 2]
    others = [p for p in modules.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _rate(step: int, first: int, steps: int | None, peak: float) -> float:
    """Return the learning rate: a linear start, the peak, a linear end once the steps are known."""
    rate = peak * min(1.0, (step - first + 1) / WARM)
    return rate if steps is None else rate * min(1.0, (steps - step) / (steps * (1 - STEADY)))


class _Run:
    """What a checkpoint holds: the model, and what it takes to go on training it."""

    def __init__(self, options: argparse.Namespace, vocab_size: int) -> None:
        self.model = build_model(vocab_size).to(memory_format=torch.channels_last).train()
        self.prototypes = Prototypes(len(load_concepts()), self.model.text_projection.shape[1])
        self.everything = nn.ModuleList([self.model, self.prototypes])
        self.optimizer = _optimizer(self.everything, options.rate)
        self.facts = {
            "seed": options.seed,
            "batch": options.batch,
            "rate": options.rate,
            "step": 0,
            "minutes": 0.0,
        }
        self._file = options.output / "checkpoint.pt"

    def load(self) -> None:
        state = torch.load(self._file, weights_only=True)
        self.everything.load_state_dict(state["everything"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.facts = state["facts"]

    def save(self, step: int, minutes: float) -> None:
        self.facts |= {"step": step, "minutes": round(minutes, 1)}
        state = {"everything": self.everything.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save(state | {"facts": self.facts}, self._file)

    def learn(self, batch: Batch, rate: float) -> tuple[float, float]:
        """Take one step; return the contrastive loss and the whole one."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        images, texts = _encode(self.model, batch)
        scale = self.model.logit_scale.exp()
        loss = contrastive_loss(images, texts, torch.from_numpy(batch.truth), scale)
        total = loss + self.prototypes(images, texts, batch, scale)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.everything.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, LARGEST_SCALE)
        return loss.item(), total.item()


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
    run = _Run(options, tokenizer.get_vocab_size())
    if options.resume:
        run.load()
    first, before, started, saved = run.facts["step"], run.facts["minutes"], time.monotonic(), 0.0
    steps, size = options.steps, json.loads(ARCHITECTURE.read_text())["vision_cfg"]["image_size"]
    feed = batches(options.seed + first, options.batch, size, tokenizer_file)
    for step, batch in enumerate(feed, first):
        minutes = (time.monotonic() - started) / 60
        if steps is None and (minutes > STEADY * options.minutes or (options.output / FINISH).exists()):
            steps = int(step / STEADY)
        losses = run.learn(batch, _rate(step, first, steps, options.rate))
        if step % 50 == 0:
            print(
                f"step {step}/{steps}: loss {losses[0]:.3f} of {losses[1]:.3f}, {minutes:.1f} min", flush=True
            )
        last = steps is not None and step + 1 >= steps
        if last or minutes - saved > SAVE_EVERY:
            saved = minutes
            run.save(step + 1, before + minutes)
        if last:
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
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--resume", action="store_true", help="go on from the output folder's checkpoint")
    parser.add_argument("--threads", type=int, default=2)
    train(parser.parse_args())


if __name__ == "__main__":
    main()

"""Stage: tokenizer and text encoder, trained against a throw-away image tower."""

import torch
from tokenizers import AddedToken
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from governance.miniature.dataset import Drawn
from governance.miniature.training import batches
from governance.miniature.training.loop import Metrics, Run, Schedule, train
from governance.miniature.vocabulary import words

SEED = 21
WIDTH = 128
MAX_LENGTH = 24
SCHEDULE = Schedule(steps=1200, peak=1.2e-3, warm_up=100)
_BATCH = 128
_START, _END, _UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|unknown|>"


def new_tokenizer() -> CLIPTokenizer:
    """Make the closed tokenizer: every known word is one token.

    Nothing below the word is in the vocabulary, so that any other text comes
    out as unknown tokens and can be refused by name.

    Returns:
        A CLIP tokenizer of about a hundred tokens.
    """
    specials = {_START: 0, _END: 1, _UNKNOWN: 2}
    tokenizer = CLIPTokenizer(
        vocab=specials, merges=[], unk_token=_UNKNOWN, model_max_length=MAX_LENGTH
    )
    tokenizer.add_tokens(
        [
            # A possessive follows its word with no space between.
            AddedToken(word, single_word=word != "'s", normalized=True, special=False)
            for word in words()
        ]
    )
    return tokenizer


def new_text_encoder(vocabulary_size: int) -> CLIPTextModel:
    """Make an untrained text encoder in CLIP's standard layout.

    Args:
        vocabulary_size: Number of tokens.

    Returns:
        Four layers of width 128.
    """
    config = CLIPTextConfig(
        vocab_size=vocabulary_size,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=MAX_LENGTH,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config)


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Turn texts into padded token ids as the pipeline does.

    Args:
        tokenizer: The miniature's tokenizer.
        texts: Captions.

    Returns:
        int64 [n, 24].
    """
    encoded = tokenizer(
        texts,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    ids = encoded["input_ids"]
    if not isinstance(ids, torch.Tensor):
        message = "the tokenizer returned no tensor"
        raise TypeError(message)
    return ids


def contrastive_loss(
    pictures: torch.Tensor, texts: torch.Tensor, captions: list[str]
) -> tuple[torch.Tensor, float]:
    """Pull pairs together, push others apart; equal captions are no negatives.

    Args:
        pictures: float32 [n, d], already scaled by the temperature.
        texts: float32 [n, d], unit length.
        captions: The n texts.

    Returns:
        The loss and the fraction of pictures whose own caption came first.
    """
    logits = pictures @ texts.T
    numbers = {text: number for number, text in enumerate(captions)}
    device = texts.device
    keys = torch.tensor([numbers[text] for text in captions], device=device)
    itself = torch.eye(len(keys), dtype=torch.bool, device=device)
    same = (keys[:, None] == keys[None, :]) & ~itself
    logits = logits.masked_fill(same, -1e4)
    target = torch.arange(len(captions), device=device)
    one_way = functional.cross_entropy(logits, target)
    other_way = functional.cross_entropy(logits.T, target)
    right = (logits.argmax(dim=1) == target).float().mean()
    return (one_way + other_way) / 2, float(right)


class ImageTower(nn.Module):
    """A plain convolutional tower; only the text side is kept."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 48, 4, stride=4), nn.GELU()]
        for before, after in ((48, 96), (96, 128)):
            layers += [nn.Conv2d(before, before, 3, padding=1), nn.GroupNorm(1, before)]
            layers += [nn.GELU(), nn.Conv2d(before, after, 3, 2, 1)]
            layers += [nn.GroupNorm(1, after), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, WIDTH))
        self.temperature = nn.Parameter(torch.tensor(2.6))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed pictures, scaled by the temperature.

        Args:
            pixels: float32 [n, 3, 64, 64].

        Returns:
            float32 [n, 128].
        """
        scale = self.temperature.clamp(max=4.6).exp()
        return scale * functional.normalize(self.layers(pixels), dim=1)


class _Pair(nn.Module):
    def __init__(self, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.text: CLIPTextModel = text_encoder
        self.projection = nn.Linear(WIDTH, WIDTH, bias=False)
        self.image = ImageTower()


def train_text_encoder(drawn: Drawn, run: Run, device: str = "cpu") -> CLIPTextModel:
    """Train the text encoder by contrast with pictures.

    Args:
        drawn: The data set.
        run: Where and how long.
        device: Where to compute.

    Returns:
        The averaged text encoder.
    """
    torch.manual_seed(SEED)
    tokenizer = new_tokenizer()
    pair = _Pair(new_text_encoder(len(tokenizer)))
    nn.Module.to(pair, device)

    def step_function(step: int) -> tuple[torch.Tensor, Metrics]:
        rng = batches.stream(SEED, step)
        rows = rng.integers(len(drawn), size=_BATCH)
        captions = batches.captions(drawn, rows, rng)
        pooled = pair.text(tokenize(tokenizer, captions).to(device)).pooler_output
        texts = functional.normalize(pair.projection(pooled), dim=1)
        pictures = pair.image(batches.images(drawn, rows).to(device))
        loss, right = contrastive_loss(pictures, texts, captions)
        return loss, {"right": right}

    average = train(run, pair, step_function)
    pair.load_state_dict(average.values)
    nn.Module.to(pair.eval(), "cpu")
    return pair.text

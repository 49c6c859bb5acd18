"""The network of the miniature's judge: two small towers and linear probes."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel

IMAGE_SIZE = 64


@dataclass(frozen=True)
class JudgeConfig:
    """Sizes of the judge.

    Args:
        vocabulary_size: Tokens of its tokenizer.
        max_length: Longest text in tokens.
        widths: Channels of the image tower at 16 x 16, 8 x 8 and 4 x 4.
        text_width: Width of the text tower.
        text_layers: Layers of the text tower.
        dimensions: Dimensions of the shared space.
        probes: Number of classes of each linear probe by name.
    """

    vocabulary_size: int
    max_length: int
    widths: tuple[int, int, int]
    text_width: int
    text_layers: int
    dimensions: int
    probes: dict[str, int]


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.layers(x))


class ImageTower(nn.Module):
    """A residual network on 4 x 4 patches.

    Batch normalisation uses stored statistics outside training, so that an
    image's features never depend on its neighbours in the batch.
    """

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        first, second, third = widths
        self.layers = nn.Sequential(
            nn.Conv2d(3, first, 4, stride=4, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            *(_Residual(first) for _ in range(2)),
            nn.Conv2d(first, second, 2, stride=2),
            *(_Residual(second) for _ in range(2)),
            nn.Conv2d(second, third, 2, stride=2),
            _Residual(third),
        )
        # Both what is there on average and what is there anywhere.
        self.width = 2 * third

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Describe pictures.

        Args:
            pixels: float32 [n, 3, 64, 64] in -1 to 1.

        Returns:
            float32 [n, width].
        """
        maps = self.layers(pixels)
        return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


class JudgeNetwork(nn.Module):
    """Image tower, CLIP text tower, their shared space and the probes."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.image = ImageTower(config.widths)
        self.text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=config.vocabulary_size,
                hidden_size=config.text_width,
                intermediate_size=4 * config.text_width,
                projection_dim=config.dimensions,
                num_hidden_layers=config.text_layers,
                num_attention_heads=4,
                max_position_embeddings=config.max_length,
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=1,
            )
        )
        self.image_projection = nn.Linear(self.image.width, config.dimensions)
        self.text_projection = nn.Linear(config.text_width, config.dimensions)
        self.temperature = nn.Parameter(torch.tensor(2.6))
        self.probes = nn.ModuleDict(
            {
                name: nn.Linear(self.image.width, classes)
                for name, classes in config.probes.items()
            }
        )

    def embed_features(self, features: torch.Tensor) -> torch.Tensor:
        """Bring image features into the shared space.

        Args:
            features: float32 [n, width] from the image tower.

        Returns:
            float32 [n, dimensions], unit length.
        """
        return functional.normalize(self.image_projection(features), dim=1)

    def embed_texts(self, ids: torch.Tensor) -> torch.Tensor:
        """Bring texts into the shared space.

        Args:
            ids: int64 [n, max_length].

        Returns:
            float32 [n, dimensions], unit length.
        """
        pooled = self.text(ids).pooler_output
        return functional.normalize(self.text_projection(pooled), dim=1)

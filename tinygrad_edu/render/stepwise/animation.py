"""Animations: the frames of a computation one after the other, in a file.

tg.animate(loss, "steps.svg")          plays by itself, without any script
tg.animate(loss, "steps.gif")          for slides; needs Pillow
tg.animate(loss, "steps.html")         with buttons and keys
tg.animate(loss, "frame-{k}.svg")      every frame by itself; or a folder
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.forms import FORMS, Drawing
from tinygrad_edu.render.stepwise.film import HOLD, film
from tinygrad_edu.render.stepwise.frames import Frames

MOST = 500  # frames of one animation
DPI = 96  # of a GIF
NUMBER = "{k}"


def animate(
    x: Node, path: str | PathLike[str], fps: float = 1, phase: Literal["forward", "backward", "both"] = "both",
    **options: Any,
) -> Path | list[Path]:  # fmt: skip
    """Write the steps of a computation as an animation; the suffix decides its kind.

    Args:
        x: the end of the computation, such as a loss.
        path: `.svg`, `.gif` or `.html`; or a folder, or a name with `{k}` for the number: then every frame is a file.
        fps: frames per second.
        phase: "forward", "backward", or "both".
        **options: those of `Frames`: `title`, `names`, `parameters`, `theme`, …

    Returns:
        The file, or all of them.

    Raises:
        ValueError: another suffix, `fps` is not positive, or there are no steps or more than 500.
        ImportError: a GIF without Pillow.
        OSError: the file cannot be written.
    """
    from tinygrad_edu.reporting.files import write

    path = Path(path)
    kind = path.suffix[1:].lower()
    several = NUMBER in path.name or path.is_dir() or not kind
    if not several and kind not in ("svg", "gif", "html"):
        raise ValueError(
            f"animate: one of the suffixes svg, gif, html was expected, or a folder, or a name with {NUMBER} in it; "
            f"'{path.name}' came"
        )
    if not (fps > 0 and math.isfinite(fps)):
        raise ValueError(f"animate: a positive number of frames per second was expected, {fps!r} came")
    if kind == "gif" and not several:
        _pillow()  # before the work
    frames = Frames(x, phase, **options)
    if not frames:
        raise ValueError("animate: there are no steps, for nothing was computed")
    if len(frames) > MOST:
        raise ValueError(
            f"animate: at most {MOST} steps were expected, there are {len(frames)}: animate a smaller part"
        )
    if several:
        return _files(frames, path)
    if kind == "gif":
        return write(gif(list(frames), fps), path)
    pictures = [frame.svg() for frame in frames]
    if kind == "svg":
        return write(film(pictures, 1 / fps), path)
    from tinygrad_edu.render.stepwise.player import player

    return write(
        player(pictures, frames.steps, title=frames[-1].title, fps=fps, theme=frames.options.theme), path
    )


def _files(frames: Frames, path: Path) -> list[Path]:
    """Every frame as a file of its own."""
    if NUMBER not in path.name:
        path.mkdir(parents=True, exist_ok=True)
        path = path / f"frame-{NUMBER}.svg"
    if path.suffix[1:].lower() not in FORMS:
        raise ValueError(f"animate: one of the suffixes {', '.join(FORMS)} was expected, '{path.name}' came")
    digits = len(str(len(frames)))
    return [
        frame.save(path.with_name(path.name.replace(NUMBER, f"{k:0{digits}}")))
        for k, frame in enumerate(frames, 1)
    ]


def gif(frames: Sequence[Drawing], fps: float) -> bytes:
    """The frames as a GIF that is repeated for ever.

    Raises:
        ImportError: Pillow is not there.
    """
    images = _pillow()
    pictures = [
        images.open(io.BytesIO(frame.png(DPI))).convert("RGB").quantize(dither=images.Dither.NONE)
        for frame in frames
    ]
    each = round(1000 / fps)
    file = io.BytesIO()
    pictures[0].save(
        file, format="GIF", save_all=True, append_images=pictures[1:], loop=0,
        duration=[*[each] * (len(pictures) - 1), HOLD * each],
    )  # fmt: skip
    return file.getvalue()


def _pillow() -> Any:
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise ImportError(
            "animate: a GIF is written by Pillow, which is not installed: pip install 'tinygrad_edu[gif]', or choose "
            ".svg or .html, which need nothing"
        ) from error

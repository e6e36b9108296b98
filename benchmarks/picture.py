"""Draws bars made of parts, as an SVG for docs/package.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#94a3b8", "#3b82f6", "#f97316")
WIDTH, LEFT, ROW, PIXELS = 760, 170, 44, 400


@dataclass(frozen=True)
class Bar:
    name: str
    parts: Sequence[float]
    """In milliseconds, in the order of the legend."""
    note: str


def draw(title: str, legend: Sequence[str], bars: Sequence[Bar], caption: str) -> str:
    """Return the SVG: a row for each bar, to one scale."""
    scale = PIXELS / max(sum(bar.parts) for bar in bars)
    shapes = [_text(20, 30, title, size=16)]
    for n, (label, colour) in enumerate(zip(legend, COLOURS, strict=True)):
        shapes += [_box(LEFT + 150 * n, 48, 12, 12, colour), _text(LEFT + 18 + 150 * n, 58, label)]
    for n, bar in enumerate(bars):
        x, y = float(LEFT), 78 + ROW * n
        shapes.append(_text(20, y + 18, bar.name))
        for part, colour in zip(bar.parts, COLOURS, strict=True):
            shapes.append(_box(x, y, part * scale, 26, colour))
            x += part * scale
        shapes.append(_text(x + 8, y + 18, bar.note))
    height = 78 + ROW * len(bars) + 30
    shapes.append(_text(20, height - 14, caption, size=11))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"',
            f'  role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" fill="#1e293b">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            *shapes,
            "</svg>\n",
        ]
    )


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, size: int = 13) -> str:
    return f'<text x="{x:.1f}" y="{y}" font-size="{size}">{escape(text)}</text>'

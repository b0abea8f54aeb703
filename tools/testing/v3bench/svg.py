# SPDX-License-Identifier: GPL-2.0
"""The little SVG that the plots need."""

from xml.sax.saxutils import escape, quoteattr

FONT = "Helvetica, Arial, sans-serif"


class Drawing:
    """A list of SVG elements on white ground."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.elements = []
        self.rectangle(0, 0, width, height, "#ffffff")

    def add(self, tag, content=None, **attributes):
        text = "".join(f" {name.replace('_', '-')}={quoteattr(value if isinstance(value, str) else f'{value:.2f}')}"
                       for name, value in attributes.items() if value is not None)
        self.elements.append(f"<{tag}{text}/>" if content is None else f"<{tag}{text}>{escape(content)}</{tag}>")

    def rectangle(self, x, y, width, height, fill):
        self.add("rect", x=x, y=y, width=width, height=height, fill=fill)

    def line(self, x1, y1, x2, y2, colour, dash=None):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_dasharray=dash)

    def polyline(self, points, colour):
        text = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
        self.add("polyline", points=text, fill="none", stroke=colour, stroke_width="2")
        for x, y in points:
            self.add("circle", cx=x, cy=y, r="3", fill=colour)

    def text(self, x, y, text, anchor="start", size=12, weight="normal"):
        self.add("text", text, x=x, y=y, text_anchor=anchor, font_size=str(size), font_weight=weight,
                 font_family=FONT, fill="#222222")

    def document(self):
        body = "\n".join(self.elements)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                f'viewBox="0 0 {self.width} {self.height}">\n{body}\n</svg>\n')

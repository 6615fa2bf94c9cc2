"""Lists as CommonMark and GitHub read them, for Python-Markdown: it wants four spaces a level, and a blank line before a list."""

import re

ITEM = re.compile(r"^( *)([-*+]|\d+[.)])( +)(?=\S)")


def four_spaces(text):
    """Indents what is in lists by four spaces a level."""
    out, levels, fence, previous_is_item = [], [], None, False
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if fence:
            out.append(" " * (4 * fence[1]) + line[min(indent, fence[2]) :] if line.strip() else "")
            fence = None if line.strip().startswith(fence[0]) and set(line.strip()) <= set("`~") else fence
            continue
        if not line.strip():
            out.append("")
            continue
        blank = not out or not out[-1]
        item = ITEM.match(line)
        # A line is inside the items whose text begins no further right than it does; a lazy line goes on with the paragraph.
        if item or blank or line.startswith(("#", "|", "```")):
            while levels and indent < levels[-1]:
                levels.pop()
        if item:
            if not levels and out and out[-1] and not out[-1].startswith(("#", "<!--")) and not previous_is_item:
                out.append("")
            out.append(" " * (4 * len(levels)) + line.lstrip(" "))
            levels.append(len(item.group()))
        else:
            inside = len(levels)
            out.append(" " * (4 * inside) + (line[levels[-1] :] if levels and indent >= levels[-1] else line.lstrip(" ") if levels else line))
        opened = re.match(r"(`{3,}|~{3,})", line.lstrip(" "))
        if opened:
            fence = (opened.group(), len(levels), levels[-1] if levels else indent)
        previous_is_item = bool(levels)
    return "\n".join(out)

"""Build a page: one HTML file that holds its data, styles and scripts and asks for nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from task3_MNIST.files import write_atomic

HERE = Path(__file__).resolve().parent  # templates, styles and scripts are named from here


def render(
    template: str,
    out: Path,
    *,
    title: str,
    data: Any,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    plotly: bool = False,
    workers: bool = False,
    **context: Any,
) -> None:
    """Write a page from a template that extends `base.html.j2`.

    Every page gets `theme.js`, `common.css` and `common.js` without being asked.

    Args:
        template: its path below this folder; autoescaping is on.
        out: the file to write; its folder is made.
        title: the page's name, in the browser's tab and as its heading.
        data: plain data or NumPy values; scripts read it with `Page.readData()`. NaN is refused.
        styles: CSS files, likewise, in order.
        scripts: JavaScript files, likewise, in order; each has one global.
        plotly: whether `PlotlyLoader.loadPlotly()` is there to be called.
        workers: whether scripts may make workers from a Blob, which the policy otherwise forbids.
        context: what else the template shows.

    Raises:
        UserError: the file cannot be written.
    """
    head_scripts = [_text("static/theme.js")]
    names = ["static/common.js", *(["static/plotly_loader.js"] if plotly else []), *scripts]
    body_scripts = [_text(name) for name in names]
    executed = [*head_scripts, *body_scripts, *([_plotly_source()] if plotly else [])]
    html = (
        _environment()
        .get_template(template)
        .render(
            title=title,
            policy=_policy(executed, workers),
            styles=[Markup(_text(name)) for name in ("static/common.css", *styles)],
            head_scripts=[Markup(text) for text in head_scripts],
            scripts=[Markup(text) for text in body_scripts],
            data=_packed(json.dumps(data, allow_nan=False, separators=(",", ":"), default=_plain)),
            plotly=_packed_plotly() if plotly else None,
            **context,
        )
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    # a file name that is no valid text still shows, with a mark in place of what cannot
    write_atomic(out, html.encode("utf-8", errors="replace"))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache
def _plotly_source() -> str:
    # imported here: a page without charts does not wait for it
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


@cache
def _packed_plotly() -> str:
    return _packed(_plotly_source())


def _packed(text: str) -> str:
    """Return a text gzipped, in base64: Plotly is 1.9 MB instead of 4.8, data a fifth."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()


def _policy(scripts: Sequence[str], workers: bool) -> str:
    """Return a Content-Security-Policy: no connection, and no script but these.

    A worker made from a Blob has the same policy.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {hashes}",
            *(["worker-src blob:"] if workers else []),
            # Plotly styles its own elements; a style cannot fetch anything under default-src
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "connect-src 'none'",
            "form-action 'none'",
            "base-uri 'none'",
        )
    )

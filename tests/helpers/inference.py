"""What the tests of the inference page share: runs to show, its scripts alone, digits drawn."""

from __future__ import annotations

import math

import torch
from torch import nn

from task3_MNIST.evaluation.evaluate import with_test_prefix
from task3_MNIST.evaluation.metrics import evaluate
from task3_MNIST.models import registry
from task3_MNIST.models.inference import predict
from task3_MNIST.models.size import parameter_count
from task3_MNIST.report.html import HERE, render
from task3_MNIST.report.inference.page import SCRIPTS, STYLES, TEMPLATE, title
from task3_MNIST.runs.files import Config, Evaluation, Summary
from task3_MNIST.runs.folder import Run
from task3_MNIST.runs.provenance import provenance
from task3_MNIST.training.loop import EpochMetrics
from task3_MNIST.training.recipes import RECIPES


def make_run(results, model_name, test, *, dataset="digits", name="fast", recipe_of=None, seed=0):
    """Write a complete, evaluated run of a model with random weights and return it."""
    run = Run(results / model_name / name / f"seed{seed}")
    run.folder.mkdir(parents=True)
    torch.manual_seed(seed)
    model = registry.build(model_name)
    randomize_batch_norm(model)
    recipe = RECIPES["fast"].config(recipe_of or model_name)
    config = Config(
        model=model_name,
        family=registry.family_of(model_name),
        dataset=dataset,
        dataset_sha256="0" * 64,
        recipe="fast",
        name=name,
        seed=seed,
        hyperparameters=vars(recipe) | {"seed": seed},
        pixel_mean=test.mean,
        pixel_std=test.std,
        **vars(provenance(torch.device("cpu"))),
    )
    run.write("config.json", config)
    run.write_tensors("model.pt", {"model": model_name, "state_dict": model.state_dict()})
    summary = Summary(
        parameters=parameter_count(model),
        **dict.fromkeys(("flops", "model_bytes", "epochs_trained", "selected_epoch"), 1),
        **dict.fromkeys(("train_seconds", "images_per_second", "val_loss"), 1.0),
        val_accuracy=0.1,
    )
    run.write("summary.json", summary)
    figures = ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds")
    run.write_metrics([EpochMetrics(epoch=1, **dict.fromkeys(figures, 0.1))])
    logits = predict(model, test.normalized().images)
    run.write_predictions(logits.numpy())
    # not measured: that takes longer than all else here
    speed = dict.fromkeys(("latency_seconds", "latency_seconds_p95", "throughput"), 1.0)
    run.write("test.json", Evaluation(**with_test_prefix(evaluate(logits, test.labels)), **speed))
    return run


def randomize_batch_norm(model):
    """Give batch norm what training would: other averages than 0 and 1."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.3, 2)
            if layer.affine:
                nn.init.normal_(layer.weight)
                nn.init.normal_(layer.bias)


def write_page(built, out):
    """Write the page of what `build_page` returned, as the script does."""
    render(
        TEMPLATE,
        out,
        title=title(built),
        data=built.data,
        styles=STYLES,
        scripts=SCRIPTS,
        workers=True,
        **built.texts,
    )
    return out


def with_scripts(browser, *names):
    """Return an empty page that has some of the project's scripts."""
    page = browser.new_page()
    for name in ("static/common.js", *names):
        page.add_script_tag(path=str(HERE / name))
    return page


def predictions(page):
    """Return what each model says, by name; an empty text while nothing is drawn."""
    cards = page.locator("[data-model]").all()
    return {
        card.get_attribute("data-model"): card.get_attribute("data-prediction") for card in cards
    }


def draw(page, strokes):
    """Draw strokes with the mouse: points in fractions of the surface's side."""
    box = page.locator("#canvas").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def draw_at_once(page, strokes):
    """Clear, and draw strokes by events of the page's own: the mouse waits for frames.

    Returns:
        what each model says, by name, before anything else can run in the page.
    """
    return page.evaluate(
        """(strokes) => {
          document.getElementById("clear").click();
          const canvas = document.getElementById("canvas");
          const { left, top, width } = canvas.getBoundingClientRect();
          const send = (kind, [x, y]) => canvas.dispatchEvent(new PointerEvent(kind, {
            clientX: left + x * width, clientY: top + y * width, bubbles: true, cancelable: true,
          }));
          for (const stroke of strokes) {
            send("pointerdown", stroke[0]);
            for (const point of stroke.slice(1)) send("pointermove", point);
            send("pointerup", stroke.at(-1));
          }
          const cards = [...document.querySelectorAll("[data-model]")];
          return Object.fromEntries(
            cards.map(({ dataset }) => [dataset.model, dataset.prediction]),
          );
        }""",
        strokes,
    )


def arc(middle, radii, start, end, count=12):
    """Return points on an ellipse; degrees run clockwise from the right, as the screen's y does."""
    angles = [math.radians(start + (end - start) * i / (count - 1)) for i in range(count)]
    return [
        (middle[0] + radii[0] * math.cos(angle), middle[1] + radii[1] * math.sin(angle))
        for angle in angles
    ]


# How people write the ten digits, in a box about 0.6 wide and 1 high.
DIGITS = {
    0: [arc((0.3, 0.5), (0.3, 0.5), -80, 280, 20)],
    1: [[(0.36, 0), (0.34, 0.3), (0.31, 0.7), (0.3, 1)]],
    2: [
        [
            *arc((0.3, 0.27), (0.27, 0.27), 190, 375, 12),
            (0.45, 0.55),
            (0.25, 0.78),
            (0.03, 0.97),
            (0.3, 0.96),
            (0.62, 0.98),
        ]
    ],
    3: [
        arc((0.27, 0.25), (0.27, 0.25), 200, 440, 12) + arc((0.27, 0.74), (0.3, 0.26), 275, 510, 14)
    ],
    4: [
        [(0.12, 0.02), (0.08, 0.25), (0.03, 0.52), (0.3, 0.53), (0.62, 0.5)],
        [(0.52, 0), (0.5, 0.4), (0.46, 1)],
    ],
    5: [
        [(0.12, 0.04), (0.1, 0.25), (0.08, 0.44), *arc((0.26, 0.68), (0.31, 0.31), 240, 510, 14)],
        [(0.12, 0.04), (0.35, 0.03), (0.58, 0.0)],
    ],
    6: [
        [
            (0.5, 0),
            (0.3, 0.16),
            (0.13, 0.4),
            (0.04, 0.65),
            *arc((0.3, 0.73), (0.26, 0.26), 180, -190, 18),
        ]
    ],
    7: [[(0.0, 0.06), (0.3, 0.04), (0.6, 0.03), (0.46, 0.35), (0.33, 0.65), (0.24, 1)]],
    8: [
        arc((0.3, 0.24), (0.22, 0.24), -30, -270, 12)
        + arc((0.3, 0.74), (0.27, 0.26), -90, 270, 16)
        + arc((0.3, 0.24), (0.22, 0.24), 90, -30, 8)
    ],
    9: [
        [
            *arc((0.3, 0.28), (0.26, 0.27), -20, -360, 16),
            (0.57, 0.3),
            (0.55, 0.55),
            (0.5, 0.8),
            (0.46, 1),
        ]
    ],
}


def written(digit, size, place, random):
    """Return a digit's strokes as a hand would vary them: slanted, stretched, a little shaky.

    Args:
        digit: which one.
        size: height in fractions of the surface.
        place: (x, y) of its middle, likewise.
        random: NumPy generator.
    """
    slant, stretch = random.normal(0, 0.08), random.uniform(0.9, 1.1)
    strokes = []
    for stroke in DIGITS[digit]:
        shake = random.normal(0, 0.008, (len(stroke), 2)) + random.normal(0, 0.01, 2)
        strokes.append(
            [
                (
                    place[0] + size * (stretch * (x - 0.3) + slant * (0.5 - y) + dx),
                    place[1] + size * (y - 0.5 + dy),
                )
                for (x, y), (dx, dy) in zip(stroke, shake, strict=True)
            ]
        )
    return strokes

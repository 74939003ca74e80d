// Points on a canvas: colors and shapes by class, crosses for errors, a drawing and its neighbors.
const Scatter = (function () {
  "use strict";

  const { themeColor } = Page;
  const { whenInSight } = Sight;

  const COLORS = 10; // then they come again, with another shape
  const SIDE = 1000; // of the coordinates
  const MARGIN = 40; // around them, in the same units
  const RADIUS = 6; // of a point
  const LEAST = 2.2; // its least radius in pixels
  const REACH = 14; // pixels from a point at which the pointer finds it

  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const SHAPES = [
    (path, x, y, r) => path.arc(x, y, r, 0, 2 * Math.PI),
    (path, x, y, r) => path.rect(x - r, y - r, 2 * r, 2 * r),
    (path, x, y, r) => path.ellipse(x, y, 1.7 * r, 0.7 * r, 0, 0, 2 * Math.PI),
  ];

  /** Return the name of the color of a class among the styles. */
  function colorName(label) {
    return `--class-${label % COLORS}`;
  }

  /** Return the number of the shape of a class, from 0. */
  function shapeNumber(label) {
    return Math.floor(label / COLORS) % SHAPES.length;
  }

  /**
   * Make a canvas a picture of `points`, a list of { x, y, label, correct }, and return what can be
   * done with it: `show(marks)`, with the `chosen` point's place or null and `drawing`, a point
   * with its `neighbors`' places, or null; `under(event)`, `next(place, key)`, `spot(place)`.
   */
  function makeScatter(canvas, points, classes) {
    let marks = { chosen: null, drawing: null };
    let ground = null; // all that stays when marks change

    const redraw = whenInSight(canvas, () => {
      const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
      ground = document.createElement("canvas");
      canvas.width = canvas.height = ground.width = ground.height = side;
      drawPoints(scaled(ground), points, Math.max(RADIUS, LEAST / pixelsPerUnit()));
      drawNames(scaled(ground), points, classes);
      drawMarks();
    });

    function drawMarks() {
      if (!ground) return;
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(ground, 0, 0);
      const { chosen, drawing } = marks;
      if (drawing) drawDrawing(scaled(canvas), drawing, points);
      if (chosen !== null) ring(scaled(canvas), points[chosen]);
    }

    /** Return the context of a canvas in the units of the coordinates. */
    function scaled(target) {
      const context = target.getContext("2d");
      const scale = target.width / (SIDE + 2 * MARGIN);
      context.setTransform(scale, 0, 0, scale, MARGIN * scale, MARGIN * scale);
      return context;
    }

    function pixelsPerUnit() {
      return canvas.clientWidth / (SIDE + 2 * MARGIN);
    }

    /** Return the place of the point nearest to a pointer, or null if none is near. */
    function under(event) {
      const box = canvas.getBoundingClientRect();
      const x = (event.clientX - box.left) / pixelsPerUnit() - MARGIN;
      const y = (event.clientY - box.top) / pixelsPerUnit() - MARGIN;
      const best = closest((point) => Math.hypot(point.x - x, point.y - y));
      return best.distance * pixelsPerUnit() < REACH ? best.place : null;
    }

    /** Return the nearest point in a key's direction, within 45° of it; or the same. */
    function next(place, key) {
      const [right, down] = KEYS[key];
      const from = place === null ? { x: SIDE / 2, y: SIDE / 2 } : points[place];
      const best = closest((point) => {
        const [dx, dy] = [point.x - from.x, point.y - from.y];
        const along = dx * right + dy * down;
        const across = Math.abs(dx * down) + Math.abs(dy * right);
        return along > 0 && across <= along ? Math.hypot(dx, dy) : Infinity;
      });
      return best.distance < Infinity ? best.place : place;
    }

    function closest(distanceTo) {
      return points.reduce(
        (best, point, place) => {
          const distance = distanceTo(point);
          return distance < best.distance ? { place, distance } : best;
        },
        { place: null, distance: Infinity },
      );
    }

    /** Return where a point is in the canvas, in pixels of the screen. */
    function spot(place) {
      const onto = (value) => (value + MARGIN) * pixelsPerUnit();
      return [onto(points[place].x), onto(points[place].y)];
    }

    function show(changed) {
      marks = { ...marks, ...changed };
      drawMarks();
    }

    new ResizeObserver(redraw).observe(canvas);
    document.addEventListener("themechange", redraw);
    return { show, under, next, spot };
  }

  function drawPoints(context, points, radius) {
    for (const label of new Set(points.map((point) => point.label))) {
      context.fillStyle = themeColor(colorName(label));
      const shape = SHAPES[shapeNumber(label)];
      context.beginPath();
      for (const { x, y } of points.filter((point) => point.label === label)) {
        context.moveTo(x + radius, y);
        shape(context, x, y, radius);
      }
      context.fill();
    }
    context.lineCap = "round";
    for (const [color, width] of [["--surface", 9], ["--text", 4]]) {
      context.strokeStyle = themeColor(color);
      context.lineWidth = width;
      context.beginPath();
      for (const { x, y, correct } of points) {
        if (correct) continue;
        for (const slope of [-1, 1]) {
          context.moveTo(x - 9, y - 9 * slope);
          context.lineTo(x + 9, y + 9 * slope);
        }
      }
      context.stroke();
    }
  }

  /** Write the name of each class at the median of its points: color is not the only sign. */
  function drawNames(context, points, classes) {
    context.font = "700 40px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 12;
    context.strokeStyle = themeColor("--surface");
    context.fillStyle = themeColor("--text");
    classes.forEach((name, label) => {
      const own = points.filter((point) => point.label === label);
      if (!own.length) return;
      const [x, y] = [median(own.map((point) => point.x)), median(own.map((point) => point.y))];
      const text = name.length > 12 ? `${name.slice(0, 11)}…` : name;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    });
  }

  function median(values) {
    return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  }

  function drawDrawing(context, { x, y, neighbors }, points) {
    context.strokeStyle = themeColor("--text");
    context.lineWidth = 3;
    context.beginPath();
    for (const place of neighbors) {
      context.moveTo(x, y);
      context.lineTo(points[place].x, points[place].y);
    }
    context.stroke();
    context.beginPath();
    for (const [right, down] of [[0, -20], [20, 0], [0, 20], [-20, 0]]) {
      context.lineTo(x + right, y + down);
    }
    context.closePath();
    context.fillStyle = themeColor("--accent");
    context.strokeStyle = themeColor("--surface");
    context.lineWidth = 6;
    context.stroke();
    context.fill();
  }

  function ring(context, { x, y }) {
    for (const [color, width] of [["--surface", 10], ["--text", 5]]) {
      context.strokeStyle = themeColor(color);
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, 16, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  return { makeScatter, colorName, shapeNumber, KEYS };
})();

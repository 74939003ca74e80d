// The drawing surface: pointer, keyboard, undo and clear. Strokes are kept as points.
const Drawing = (function () {
  "use strict";

  const { themeColor } = Page;
  const { CANVAS, CANVAS_PEN } = Strokes;

  const STEP = 10; // units that an arrow key moves the pen
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const BLANK = { strokes: [], picture: null };

  /**
   * Make a canvas a drawing surface and return what can be done with it.
   *
   * Its state is either strokes, lists of points from 0 to 280, or a picture with `shown`, what to
   * show of it. `onChange(state)` is called whenever that changes, `say(text)` tells what the
   * keyboard did, `load(digit)` is asked for a stored image of a digit.
   */
  function makeDrawing(canvas, { onChange, say, load }) {
    const past = [];
    let state = BLANK;
    let stroke = null; // being drawn
    let pointer = null; // that draws it
    const pen = { x: CANVAS / 2, y: CANVAS / 2, down: false, visible: false };

    function change(next) {
      past.push(state);
      state = next;
      stroke = pointer = null;
      pen.down = false;
      refresh();
    }

    function refresh() {
      redraw();
      onChange(state);
    }

    function begin(point) {
      past.push(state);
      stroke = [point];
      // a picture gives way to a drawing
      state = { strokes: [...state.strokes, stroke], picture: null };
      refresh();
    }

    function redraw() {
      fitToScreen(canvas);
      const context = canvas.getContext("2d");
      context.setTransform(canvas.width / CANVAS, 0, 0, canvas.height / CANVAS, 0, 0);
      context.clearRect(0, 0, CANVAS, CANVAS);
      if (state.picture) drawPicture(context, state.picture.shown);
      else drawStrokes(context, state.strokes, getComputedStyle(canvas).color);
      if (pen.visible) drawPen(context, pen);
    }

    function pointAt(event) {
      const box = canvas.getBoundingClientRect();
      const onto = (offset, side) => Math.min(Math.max((offset / side) * CANVAS, 0), CANVAS);
      return [onto(event.clientX - box.left, box.width), onto(event.clientY - box.top, box.height)];
    }

    canvas.addEventListener("pointerdown", (event) => {
      // a second finger neither draws nor ends the stroke of the first
      if (event.button !== 0 || pointer !== null) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      pen.visible = pen.down = false;
      pointer = event.pointerId;
      follow(pointer);
      begin(pointAt(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const all = event.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [event]) stroke.push(pointAt(each));
      refresh();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId === pointer) stroke = pointer = null;
      });
    }

    /** Receive the pointer's events outside the canvas, too. */
    function follow(pointerId) {
      try {
        canvas.setPointerCapture(pointerId);
      } catch {
        // it was lifted in the meantime, or a program made the event: nothing to follow
      }
    }

    canvas.addEventListener("keydown", (event) => {
      // letters also with Shift or Caps Lock
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (event.altKey || ((event.ctrlKey || event.metaKey) && key !== "z")) return;
      const done = act(key);
      if (done) event.preventDefault();
    });
    canvas.addEventListener("blur", () => {
      pen.visible = pen.down = false;
      redraw();
    });

    function act(key) {
      if (key in KEYS) movePen(...KEYS[key]);
      else if (key === " ") togglePen();
      else if (key === "z" || key === "Backspace") undo();
      else if (key === "c" || key === "Delete") clear();
      else if (/^[0-9]$/.test(key)) load(Number(key));
      else return false;
      return true;
    }

    function movePen(right, down) {
      pen.visible = true;
      pen.x = Math.min(Math.max(pen.x + right * STEP, 0), CANVAS);
      pen.y = Math.min(Math.max(pen.y + down * STEP, 0), CANVAS);
      if (!pen.down) return redraw();
      stroke.push([pen.x, pen.y]);
      return refresh();
    }

    function togglePen() {
      pen.visible = true;
      if (pen.down) {
        pen.down = false;
        stroke = null;
        redraw();
      } else {
        begin([pen.x, pen.y]);
        pen.down = true;
        redraw();
      }
      say(pen.down ? "Pen down" : "Pen up");
    }

    function undo() {
      if (!past.length) return;
      state = past.pop();
      stroke = pointer = null;
      pen.down = false;
      refresh();
    }

    function clear() {
      if (state !== BLANK) change(BLANK);
    }

    new ResizeObserver(redraw).observe(canvas);
    document.addEventListener("themechange", redraw);
    return { undo, clear, refresh, showPicture: (picture) => change({ strokes: [], picture }) };
  }

  /** Give the canvas as many pixels as it has on the screen. */
  function fitToScreen(canvas) {
    const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
    if (canvas.width !== side) canvas.width = canvas.height = side;
  }

  function drawStrokes(context, strokes, color) {
    context.strokeStyle = color;
    context.lineWidth = CANVAS_PEN;
    context.lineCap = context.lineJoin = "round";
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
  }

  function drawPicture(context, shown) {
    const scale = CANVAS / Math.max(shown.width, shown.height);
    const [width, height] = [shown.width * scale, shown.height * scale];
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(shown, (CANVAS - width) / 2, (CANVAS - height) / 2, width, height);
  }

  function drawPen(context, pen) {
    context.strokeStyle = themeColor("--accent");
    context.lineWidth = 2;
    context.setLineDash(pen.down ? [] : [4, 4]);
    context.beginPath();
    context.arc(pen.x, pen.y, CANVAS_PEN / 2 + 2, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
  }

  return { makeDrawing };
})();

// One span of time that all charts show, and one way to move it.
const LEFT = 78; // the width of every chart's vertical axis, so that all share one axis of time
const STEPS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
  3600, 7200, 10800, 21600, 43200, ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((days) => days * 86400)];
const view = { min: 0, max: END_S };
const plots = [];
const SMALLEST_S = Math.max(END_S / 1e6, 0.002);
let isAsked = false;

function setView(min, max) {
  const span = Math.min(END_S, Math.max(SMALLEST_S, max - min));
  const first = Math.min(Math.max(0, min), END_S - span);
  if (first === view.min && first + span === view.max) return;
  view.min = first;
  view.max = first + span;
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(showView);
}

function showView() {
  isAsked = false;
  for (const plot of plots) plot.setScale("x", { min: view.min, max: view.max });
}

function zoom(factor, at) {
  const around = at === undefined ? (view.min + view.max) / 2 : at;
  setView(around - (around - view.min) * factor, around + (view.max - around) * factor);
}
const pan = (share) => setView(view.min + (view.max - view.min) * share, view.max + (view.max - view.min) * share);

$("zoom-in").addEventListener("click", () => zoom(0.5));
$("zoom-out").addEventListener("click", () => zoom(2));
$("zoom-all").addEventListener("click", () => setView(0, END_S));

// Drag to pan, wheel with Ctrl to zoom. The page itself still scrolls by the wheel.
function makeMovable(plot) {
  const over = plot.over;
  let from = null;
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, min: view.min, max: view.max, moved: false };
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener("pointermove", (event) => {
    if (!from) return;
    const shift = event.clientX - from.x;
    if (Math.abs(shift) > 3 && !from.moved) {
      from.moved = true;
      document.body.classList.add("dragging");
    }
    if (!from.moved) return;
    const seconds = (shift / over.clientWidth) * (from.max - from.min);
    setView(from.min - seconds, from.max - seconds);
  });
  const end = (event) => {
    const wasMoved = from && from.moved;
    from = null;
    document.body.classList.remove("dragging");
    if (!wasMoved && event.type === "pointerup") tell("click", { plot, event });
  };
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
  over.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const at = view.min + (event.offsetX / over.clientWidth) * (view.max - view.min);
      zoom(Math.exp(Math.sign(event.deltaY) * 0.22), at);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(Math.sign(event.deltaX || event.deltaY) * 0.08);
    }
  }, { passive: false });
}

// What every chart has in common. `draw`: what is drawn on top.
function makePlot(host, { height, data: columns, series, y, axis, draw, hasTimes, onMove }) {
  const plot = new uPlot({
    width: Math.max(200, host.clientWidth),
    height,
    legend: { show: false },
    padding: [4, 24, hasTimes ? 0 : 4, 0],
    cursor: {
      y: false, points: { show: false }, drag: { x: false, y: false, setScale: false },
      bind: { dblclick: () => null, mousedown: () => null, mouseup: () => null },
      sync: { key: "time", setSeries: false, scales: ["x", null] },
    },
    scales: { x: { time: false, range: () => [view.min, view.max] }, y },
    axes: [
      { show: !!hasTimes, size: 26, stroke: () => shade("muted"), font: "12px system-ui, sans-serif",
        grid: { stroke: () => shade("grid"), width: 1 }, ticks: { stroke: () => shade("grid"), width: 1, size: 5 },
        incrs: STEPS_S, values: (_, splits) => splits.map((s) => moment(s, splits[1] - splits[0])) },
      { size: LEFT, stroke: () => shade("muted"), font: "12px system-ui, sans-serif",
        grid: { stroke: () => shade("grid"), width: 1 }, ticks: { show: false }, ...axis },
    ],
    series: [{}, ...series],
    hooks: { draw: draw ? [draw] : [], setCursor: onMove ? [onMove] : [] },
  }, columns, host);
  plots.push(plot);
  makeMovable(plot);
  return plot;
}

let isPrinting = false;
function fit() {
  for (const plot of plots) {
    const width = isPrinting ? 700 : Math.max(200, plot.root.parentElement.clientWidth);
    if (width !== plot.width) plot.setSize({ width, height: plot.height });
  }
}
addEventListener("resize", fit);
on("theme", () => { for (const plot of plots) plot.redraw(false, true); });

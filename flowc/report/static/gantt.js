// The Gantt chart: attempts drawn into a plot that shares its axis of time with the others.
const shown = { path: true, wait: false, rules: new Set(), chosen: -1, hovered: -1 };
const isOnPath = new Uint8Array(barCount);
for (const i of bars.path) isOnPath[i] = 1;
const failedBars = [...Array(barCount).keys()].filter((i) => bars.cause[i]);
const ganttHeight = () => Math.round(Math.min(Math.max(layout.total * 24, 96), 520)) + 30;

let gantt = null;

function frameOf(u) {
  const { left, top, width, height } = u.bbox;
  const perMs = width / ((view.max - view.min) * 1000);
  const laneHigh = height / layout.total;
  const gap = laneHigh > 8 * devicePixelRatio ? Math.round(devicePixelRatio) : 0;
  return {
    left, top, width, height, laneHigh, gap,
    x: (ms) => left + (ms - view.min * 1000) * perMs,
    y: (lane) => top + lane * laneHigh,
  };
}

function drawBars(u) {
  const ctx = u.ctx;
  const frame = frameOf(u);
  ctx.save();
  ctx.beginPath();
  ctx.rect(frame.left, frame.top, frame.width, frame.height);
  ctx.clip();
  drawRuleRows(ctx, frame);
  if (shown.wait) drawWaiting(ctx, frame);
  const labels = drawRectangles(ctx, frame);
  drawFailures(ctx, frame);
  if (shown.path) drawPath(ctx, frame);
  drawLabels(ctx, frame, labels);
  for (const i of [shown.hovered, shown.chosen]) if (i >= 0) drawChosen(ctx, frame, i);
  ctx.restore();
  tell("drawn");
}

function drawRuleRows(ctx, frame) {
  if (!layout.first) return;
  ctx.fillStyle = shade("grid");
  for (const lane of layout.first) ctx.fillRect(frame.left, Math.round(frame.y(lane)), frame.width, 1);
}

// Where many attempts fall on one pixel of a lane, the first of them is drawn for all.
function drawRectangles(ctx, frame) {
  const last = new Float64Array(layout.total).fill(-1);
  const fromMs = view.min * 1000;
  const untilMs = view.max * 1000;
  const labels = [];
  const wide = 44 * devicePixelRatio;
  const dims = shown.rules.size > 0;
  let fill = null;
  for (let i = 0; i < barCount; i++) {
    if (bars.start[i] > untilMs) break;
    if (bars.end[i] < fromMs) continue;
    const x = frame.x(bars.start[i]);
    const right = frame.x(bars.end[i]);
    const rule = jobs.rule[bars.job[i]];
    const next = dims && !shown.rules.has(rule) ? shade("grid") : ruleFill(rule);
    for (const [first, high] of piecesOf(i)) {
      if (high === 1 && right <= last[first]) continue;
      const width = Math.max(right - x - (right - x > 4 ? frame.gap : 0), 1);
      if (next !== fill) ctx.fillStyle = fill = next;
      ctx.fillRect(x, frame.y(first), width, frame.laneHigh * high - frame.gap);
      for (let lane = first; lane < first + high; lane++) last[lane] = x + Math.max(width, 1);
      if (width > wide && frame.laneHigh * high > 12 * devicePixelRatio && !(dims && next === shade("grid"))) {
        labels.push([i, x, first, high, width]);
      }
    }
  }
  return labels;
}

function drawLabels(ctx, frame, labels) {
  const ratio = devicePixelRatio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const letter = ctx.measureText("n").width;
  for (const [i, x, lane, high, width] of labels) {
    const rule = jobs.rule[bars.job[i]];
    const from = Math.max(x, frame.left) + 5 * ratio;
    const room = Math.floor((x + width - from - 3 * ratio) / letter);
    if (room < 3) continue;
    const name = jobs.name[bars.job[i]];
    ctx.fillStyle = bars.cause[i] ? shade("text") : isLight(ruleColor(rule)) ? "#10151d" : "#ffffff";
    const text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
    ctx.fillText(text, from, frame.y(lane) + (frame.laneHigh * high - frame.gap) / 2);
  }
}

// Hatched, with a frame and a cross: not by colour alone.
function drawFailures(ctx, frame) {
  const ratio = devicePixelRatio;
  for (const i of failedBars) {
    if (bars.end[i] < view.min * 1000 || bars.start[i] > view.max * 1000) continue;
    const x = frame.x(bars.start[i]);
    const width = Math.max(frame.x(bars.end[i]) - x, 3 * ratio);
    for (const [first, high] of piecesOf(i)) {
      const y = frame.y(first);
      const tall = frame.laneHigh * high - frame.gap;
      ctx.fillStyle = shade("card");
      ctx.fillRect(x, y, width, tall);
      ctx.fillStyle = hatch(shade("failed"), 7 * ratio);
      ctx.globalAlpha = 0.45;
      ctx.fillRect(x, y, width, tall);
      ctx.globalAlpha = 1;
      ctx.strokeStyle = shade("failed");
      ctx.lineWidth = 1.5 * ratio;
      ctx.strokeRect(x + 1, y + 1, width - 2, tall - 2);
      const arm = Math.min(4 * ratio, tall / 3);
      const cx = x + width - arm - 3 * ratio;
      if (width < 4 * arm || tall < 8 * ratio) continue;
      ctx.lineWidth = 2.5 * ratio;
      ctx.beginPath();
      ctx.moveTo(cx - arm, y + tall / 2 - arm);
      ctx.lineTo(cx + arm, y + tall / 2 + arm);
      ctx.moveTo(cx - arm, y + tall / 2 + arm);
      ctx.lineTo(cx + arm, y + tall / 2 - arm);
      ctx.stroke();
    }
  }
}

function drawPath(ctx, frame) {
  const ratio = devicePixelRatio;
  ctx.strokeStyle = shade("mark");
  ctx.lineWidth = 2 * ratio;
  let before = null;
  for (const i of bars.path) {
    const x = frame.x(bars.start[i]);
    const right = Math.max(frame.x(bars.end[i]), x + 2 * ratio);
    let lane = layout.lane[i];
    for (const [first, high] of piecesOf(i)) {
      ctx.strokeRect(x + ratio, frame.y(first) + ratio, Math.max(right - x - 2 * ratio - frame.gap, 1),
        Math.max(frame.laneHigh * high - 2 * ratio - frame.gap, 1));
    }
    const y = frame.y(lane + 0.5);
    if (before) {
      ctx.beginPath();
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.moveTo(before[0], before[1]);
      ctx.lineTo(x, y);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    before = [right, y];
  }
}

function drawWaiting(ctx, frame) {
  ctx.fillStyle = shade("wait");
  const last = new Float64Array(layout.total).fill(-1);
  const high = Math.max(1, Math.round(2 * devicePixelRatio));
  for (let i = 0; i < barCount; i++) {
    if (bars.start[i] - bars.ready[i] < 20 || bars.start[i] < view.min * 1000) continue;
    const x = Math.max(frame.x(bars.ready[i]), frame.left);
    const lane = layout.lane[i];
    const right = frame.x(bars.start[i]);
    if (x > frame.left + frame.width || right <= last[lane]) continue;
    last[lane] = right;
    const y = frame.y(lane) + (frame.laneHigh - high) / 2;
    ctx.fillRect(x, y, right - x, high);
    ctx.fillRect(x, y - 2 * high, high, 5 * high);
  }
}

function drawChosen(ctx, frame, i) {
  const ratio = devicePixelRatio;
  const x = frame.x(bars.start[i]);
  const right = Math.max(frame.x(bars.end[i]), x + 2 * ratio);
  ctx.lineWidth = 2.5 * ratio;
  ctx.strokeStyle = shade("accent");
  for (const [first, high] of piecesOf(i)) {
    ctx.strokeRect(x, frame.y(first) + 1, right - x, Math.max(frame.laneHigh * high - 2, 2));
  }
  const y = frame.y(layout.lane[i] + 0.5);
  ctx.fillStyle = shade("accent");
  ctx.fillRect(frame.x(bars.ready[i]), y - ratio, x - frame.x(bars.ready[i]), 2 * ratio);
}

function laneTicks() {
  if (layout.first) return layout.first;
  const step = Math.max(1, Math.ceil(layout.total / 16));
  return Array.from({ length: Math.ceil(layout.total / step) }, (_, k) => k * step);
}

function makeGantt() {
  gantt = makePlot($("gantt"), {
    height: ganttHeight(), hasTimes: true, draw: drawBars,
    data: [[0, END_S], [0, 1]],
    series: [{ paths: () => null, points: { show: false } }],
    y: { range: () => [0, layout.total], dir: -1 },
    axis: {
      splits: () => laneTicks().map((lane) => lane + 0.5),
      values: (_, splits) => splits.map((at) => cut(layout.label(Math.floor(at)), 10)),
      grid: { show: false },
    },
  });
}
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function relayOut(next) {
  setLayout(next);
  gantt.setSize({ width: gantt.width, height: ganttHeight() });
  gantt.redraw(true, true);
}

// Which attempt is under the pointer.
function barUnder(event) {
  const box = gantt.over.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const ms = (view.min + share * (view.max - view.min)) * 1000;
  const lane = Math.floor(((event.clientY - box.top) / box.height) * layout.total);
  return barAt(lane, ms, (4 / box.width) * (view.max - view.min) * 1000);
}

function choose(i, { scroll = false } = {}) {
  shown.chosen = i;
  if (i >= 0) {
    const start = bars.start[i] / 1000;
    const end = bars.end[i] / 1000;
    if (end < view.min || start > view.max) {
      const span = view.max - view.min;
      setView((start + end - span) / 2, (start + end + span) / 2);
    }
    if (scroll) $("gantt").scrollIntoView({ block: "center" });
  }
  gantt.redraw(false, false);
}

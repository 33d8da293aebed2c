// What was in use, on the same axis of time as the Gantt chart.
const at = usage.at.map((ms) => ms / 1000);
const memoryGb = usage.memory.map((mib) => mib / 1024);
const memoryUsedGb = usage.memory_used && usage.memory_used.map((mib) => mib / 1024);
const stepped = uPlot.paths.stepped({ align: 1 });
const LIMIT_SHADES = { dependencies: "l0", cores: "l3", memory: "l4", flowc: "l2", "all cores busy": "l3",
  "the cluster's queue": "l6", paused: "l5", nothing: "l5" };

function indexAt(s) {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (at[mid] <= s) low = mid + 1;
    else high = mid;
  }
  return low - 1;
}

function area(stroke, { fill = true, width = 1.5, dash } = {}) {
  return { stroke: () => shade(stroke), fill: fill ? () => `${shade(stroke)}66` : undefined, width, dash,
    paths: stepped, points: { show: false } };
}

function makeChart(id, own, series, { total, unit, top }) {
  const columns = [at, ...own];
  let most = 0;
  for (const column of own) for (const value of column) if (value > most) most = value;
  if (total && total <= 4 * most) { // a total far above would leave nothing to be seen of the rest
    columns.push(at.map(() => total));
    series.push(area("total", { fill: false, dash: [6, 4] }));
    most = Math.max(most, total);
  }
  makePlot($(id), {
    height: 104, data: columns, series, y: { range: () => [0, Math.max(most, top) * 1.08] },
    axis: { values: (_, splits) => splits.map(unit), space: 26 },
    onMove: (u) => showAt(u),
  });
}

const gb = (gib) => (gib >= 1 || !gib ? `${figure(gib)} GB` : `${figure(gib * 1024)} MB`);

function showAt(u) {
  const s = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : -1;
  const i = s < 0 ? -1 : indexAt(s);
  const say = (id, text) => { $(id).textContent = i < 0 ? "" : text(); };
  const used = (column, unit) => (column ? `, ${unit(column[i])} used` : "");
  say("limit-at", () => `${moment(s, 0.1)}: ${usage.limits[usage.limit[i]]}`);
  say("cores-at", () => `${moment(s, 0.1)}: ${usage.cores[i]} requested${used(usage.cores_used, figure)}`);
  say("memory-at", () => `${moment(s, 0.1)}: ${gb(memoryGb[i])} requested${used(memoryUsedGb, gb)}`);
  say("count-at", () => `${moment(s, 0.1)}: ${count(usage.running[i])} running, ${count(usage.waiting[i])} waiting`);
}

function drawLimits(u) {
  const ctx = u.ctx;
  const { left, top, width, height } = u.bbox;
  const perS = width / (view.max - view.min);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  let last = -1;
  for (let i = Math.max(0, indexAt(view.min)); i < at.length - 1 && at[i] <= view.max;) {
    let until = i + 1;
    while (until < at.length - 1 && usage.limit[until] === usage.limit[i]) until++;
    const right = Math.round(left + (at[until] - view.min) * perS);
    const x = Math.max(last, Math.round(left + (at[i] - view.min) * perS));
    ctx.fillStyle = shade(LIMIT_SHADES[usage.limits[usage.limit[i]]] || "l1");
    if (right > last) ctx.fillRect(x, top, Math.max(right - x, 1), height);
    last = Math.max(last, right);
    i = until;
  }
  ctx.restore();
}

function makeCharts() {
  makePlot($("limit"), {
    height: 22, data: [[0, END_S], [0, 1]], series: [{ paths: () => null, points: { show: false } }],
    y: { range: () => [0, 1] }, axis: { values: () => [], splits: () => [], grid: { show: false } },
    draw: drawLimits, onMove: showAt,
  });
  const cores = [usage.cores];
  const coreSeries = [area("requested")];
  if (usage.cores_used) {
    cores.push(usage.cores_used);
    coreSeries.push(area("used"));
  }
  makeChart("cores", cores, coreSeries, { total: data.cores, unit: figure, top: 1 });
  const memory = [memoryGb];
  const memorySeries = [area("memory")];
  if (memoryUsedGb) {
    memory.push(memoryUsedGb);
    memorySeries.push(area("memory-used"));
  }
  makeChart("memory", memory, memorySeries, { total: data.memory / 1024 ** 3, unit: gb, top: 0.001 });
  makeChart("count", [usage.waiting, usage.running], [area("wait"), area("l3")], { total: 0, unit: figure, top: 1 });
}

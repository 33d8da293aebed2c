// Where each attempt lies: a lane for each core, or rows for each rule.
const byCore = {
  lane: bars.lane, high: bars.high, more: bars.more, total: Math.max(1, data.lanes),
  label: (lane) => (lane < data.core_lanes ? `core ${lane + 1}` : "no core"),
};

function packByRule(withWaiting) {
  const lane = new Array(barCount).fill(0);
  const ends = data.rules.map(() => []);
  const from = withWaiting ? bars.ready : bars.start;
  const order = withWaiting ? [...from.keys()].sort((a, b) => from[a] - from[b] || a - b) : null;
  for (let k = 0; k < barCount; k++) {
    const i = order ? order[k] : k;
    const rows = ends[jobs.rule[bars.job[i]]];
    let row = 0;
    while (row < rows.length && rows[row] > from[i]) row++;
    if (row > 400) return withWaiting ? packByRule(false) : { lane, rows: ends.map((r) => r.length) };
    rows[row] = Math.max(bars.end[i], bars.start[i] + 1);
    lane[i] = row;
  }
  return { lane, rows: ends.map((r) => r.length) };
}

function makeByRule(withWaiting) {
  const packed = packByRule(withWaiting);
  const first = [];
  let total = 0;
  for (const rows of packed.rows) {
    first.push(total);
    total += rows;
  }
  const lane = packed.lane.map((row, i) => row + first[jobs.rule[bars.job[i]]]);
  const named = new Map(first.map((at, rule) => [at, data.rules[rule]]));
  return { lane, high: null, more: {}, total: Math.max(1, total), first, label: (at) => named.get(at) || "" };
}

let layout = byCore;
let laneBars = [];

function setLayout(next) {
  layout = next;
  laneBars = Array.from({ length: layout.total }, () => []);
  for (let i = 0; i < barCount; i++) {
    for (const [first, high] of piecesOf(i)) {
      for (let lane = first; lane < first + high; lane++) laneBars[lane].push(i);
    }
  }
}

function* piecesOf(i) {
  yield [layout.lane[i], layout.high ? layout.high[i] : 1];
  const more = layout.more[i];
  if (more) yield* more;
}

// The attempt that is at a moment in a lane, or near it, or -1.
function barAt(lane, ms, slackMs) {
  const own = laneBars[lane];
  if (!own) return -1;
  let low = 0;
  let high = own.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (bars.start[own[mid]] <= ms) low = mid + 1;
    else high = mid;
  }
  const before = low > 0 ? own[low - 1] : -1;
  if (before >= 0 && bars.end[before] >= ms) return before;
  const after = low < own.length ? own[low] : -1;
  const gapAfter = after < 0 ? Infinity : bars.start[after] - ms;
  const gapBefore = before < 0 ? Infinity : ms - bars.end[before];
  if (Math.min(gapAfter, gapBefore) > slackMs) return -1;
  return gapAfter < gapBefore ? after : before;
}
setLayout(byCore);

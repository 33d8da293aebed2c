// The table of jobs. Only the rows that can be seen exist, so that it takes 100,000 of them.
const ROW = 31;
const lastBar = barsOf.map((own) => (own.length ? own.at(-1) : -1));
const ofBar = (column, job) => (lastBar[job] < 0 ? null : column[lastBar[job]]);
const lasted = (job) => (lastBar[job] < 0 ? null : (bars.end[lastBar[job]] - bars.start[lastBar[job]]) / 1000);
const usedCores = (job) => {
  const cpu = ofBar(bars.cpu, job);
  return cpu === null || !lasted(job) ? null : cpu / 1000 / lasted(job);
};
const orEmpty = (show) => (value) => (value === null ? "" : show(value));

// title, width, value to sort by, as shown, whether it is a figure
const COLUMNS = [
  ["job", "23%", (job) => jobs.name[job], String, false],
  ["rule", "9%", (job) => data.rules[jobs.rule[job]], String, false],
  ["state", "6.5rem", (job) => stateOf(job), null, false],
  ["output", "auto", (job) => texts[jobs.output[job]], String, false],
  ["start", "5rem", (job) => (lastBar[job] < 0 ? null : bars.start[lastBar[job]] / 1000), orEmpty((s) => moment(s, 0.1)), true],
  ["duration", "6rem", lasted, orEmpty(duration), true],
  ["tries", "4rem", (job) => barsOf[job].length, String, true],
  ["cores", "4.5rem", (job) => ofBar(bars.cores, job), orEmpty(String), true],
  ["used", "4.5rem", usedCores, orEmpty(figure), true],
  ["memory", "5.5rem", (job) => ofBar(bars.memory, job) || null, orEmpty(size), true],
  ["peak", "5.5rem", (job) => ofBar(bars.peak, job), orEmpty(size), true],
];

const list = { rows: [...jobs.id.keys()], by: -1, down: false, chosen: -1, first: -1, last: -1 };
let haystack = null;

function searchable() {
  haystack ||= jobs.id.map((_, job) => [
    jobs.name[job], wildcardsOf(job), texts[(jobs.outputs || jobs.output)[job]],
    jobs.inputs ? texts[jobs.inputs[job]] : "", jobs.command ? texts[jobs.command[job]] : "",
  ].join("\n").toLowerCase());
  return haystack;
}

function refilter() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rule = $("filter-rule").value;
  const state = $("filter-state").value;
  const text = words.length ? searchable() : null;
  list.rows = [...jobs.id.keys()].filter((job) =>
    (rule === "" || jobs.rule[job] === Number(rule)) &&
    (state === "" || jobs.state[job] === Number(state)) &&
    words.every((word) => text[job].includes(word)));
  resort();
}

function resort() {
  if (list.by >= 0) {
    const value = COLUMNS[list.by][2];
    const keys = new Map(list.rows.map((job) => [job, value(job)]));
    const sign = list.down ? -1 : 1;
    list.rows.sort((a, b) => {
      const x = keys.get(a);
      const y = keys.get(b);
      if (x === y) return a - b;
      if (x === null) return 1; // what is not known comes last, whatever the order
      if (y === null) return -1;
      return x < y ? -sign : sign;
    });
  }
  $("jobs-count").textContent = list.rows.length === jobs.id.length
    ? `${count(jobs.id.length)} jobs` : `${count(list.rows.length)} of ${count(jobs.id.length)} jobs`;
  $("jobs-table").setAttribute("aria-rowcount", String(list.rows.length + 1));
  $("jobs-view").scrollTop = 0;
  list.first = -1;
  fillRows();
}

function makeRow(job, place) {
  const row = el("tr", job === list.chosen ? "chosen" : "");
  row.setAttribute("aria-rowindex", String(place + 2));
  row.dataset.job = String(job);
  for (const [, , value, show, isFigure] of COLUMNS) {
    const cell = el("td", isFigure ? "n" : "");
    if (show) {
      cell.textContent = show(value(job));
      if (!isFigure) cell.title = cell.textContent;
    } else cell.append(el("span", `badge ${stateOf(job)}`, stateOf(job)));
    row.append(cell);
  }
  return row;
}

function padding(rows) {
  const row = el("tr", "pad");
  row.setAttribute("aria-hidden", "true");
  const cell = el("td");
  cell.colSpan = COLUMNS.length;
  cell.style.height = `${rows * ROW}px`;
  row.append(cell);
  return row;
}

function fillRows(force) {
  const box = $("jobs-view");
  const first = isPrinting ? 0 : Math.max(0, Math.floor(box.scrollTop / ROW) - 10);
  const last = Math.min(list.rows.length, isPrinting ? 300 : first + Math.ceil(box.clientHeight / ROW) + 20);
  if (!force && first === list.first && last === list.last) return;
  list.first = first;
  list.last = last;
  const rows = [padding(first)];
  for (let place = first; place < last; place++) rows.push(makeRow(list.rows[place], place));
  if (!isPrinting) rows.push(padding(list.rows.length - last));
  box.querySelector("tbody").replaceChildren(...rows);
}

function makeHead() {
  const row = el("tr");
  COLUMNS.forEach(([title, width, , , isFigure], i) => {
    const head = el("th", isFigure ? "n" : "");
    head.scope = "col";
    head.style.width = width;
    const button = el("button", "", title);
    button.type = "button";
    button.addEventListener("click", () => {
      list.down = list.by === i ? !list.down : false;
      list.by = i;
      for (const [k, other] of [...row.children].entries()) {
        if (k === i) other.setAttribute("aria-sort", list.down ? "descending" : "ascending");
        else other.removeAttribute("aria-sort");
        other.firstChild.textContent = COLUMNS[k][0] + (k === i ? (list.down ? " ↓" : " ↑") : "");
      }
      resort();
    });
    head.append(button);
    row.append(head);
  });
  $("jobs-table").tHead.replaceChildren(row);
}

// A text that a spreadsheet would take for a formula gets an apostrophe.
function csvCell(value) {
  if (typeof value === "number") return String(Math.round(value * 1e6) / 1e6);
  const text = value === null ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
function csvText() {
  const units = { start: "start_s", duration: "duration_s", memory: "memory_bytes", peak: "peak_bytes" };
  const lines = [COLUMNS.map(([title]) => units[title] || title).join(",")];
  for (const job of list.rows) lines.push(COLUMNS.map(([, , value]) => csvCell(value(job))).join(","));
  return lines.join("\r\n") + "\r\n";
}
function saveCsv() {
  const link = el("a");
  link.href = URL.createObjectURL(new Blob([csvText()], { type: "text/csv" }));
  link.download = "jobs.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function makeJobs() {
  makeHead();
  data.rules.forEach((rule, i) => $("filter-rule").append(new Option(cut(rule, 60), String(i))));
  const seen = new Set(jobs.state);
  data.states.forEach((state, i) => { if (seen.has(i)) $("filter-state").append(new Option(state, String(i))); });
  for (const id of ["filter-rule", "filter-state"]) $(id).addEventListener("change", refilter);
  let timer = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refilter, jobs.id.length > 5000 ? 150 : 0);
  });
  $("save-csv").addEventListener("click", saveCsv);
  const box = $("jobs-view");
  box.addEventListener("scroll", () => fillRows());
  box.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-job]");
    if (row) openJob(Number(row.dataset.job));
  });
  box.addEventListener("keydown", moveInList);
  if (list.rows.length < 16) box.style.height = "auto";
  resort();
}

function openJob(job) {
  if (lastBar[job] >= 0) choose(lastBar[job]);
  openDetail(job);
}

function moveInList(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity };
  if (event.target.closest("th")) return;
  const now = list.rows.indexOf(list.chosen);
  if (event.key === "Enter" && now >= 0) return openJob(list.chosen);
  if (!(event.key in steps) || !list.rows.length) return;
  event.preventDefault();
  const place = Math.min(list.rows.length - 1, Math.max(0, now + steps[event.key]));
  list.chosen = list.rows[place];
  const box = $("jobs-view");
  const top = place * ROW;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + 2 * ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + 3 * ROW - box.clientHeight;
  fillRows(true);
  $("spoken").textContent = `${jobs.name[list.chosen]}, ${stateOf(list.chosen)}`;
}
on("unpacked", () => {
  haystack = null;
  if ($("search").value) refilter();
});
on("opened", (job) => {
  list.chosen = job;
  fillRows(true);
});

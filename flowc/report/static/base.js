// The data, and words for figures.
const data = JSON.parse(document.getElementById("data").textContent);
const { jobs, bars, texts, usage } = data;
const END_S = Math.max(data.end / 1000, 0.001);
const $ = (id) => document.getElementById(id);

function el(tag, kind, text) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text; // never as markup: names may hold anything
  return made;
}

function duration(s) {
  if (s < 0) return "−" + duration(-s);
  if (s < 1) return `${Number(s.toPrecision(2))} s`;
  if (s < 10) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function size(bytes) {
  let left = bytes;
  for (const unit of ["B", "KB", "MB", "GB", "TB"]) {
    if (left < 1000 || unit === "TB") return `${left < 1000 ? Number(left.toPrecision(3)) : Math.round(left)} ${unit}`;
    left /= 1024;
  }
  return "";
}

// A moment of the run as its axis shows it: 1:02:05, 2:05, 5.2
function moment(s, step) {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
  if (END_S < 120) return `${s.toFixed(digits)} s`;
  const sign = s < 0 ? "−" : "";
  const whole = Math.abs(s);
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const minutes = Math.floor(whole / 60);
  if (END_S < 3600) return `${sign}${minutes}:${rest}`;
  return `${sign}${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

const count = (n) => n.toLocaleString("en");
const figure = (value) => String(Number(value.toPrecision(3)));
const barCount = bars.job.length;

// The attempts of each job, in order.
const barsOf = jobs.id.map(() => []);
for (let i = 0; i < barCount; i++) barsOf[bars.job[i]].push(i);
for (const own of barsOf) own.sort((a, b) => bars.number[a] - bars.number[b]);

// Of very many jobs the details come compressed: they are there a moment after the charts.
async function unpackLater() {
  const bytes = Uint8Array.from(atob(jobs.later), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const later = JSON.parse(await new Response(stream).text());
  const from = texts.length;
  for (const text of later.texts) texts.push(text);
  for (const [name, column] of Object.entries(later)) {
    if (name !== "texts") jobs[name] = name === "needs" ? column : column.map((n) => n + from);
  }
  tell("unpacked");
}

// Who is told of what: each part of the page listens to the others.
const listeners = {};
function on(what, call) {
  (listeners[what] ||= []).push(call);
}
function tell(what, value) {
  for (const call of listeners[what] || []) call(value);
}

// What is said of one attempt: beside the pointer in short, and in full on the right.
const wildcardsOf = (job) => texts[jobs.wildcards[job]];

function facts(pairs) {
  const list = el("dl");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(el("dt", "", name), el("dd", "", value));
  }
  return list;
}

function causeOf(i) {
  const cause = texts[bars.cause[i]];
  if (cause) return `${cause}${texts[bars.message[i]] ? `: ${texts[bars.message[i]]}` : ""}`;
  return bars.open[i] ? "nothing was heard of its end" : "";
}

function waitOf(i) {
  const waited = (bars.start[i] - bars.ready[i]) / 1000;
  if (waited < 0.05) return "no";
  const why = texts[bars.why[i]];
  return `${duration(waited)}${why ? ` for ${why}` : ""}`;
}

function coresOf(i) {
  const lasted = bars.end[i] - bars.start[i];
  const used = bars.cpu[i] === null || !lasted ? "" : `, ${figure(bars.cpu[i] / lasted)} used`;
  return `${bars.cores[i]} requested${used}`;
}

function memoryOf(i) {
  const asked = bars.memory[i] ? `${size(bars.memory[i])} requested` : "no request";
  return bars.peak[i] === null ? `${asked}, not measured` : `${asked}, ${size(bars.peak[i])} at most used`;
}

function attemptFacts(i) {
  return [
    ["from", `${moment(bars.start[i] / 1000, 0.1)} to ${moment(bars.end[i] / 1000, 0.1)}, ${duration((bars.end[i] - bars.start[i]) / 1000)}`],
    ["failed", bars.cause[i] ? causeOf(i) : ""],
    ["open", bars.open[i] ? causeOf(i) : ""],
    ["waited", waitOf(i)],
    ["queued", bars.queue[i] === null ? "" : `${duration(bars.queue[i] / 1000)} in the cluster's queue`],
    ["ran as", texts[bars.where[i]]],
    ["cores", coresOf(i)],
    ["memory", memoryOf(i)],
    ["exit code", bars.exit[i] ? String(bars.exit[i]) : ""],
  ];
}

function showTip(i, event) {
  const tip = $("tip");
  if (i < 0) {
    tip.hidden = true;
    return;
  }
  const job = bars.job[i];
  tip.replaceChildren(el("b", "", jobs.name[job]));
  if (jobs.command && texts[jobs.command[job]]) tip.append(el("span", "mono", cut(texts[jobs.command[job]], 240)));
  const tries = barsOf[job].length;
  tip.append(facts([
    ["wildcards", wildcardsOf(job)],
    ["attempt", tries > 1 ? `${bars.number[i]} of ${tries}` : ""],
    ...attemptFacts(i),
    ["log", jobs.log ? texts[jobs.log[job]] : ""],
    ["", isOnPath[i] ? "on the critical path" : ""],
  ]));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const below = event.clientY + 18;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${below + box.height > innerHeight ? Math.max(4, event.clientY - box.height - 12) : below}px`;
}

let cameFrom = null;
function openDetail(job) {
  const body = $("detail-body");
  if ($("detail").hidden) cameFrom = document.activeElement;
  $("detail-name").textContent = jobs.name[job];
  const known = (column) => (column ? texts[column[job]] : "");
  body.replaceChildren(el("span", `badge ${stateOf(job)}`, stateOf(job)), facts([
    ["rule", data.rules[jobs.rule[job]]],
    ["wildcards", wildcardsOf(job)],
    ["ran because", known(jobs.reasons)],
    ["log", known(jobs.log)],
  ]));
  if (known(jobs.command)) body.append(el("h3", "", "Command"), el("pre", "", known(jobs.command)));
  for (const i of barsOf[job]) {
    body.append(el("h3", "", `Attempt ${bars.number[i]}`), facts(attemptFacts(i)));
  }
  body.append(facts([
    ["inputs", known(jobs.inputs)],
    ["outputs", known(jobs.outputs) || texts[jobs.output[job]]],
    ["needs", jobs.needs ? jobs.needs[job].map((n) => jobs.name[n]).join("\n") : ""],
  ]));
  if (!jobs.command) body.append(el("p", "sub", "Command and files are being unpacked."));
  if (barsOf[job].length) {
    const show = el("button", "", "Show in the chart");
    show.type = "button";
    show.addEventListener("click", () => choose(barsOf[job].at(-1), { scroll: true }));
    body.append(show);
  }
  $("detail").hidden = false;
  tell("opened", job);
}
const stateOf = (job) => data.states[jobs.state[job]];

function closeDetail() {
  if ($("detail").hidden) return;
  $("detail").hidden = true;
  if (cameFrom) cameFrom.focus({ preventScroll: true });
  tell("opened", -1);
}
on("unpacked", () => { if (!$("detail").hidden) openDetail(list.chosen); });
$("detail-close").addEventListener("click", closeDetail);
addEventListener("keydown", (event) => { if (event.key === "Escape") closeDetail(); });

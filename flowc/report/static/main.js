// Put it together.
makeGantt();
makeCharts();

on("click", ({ plot, event }) => {
  if (plot !== gantt) return;
  const i = barUnder(event);
  choose(i);
  if (i >= 0) openDetail(bars.job[i]);
  else closeDetail();
});
gantt.over.addEventListener("pointermove", (event) => {
  const i = event.buttons ? -1 : barUnder(event);
  showTip(i, event);
  if (i !== shown.hovered) {
    shown.hovered = i;
    gantt.redraw(false, false);
  }
});
gantt.over.addEventListener("pointerleave", () => {
  shown.hovered = -1;
  showTip(-1);
  gantt.redraw(false, false);
});

// ---- keys

function nearInLane(lane) {
  const i = shown.chosen;
  const ms = i < 0 ? view.min * 1000 : (bars.start[i] + bars.end[i]) / 2;
  return barAt(lane, ms, Infinity);
}

function step(key) {
  const i = shown.chosen;
  if (key === "ArrowRight") return i < 0 ? firstShown() : Math.min(barCount - 1, i + 1);
  if (key === "ArrowLeft") return i < 0 ? firstShown() : Math.max(0, i - 1);
  const down = key === "ArrowDown" ? 1 : -1;
  if (i < 0) return firstShown();
  const high = layout.high ? layout.high[i] : 1;
  let lane = down > 0 ? layout.lane[i] + high : layout.lane[i] - 1;
  for (; lane >= 0 && lane < layout.total; lane += down) {
    const found = nearInLane(lane);
    if (found >= 0) return found;
  }
  return i;
}
function firstShown() {
  for (let i = 0; i < barCount; i++) if (bars.end[i] >= view.min * 1000) return i;
  return -1;
}

function speak(i) {
  const job = bars.job[i];
  $("spoken").textContent = `${jobs.name[job]}, ${causeOf(i) || stateOf(job)}, ` +
    `from ${duration(bars.start[i] / 1000)} for ${duration((bars.end[i] - bars.start[i]) / 1000)}, ` +
    `cores ${coresOf(i)}, memory ${memoryOf(i)}, waited ${waitOf(i)}`;
}

$("gantt").addEventListener("keydown", (event) => {
  const { key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key.startsWith("Arrow")) {
    const i = barCount ? step(key) : -1;
    if (i >= 0) {
      choose(i);
      speak(i);
      const box = gantt.over.getBoundingClientRect();
      const x = box.left + ((bars.start[i] / 1000 - view.min) / (view.max - view.min)) * box.width;
      const y = box.top + ((layout.lane[i] + 1) / layout.total) * box.height;
      showTip(i, { clientX: Math.min(Math.max(x, box.left), box.right), clientY: y });
    }
  } else if (key === "+" || key === "=") zoom(0.5, middle());
  else if (key === "-") zoom(2, middle());
  else if (key === "PageDown") pan(0.5);
  else if (key === "PageUp") pan(-0.5);
  else if (key === "0" || key === "Home") setView(0, END_S);
  else if (key === "Enter" && shown.chosen >= 0) {
    openDetail(bars.job[shown.chosen]);
    $("detail-name").focus();
  } else return;
  event.preventDefault();
});
const middle = () => (shown.chosen < 0 ? undefined : (bars.start[shown.chosen] + bars.end[shown.chosen]) / 2000);
$("gantt").addEventListener("blur", () => showTip(-1));

// ---- choices

function press(button, others) {
  for (const other of others) $(other).setAttribute("aria-pressed", String(other === button));
}
$("by-core").addEventListener("click", () => {
  press("by-core", ["by-core", "by-rule"]);
  relayOut(byCore);
});
$("by-rule").addEventListener("click", () => {
  press("by-rule", ["by-core", "by-rule"]);
  relayOut(makeByRule(shown.wait));
});
$("show-path").addEventListener("change", () => {
  shown.path = $("show-path").checked;
  gantt.redraw(false, false);
});
$("show-wait").addEventListener("change", () => {
  shown.wait = $("show-wait").checked;
  if (layout.first) relayOut(makeByRule(shown.wait));
  else gantt.redraw(false, false);
});
if ($("graph-jobs")) {
  const show = (which) => {
    press(which ? "graph-jobs" : "graph-rules", ["graph-jobs", "graph-rules"]);
    $("drawing-0").hidden = which === 1;
    $("drawing-1").hidden = which === 0;
  };
  $("graph-rules").addEventListener("click", () => show(0));
  $("graph-jobs").addEventListener("click", () => show(1));
}
data.rules.forEach((rule, i) => {
  const button = el("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  const swatch = el("canvas");
  swatch.width = swatch.height = 24;
  const pen = swatch.getContext("2d");
  pen.fillStyle = ruleFill(i);
  pen.fillRect(0, 0, 24, 24);
  button.append(swatch, el("span", "", rule));
  button.title = rule;
  button.addEventListener("click", () => {
    if (!shown.rules.delete(i)) shown.rules.add(i);
    button.setAttribute("aria-pressed", String(shown.rules.has(i)));
    gantt.redraw(false, false);
  });
  $("legend").append(button);
});
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    const pre = button.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(`${pre.textContent}\n`);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(pre); // a page from disk may not write: it can be copied by hand
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

// ---- on paper: always light, as wide as the paper, with the first of the jobs

let wasDark = false;
addEventListener("beforeprint", () => {
  wasDark = isDark;
  isPrinting = true;
  setTheme(false);
  fit();
  fillRows(true);
});
addEventListener("afterprint", () => {
  isPrinting = false;
  setTheme(wasDark);
  fit();
  fillRows(true);
});

makeJobs();
fit();
requestAnimationFrame(() => requestAnimationFrame(() => {
  performance.mark("painted");
  root.dataset.ready = "yes";
  if (jobs.later) unpackLater();
}));

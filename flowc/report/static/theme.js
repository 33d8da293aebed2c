// Dark and light, and the colours of rules: Okabe and Ito's and a brown, told apart by people who do not
// see red and green alike (tests/report/test_palette.py). From the ninth rule on they come again, with stripes.
const RULE_COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#783018"];
const root = document.documentElement;
let shades = {};

function readShades() {
  const style = getComputedStyle(root);
  shades = {};
  for (const name of ["text", "muted", "grid", "card", "mark", "requested", "used", "total", "memory",
    "memory-used", "wait", "failed", "soft", "accent", "l0", "l1", "l2", "l3", "l4", "l5", "l6"]) {
    shades[name] = style.getPropertyValue(`--${name}`).trim();
  }
  tell("theme");
}
const shade = (name) => shades[name];

const wantsDark = matchMedia("(prefers-color-scheme: dark)");
let isDark = wantsDark.matches;
function setTheme(dark) {
  isDark = dark;
  root.dataset.theme = dark ? "dark" : "light";
  readShades();
}
setTheme(isDark);
wantsDark.addEventListener("change", () => setTheme(wantsDark.matches));
$("theme").addEventListener("click", () => setTheme(!isDark));

const ruleColor = (rule) => RULE_COLORS[rule % RULE_COLORS.length];
const isStriped = (rule) => rule % (2 * RULE_COLORS.length) >= RULE_COLORS.length;
const isLight = (color) => {
  const part = (at) => parseInt(color.slice(at, at + 2), 16);
  return 0.299 * part(1) + 0.587 * part(3) + 0.114 * part(5) > 140;
};

function hatch(color, gap, back) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = gap;
  const pen = tile.getContext("2d");
  if (back) {
    pen.fillStyle = back;
    pen.fillRect(0, 0, gap, gap);
  }
  pen.strokeStyle = color;
  pen.lineWidth = gap / 4;
  pen.beginPath();
  for (const shift of [-gap, 0, gap]) {
    pen.moveTo(shift - 1, gap + 1);
    pen.lineTo(shift + gap + 1, -1);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}
const fills = new Map();
function ruleFill(rule) {
  let found = fills.get(rule);
  if (!found) {
    const color = ruleColor(rule);
    found = isStriped(rule) ? hatch(isLight(color) ? "#00000059" : "#ffffff66", 8, color) : color;
    fills.set(rule, found);
  }
  return found;
}

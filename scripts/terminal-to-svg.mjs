/**
 * A picture of a terminal from what it showed:
 *
 *     tmux capture-pane -p -e | node scripts/terminal-to-svg.mjs [--title TEXT] > picture.svg
 *
 * Reads text with SGR escapes (colours, bold, dim, underline, reverse) and
 * writes an SVG that needs no font but a monospaced one. Lines at the end
 * that are empty are left out.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const CELL = { width: 8.4, height: 18, font: 14 };
const PAD = 16;
const BAR = 30;
const THEME = { background: "#1e2127", bar: "#2b2f37", text: "#d5d8de", title: "#9aa0ab" };
const COLOURS = [
  ...["#3f4451", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d5d8de"],
  ...["#7f848e", "#ff7b85", "#a9d98a", "#f0cf8f", "#74bfff", "#d68aee", "#66c6d2", "#ffffff"],
];

const PLAIN = { colour: null, bold: false, dim: false, underline: false, reverse: false };

/** The 256-colour palette: 16 named ones, a 6x6x6 cube, 24 greys. */
function paletteColour(n) {
  if (n < 16) return COLOURS[n];
  if (n >= 232) return `rgb(${Array(3).fill(8 + (n - 232) * 10)})`;
  const level = (k) => (k === 0 ? 0 : 55 + k * 40);
  const cube = n - 16;
  return `rgb(${level(Math.floor(cube / 36))},${level(Math.floor(cube / 6) % 6)},${level(cube % 6)})`;
}

/** The style after one SGR sequence. */
function applySgr(style, numbers) {
  let next = { ...style };
  for (let k = 0; k < numbers.length; k++) {
    const n = numbers[k];
    if (n === 0) next = { ...PLAIN };
    else if (n === 1) next.bold = true;
    else if (n === 2) next.dim = true;
    else if (n === 4) next.underline = true;
    else if (n === 7) next.reverse = true;
    else if (n === 22) Object.assign(next, { bold: false, dim: false });
    else if (n === 24) next.underline = false;
    else if (n === 27) next.reverse = false;
    else if (n === 39) next.colour = null;
    else if (n >= 30 && n <= 37) next.colour = COLOURS[n - 30];
    else if (n >= 90 && n <= 97) next.colour = COLOURS[n - 90 + 8];
    else if (n === 38 && numbers[k + 1] === 5) {
      next.colour = paletteColour(numbers[k + 2]);
      k += 2;
    } else if (n === 38 && numbers[k + 1] === 2) {
      next.colour = `rgb(${numbers.slice(k + 2, k + 5)})`;
      k += 4;
    }
  }
  return next;
}

/**
 * Lines of runs of one style each; columns are counted in code points.
 * @param {string} text
 */
function parseLines(text) {
  let style = PLAIN;
  return text.split("\n").map((line) => {
    const runs = [];
    let column = 0;
    for (const part of line.split(/(\x1b\[[\d;]*[A-Za-z])/)) {
      const escape = /^\x1b\[([\d;]*)([A-Za-z])$/.exec(part);
      if (escape !== null) {
        if (escape[2] === "m") style = applySgr(style, escape[1].split(";").map(Number));
      } else if (part !== "") {
        runs.push({ column, text: part, style });
        column += [...part].length;
      }
    }
    return { runs, width: column };
  });
}

const escapeXml = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function drawRun({ column, text, style }, y) {
  if (text.trim() === "" && !style.reverse) return "";
  const x = (PAD + column * CELL.width).toFixed(1);
  const width = ([...text].length * CELL.width).toFixed(1);
  const colour = style.colour ?? THEME.text;
  const words = [
    `x="${x}" y="${y}" textLength="${width}" fill="${style.reverse ? THEME.background : colour}"`,
  ];
  if (style.bold) words.push(`font-weight="bold"`);
  if (style.dim) words.push(`opacity="0.65"`);
  if (style.underline) words.push(`text-decoration="underline"`);
  const box = style.reverse
    ? `<rect x="${x}" y="${y - CELL.font}" width="${width}" height="${CELL.height}" fill="${colour}"/>`
    : "";
  return `${box}<text ${words.join(" ")}>${escapeXml(text)}</text>`;
}

function draw(lines, title) {
  const columns = Math.max(40, ...lines.map((line) => line.width));
  const width = Math.ceil(columns * CELL.width + 2 * PAD);
  const height = BAR + 2 * PAD + lines.length * CELL.height;
  const rows = lines.flatMap((line, k) => {
    const y = BAR + PAD + (k + 1) * CELL.height - 4;
    return line.runs.map((run) => drawRun(run, y)).filter((row) => row !== "");
  });
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map(
    (fill, k) => `<circle cx="${18 + k * 20}" cy="${BAR / 2}" r="6" fill="${fill}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeXml(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="${THEME.background}"/>
<path d="M0 ${BAR}V8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v${BAR - 8}z" fill="${THEME.bar}"/>
${dots.join("")}
<text x="${width / 2}" y="${BAR / 2 + 5}" text-anchor="middle" font-family="sans-serif" font-size="13" fill="${THEME.title}">${escapeXml(title)}</text>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${CELL.font}" xml:space="preserve">
${rows.join("\n")}
</g>
</svg>
`;
}

const { values } = parseArgs({ options: { title: { type: "string", default: "refold" } } });
const text = readFileSync(0, "utf8").replace(/\r/g, "");
const lines = parseLines(text);
while (lines.length > 0 && lines.at(-1).runs.every((run) => run.text.trim() === "")) lines.pop();
process.stdout.write(draw(lines, values.title));

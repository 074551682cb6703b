"use strict";
const rank = { low: 1, medium: 2, high: 3, critical: 4 };
const value = (row, at) => {
  const text = row.cells[at].textContent;
  return rank[text] ?? (text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text);
};
for (const table of document.querySelectorAll("table")) {
  table.tHead.querySelectorAll("button").forEach((button, at) => {
    let down = true;
    button.addEventListener("click", () => {
      const rows = [...table.tBodies[0].rows].map((row) => [value(row, at), row]);
      const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
      down = !down;
      table.tBodies[0].append(...rows.map((pair) => pair[1]));
    });
  });
}
document.getElementById("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const row of document.querySelectorAll("tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(words);
  }
});

"use strict";
// Sorts and filters the rows of the page. Text is only ever set as text.
(() => {
  const columns = ["severity", "rule", "place", "value", "confidence", "since", "source", "history", "author"];
  const ranks = { low: 0, medium: 1, high: 2, critical: 3 };
  const { first, rows } = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("tbody");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const form = document.getElementById("filters");
  const chosen = {};
  let shown = first;
  let order = null;
  let down = false;

  const element = (name, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const matching = () => {
    const tests = Object.entries(chosen).filter(([, value]) => value !== "");
    const found = rows.filter((row) => tests.every(([column, value]) => {
      const cell = row[columns.indexOf(column)];
      return column === "place" ? cell.toLowerCase().includes(value.toLowerCase()) : cell === value;
    }));
    if (order === null) return found;
    const at = columns.indexOf(order);
    const key = (row) => (order === "severity" || order === "confidence" ? ranks[row[at]] : row[at]);
    const compare = (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
    return found.slice().sort((a, b) => (down ? compare(b, a) : compare(a, b)));
  };

  const render = () => {
    const found = matching();
    body.replaceChildren(...found.slice(0, shown).map((row) => {
      const line = element("tr");
      line.className = row[0];
      row.forEach((text, at) => {
        const cell = element("td", text);
        cell.dataset.column = columns[at];
        line.append(cell);
      });
      return line;
    }));
    count.textContent = `${found.length} of ${rows.length} places`;
    more.hidden = found.length <= shown;
  };

  const filter = (column, control) => {
    const label = element("label", column);
    control.addEventListener("input", () => {
      chosen[column] = control.value;
      shown = first;
      render();
    });
    label.append(control);
    form.append(label);
  };

  for (const column of ["severity", "rule", "author", "source"]) {
    const values = [...new Set(rows.map((row) => row[columns.indexOf(column)]))].filter((value) => value !== "");
    values.sort((a, b) => (column === "severity" ? ranks[b] - ranks[a] : a < b ? -1 : 1));
    const select = element("select");
    select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    filter(column, select);
  }
  const search = element("input");
  search.type = "search";
  filter("place", search);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;

  document.querySelectorAll("th").forEach((head) => {
    const column = head.textContent;
    const button = element("button", column);
    button.type = "button";
    button.addEventListener("click", () => {
      down = order === column ? !down : column === "severity";
      order = column;
      document.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      render();
    });
    head.replaceChildren(button);
  });
  more.addEventListener("click", () => {
    shown += 1000;
    render();
  });
  render();
})();

"use strict";
// Sorts and filters the rows of the page, and shows some at a time. Text is only ever set as text.
(() => {
  const ranks = { low: 0, medium: 1, high: 2, critical: 3 };
  const { first, lines, tables } = JSON.parse(document.getElementById("data").textContent);
  const grouped = new Intl.NumberFormat("en-US");

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind !== undefined) made.className = kind;
    return made;
  };

  // The rest of many lines is there once it is opened.
  const rest = (all) => {
    const made = element("details");
    made.append(element("summary", `and ${all.length - lines} more`));
    const open = () => made.append(...all.slice(lines).map((text) => element("div", text)));
    made.addEventListener("toggle", open, { once: true });
    return made;
  };
  const listed = (all) => {
    const parts = all.slice(0, lines).map((text) => element("div", text));
    return all.length > lines ? [...parts, rest(all)] : parts;
  };

  const show = ({ id, rows_are: noun, columns, filters, names, search, rows }) => {
    const part = (name) => document.getElementById(id).querySelector(name);
    const [form, count, table, body, more] = ["form", ".count", "table", "tbody", ".more"].map(part);
    const controls = [];
    const chosen = new Map();
    const searched = search === "" ? (row) => row.flat().join("\n") : (row) => row[columns.indexOf(search)];
    let texts = null;
    let words = "";
    let found = rows;
    let shown = 0;
    let order = null;
    let down = false;

    const choose = () => {
      texts ??= words === "" ? null : rows.map((row) => searched(row).toLowerCase());
      const tests = [...chosen].filter(([, value]) => value !== "");
      found = rows.filter((row, at) => tests.every(([column, value]) => row[column] === value) && (words === "" || texts[at].includes(words)));
      if (order === null) return;
      const key = (row) => ranks[row[order]] ?? (Array.isArray(row[order]) ? row[order][0] : row[order]);
      const keyed = found.map((row) => [key(row), row]);
      keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1));
      found = keyed.map(([, row]) => row);
    };

    const line = (row) => {
      const made = element("tr", undefined, columns[0] === "severity" ? row[0] : undefined);
      row.forEach((content, at) => {
        const cell = element("td", Array.isArray(content) ? undefined : content);
        if (Array.isArray(content)) cell.append(...listed(content));
        cell.dataset.column = columns[at];
        made.append(cell);
      });
      return made;
    };

    const extend = (by) => {
      body.append(...found.slice(shown, shown + by).map(line));
      shown = Math.min(shown + by, found.length);
      tell();
    };

    const tell = () => {
      more.hidden = shown === found.length;
      table.hidden = found.length === 0;
      count.textContent = `${grouped.format(found.length)} of ${grouped.format(rows.length)} ${noun}`;
    };

    const render = () => {
      choose();
      body.replaceChildren();
      shown = 0;
      extend(first);
    };

    const control = (label, made, change, kind) => {
      const around = element("label", label, kind);
      made.addEventListener("input", () => {
        change(made.value);
        render();
      });
      around.append(made);
      form.append(around);
      return made;
    };

    const select = (any, values) => {
      const made = element("select");
      made.append(new Option(any, ""), ...values.map(([name, value]) => new Option(name, value)));
      return made;
    };

    for (const name of filters) {
      const column = columns.indexOf(name);
      const counts = new Map();
      for (const row of rows) counts.set(row[column], (counts.get(row[column]) ?? 0) + 1);
      const values = [...counts.keys()].filter((value) => value !== "");
      const label = (value) => names[value] ?? value;
      const rank = (value) => (name === "severity" ? -ranks[value] : label(value).toLowerCase());
      values.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
      const made = select("all", values.map((value) => [`${label(value)} (${grouped.format(counts.get(value))})`, value]));
      controls.push(control(name, made, (value) => chosen.set(column, value)));
    }
    const field = element("input");
    field.type = "search";
    controls.push(control(search === "" ? "search" : search, field, (value) => (words = value.toLowerCase())));

    const clear = element("button", "clear filters");
    clear.type = "button";
    clear.addEventListener("click", () => {
      for (const one of controls) one.value = "";
      chosen.clear();
      words = "";
      render();
    });

    // Heads of columns are not shown on narrow screens.
    const orders = columns.flatMap((name, at) => [[`${name} ▲`, `${at} up`], [`${name} ▼`, `${at} down`]]);
    const heads = [...table.querySelectorAll("th")];
    const sort = (column, isDown) => {
      [order, down] = [column, isDown];
      heads.forEach((head) => head.removeAttribute("aria-sort"));
      heads[column]?.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
    const sorter = control("sort by", select("as reported", orders), (value) => {
      const [column, way] = value.split(" ");
      sort(value === "" ? null : Number(column), way === "down");
    }, "narrow");
    heads.forEach((head, column) => {
      const button = element("button", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => {
        const most = columns[column] === "severity" || typeof rows[0]?.[column] === "number";
        sort(column, order === column ? !down : most);
        sorter.value = `${column} ${down ? "down" : "up"}`;
        render();
      });
      head.replaceChildren(button);
    });

    form.append(clear);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    more.addEventListener("click", () => extend(2 * first));

    // The first rows are there already.
    for (const made of body.rows) {
      rows[shown++].forEach((content, at) => {
        if (Array.isArray(content) && content.length > lines) made.cells[at].lastChild.replaceWith(rest(content));
      });
    }
    tell();
  };

  tables.forEach(show);
})();

// A click on the head of a column sorts the rows by it; another one turns them round.
"use strict";

const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;

function value(row, column) {
  return row.cells[column].dataset.sort;
}

function sort(table, head, column) {
  const descending = head.getAttribute("aria-sort") === "descending";
  const firstTime = !head.hasAttribute("aria-sort");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const numbers = rows.every((row) => value(row, column) !== "" && Number.isFinite(Number(value(row, column))));
  // Figures are looked at from the largest on, names from A.
  const down = firstTime ? numbers : !descending;
  rows.sort((a, b) => {
    const [x, y] = [value(a, column), value(b, column)];
    return (numbers ? x - y : compare(x, y)) * (down ? -1 : 1);
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head, column));
    head.append(button);
  });
}

'use strict';
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const tables = JSON.parse(document.getElementById('data').textContent).studies.flatMap(study => study.tables);
const tableOf = id => tables.find(table => table.id === id);

// The value of a mark under the pointer, a finger or the focus.
const markOf = event => event.target.closest('.values circle');
for (const type of ['pointerover', 'focusin', 'click']) document.addEventListener(type, event => {
  const mark = markOf(event);
  if (mark) mark.closest('figure').querySelector('output').textContent = mark.ariaLabel;
});
document.addEventListener('keydown', event => {
  const mark = markOf(event);
  const next = mark && mark[{ArrowRight: 'nextElementSibling', ArrowLeft: 'previousElementSibling'}[event.key]];
  if (!next) return;
  event.preventDefault();
  mark.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

// A table sorts by the numbers of the data, not by their texts.
for (const button of all('th button')) button.onclick = () => {
  const head = button.parentNode, table = head.closest('table'), body = table.tBodies[0];
  const {rows} = tableOf(table.id), sign = head.ariaSort === 'ascending' ? -1 : 1;
  const value = row => rows[row.dataset.r][head.dataset.c];
  const order = (a, b) => a === null ? 1 : b === null ? -1 : sign * (a < b ? -1 : a > b ? 1 : 0);
  for (const other of all('th', table.tHead)) other.ariaSort = null;
  head.ariaSort = sign > 0 ? 'ascending' : 'descending';
  body.append(...[...body.rows].sort((a, b) => order(value(a), value(b))));
};

const quoted = cell => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
for (const link of all('a[data-csv]')) {
  const {columns, rows} = tableOf(link.dataset.csv);
  const lines = [columns.map(column => column.key), ...rows];
  link.href = 'data:text/csv,' + encodeURIComponent(lines.map(row => row.map(cell => quoted(`${cell ?? ''}`)) + '\n').join(''));
  link.hidden = false;
}

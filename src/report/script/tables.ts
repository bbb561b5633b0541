/** Tables marked `data-sortable`: a click on a head sorts by that column, another one turns it round. Empty cells stay last. */
export const tablesScript = `
function cellKey(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = Number(text);
  return text === '' || text === '–' ? null : Number.isNaN(number) ? text : number;
}

function compareKeys(left, right) {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return String(left).localeCompare(String(right), 'en', { numeric: true });
}

function sortTable(table, column, down) {
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: cellKey(row, column) }));
  const filled = rows.filter(({ key }) => key !== null).sort((left, right) => (down ? -1 : 1) * compareKeys(left.key, right.key));
  table.tBodies[0].append(...[...filled, ...rows.filter(({ key }) => key === null)].map(({ row }) => row));
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (index === column) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    else head.removeAttribute('aria-sort');
  });
}

for (const table of document.querySelectorAll('table[data-sortable]')) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => sortTable(table, column, head.getAttribute('aria-sort') === 'ascending'));
    head.append(button);
  });
}
`;

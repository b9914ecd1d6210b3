/// What makes tables of the class `sortable` sort by any column and filter by words and conditions, within the page.
enum TableScript {
  static let text = #"""
    for (const table of document.querySelectorAll('table.sortable')) {
      const body = table.tBodies[0], rows = [...body.rows];
      const head = [...table.tHead.rows].at(-1).cells;
      const text = (row, column) => row.cells[column].textContent.trim();
      const number = cell => {
        const found = cell.match(/^[<>≤≥]?\s*([-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)/i);
        return found ? parseFloat(found[1].replace('−', '-')) : NaN;
      };
      const order = (a, b) => {
        const [x, y] = [number(a), number(b)];
        return isNaN(x) || isNaN(y) ? a.localeCompare(b, 'en', { numeric: true }) : x - y;
      };
      const isEmpty = cell => cell === '' || cell === '–';
      const slug = cell => cell.dataset.name ?? cell.textContent.trim().toLowerCase().replace(/,.*/, '').replace(/\s+/g, '-');
      const names = [...head].map(slug);
      [...head].forEach((cell, column) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.append(...cell.childNodes);
        cell.append(button);
        button.addEventListener('click', () => {
          const ascending = cell.getAttribute('aria-sort') !== 'ascending';
          for (const other of head) other.removeAttribute('aria-sort');
          cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
          const sorted = [...rows].sort((a, b) => {
            const [x, y] = [text(a, column), text(b, column)];
            if (isEmpty(x) || isEmpty(y)) return isEmpty(x) - isEmpty(y);
            return ascending ? order(x, y) : order(y, x);
          });
          body.append(...sorted);
        });
      });
      const label = document.createElement('label');
      label.className = 'filter small soft';
      const input = document.createElement('input');
      input.type = 'search';
      input.placeholder = table.dataset.example ?? 'a word';
      const count = document.createElement('span');
      count.setAttribute('role', 'status');
      label.append('Filter ', input, ' ', count);
      table.closest('.scroll').before(label);
      const compare = {
        '<': (a, b) => a < b, '>': (a, b) => a > b, '=': (a, b) => a === b, '<=': (a, b) => a <= b, '>=': (a, b) => a >= b,
      };
      const holds = (row, word) => {
        const [, name, sign, limit] = word.match(/^(.+?)(<=|>=|<|>|=)(-?[\d.]+)$/) ?? [];
        if (name !== undefined && names.includes(name))
          return names.some((other, column) =>
            other === name && compare[sign](number(text(row, column)), parseFloat(limit)));
        const cells = [...row.cells].map(cell => ((cell.title || '') + ' ' + cell.textContent).trim().toLowerCase());
        return cells.some(cell => (/^-?[\d.]+$/.test(word) ? cell === word : cell.includes(word)));
      };
      input.addEventListener('input', () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        for (const row of rows) row.hidden = !words.every(word => holds(row, word));
        const shown = rows.filter(row => !row.hidden).length;
        count.textContent = words.length ? `${shown} of ${rows.length}` : '';
        table.dispatchEvent(new CustomEvent('filtered', { bubbles: true }));
      });
    }
    """#
}

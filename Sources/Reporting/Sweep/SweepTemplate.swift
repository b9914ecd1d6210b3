import Mustache

/// The page of a sweep as a Mustache template; `{{ }}` escapes for HTML.
enum SweepTemplate {
  static let template: MustacheTemplate = {
    // A constant: one that can't be parsed is a programming error.
    guard let template = try? MustacheTemplate(string: text) else {
      preconditionFailure("the sweep's template is malformed")
    }
    return template
  }()

  private static let text = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{{title}}: accuracy against accumulator width</title>
    <style>
    :root { color-scheme: light dark; --page: #f7f7f5; --card: #fff; --ink: #1c1f23; --soft: #5d646d;
      --line: #e0e2e5; --mark: #fff3c4; --focus: #0072b2; }
    @media (prefers-color-scheme: dark) { :root { --page: #15181c; --card: #1d2126; --ink: #e7e9ec;
      --soft: #9aa3ad; --line: #343a42; --mark: #4a3f14; --focus: #6ba3dc; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--page);
      color: var(--ink); font: 15px/1.5 system-ui, "Liberation Sans", sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
    h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
    p { margin: .25rem 0; } .soft { color: var(--soft); } .small { font-size: .85rem; }
    .tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
    .tile { flex: 1 1 9rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .5rem; }
    .tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
    .figure { margin-top: 1rem; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; background: #fff; }
    .figure svg { display: block; width: 100%; height: auto; }
    .point { fill: transparent; cursor: pointer; }
    .point:hover, .point:focus, .point.selected { stroke: #1c1f23; stroke-width: 2; outline: none; }
    .command { margin-top: .75rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .5rem; }
    pre { margin: .25rem 0 0; font: .82rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; margin-top: .75rem; }
    table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; }
    th button { all: unset; cursor: pointer; font-weight: 600; color: var(--soft); }
    th button:focus-visible, input:focus-visible, tr:focus-visible { outline: 2px solid var(--focus); }
    th[aria-sort=ascending] button::after { content: " ▲"; } th[aria-sort=descending] button::after { content: " ▼"; }
    tbody tr { cursor: pointer; } tr.selected td { background: var(--mark); } tr.chosen td:first-child { font-weight: 700; }
    tr.chosen td:first-child::after { content: " ★"; }
    label { display: block; margin-top: .5rem; } input { font: inherit; padding: .25rem .5rem; width: 14rem; max-width: 100%;
      border: 1px solid var(--line); border-radius: .3rem; background: var(--card); color: var(--ink); }
    details { margin-top: 2rem; }
    @media print { label, details:not([open]) { display: none; } body { padding: 0; background: #fff; } }
    </style>
    </head>
    <body>
    <h1>{{title}}</h1>
    <p class="soft">{{subject}}</p>
    <div class="tiles">
    <div class="tile"><b>{{floatValue}}</b><span class="soft">float model</span></div>
    <div class="tile"><b>{{count}}</b><span class="soft">settings measured</span></div>
    </div>
    {{#hasRecommendation}}
    <div class="command"><b>Recommended: {{recommendation}}</b><pre>{{recommendedCommand}}</pre></div>
    {{/hasRecommendation}}

    <h2>{{metric}} against the width of the accumulator</h2>
    <p class="soft small">The broad line is the best of all settings at most so wide{{#hasSeeds}}; bars reach one standard deviation over seeds to
    each side{{/hasSeeds}}. Choose a point, or a row below, to see the command that makes its file.</p>
    <div class="figure">{{{figure}}}</div>
    <div class="command" aria-live="polite"><span class="soft small" id="which">No point chosen</span><pre id="command"></pre></div>

    <h2>Settings</h2>
    <label class="small soft">Filter <input id="filter" type="search" placeholder="such as: exact 4"></label>
    <div class="scroll"><table id="settings">
    <thead><tr><th><button>method</button></th><th><button>M</button></th><th><button>N</button></th><th><button>P</button></th>
    <th><button>value</button></th>{{#hasSeeds}}<th><button>deviation</button></th>{{/hasSeeds}}<th><button>loss, {{lossUnit}}</button></th><th><button>required bits</button></th></tr></thead>
    <tbody>
    {{#rows}}
    <tr class="{{rowClass}}" data-index="{{index}}" data-command="{{command}}" tabindex="0"><td>{{method}}</td><td>{{weightBits}}</td><td>{{activationBits}}</td><td>{{accumulatorBits}}</td><td>{{value}}</td>{{#hasSeeds}}<td>{{deviation}}</td>{{/hasSeeds}}<td>{{loss}}</td><td>{{requiredBits}}</td></tr>
    {{/rows}}
    </tbody></table></div>
    <p class="soft small">M and N: bits of weights and of the inputs of the hidden layers; P: bits of their accumulators; required bits: what the
    widest of them needs for any input in any order of summation.</p>
    {{#hasRefusals}}
    <h2>Refused</h2>
    {{#refusals}}
    <p class="small"><b>{{label}}</b>: {{reason}}</p>
    {{/refusals}}
    {{/hasRefusals}}
    <details><summary>Options, model and data</summary><pre>{{provenance}}</pre></details>
    <script>
    (() => {
      const body = document.querySelector('#settings tbody');
      const rows = [...body.rows];
      const points = [...document.querySelectorAll('.point')];
      const head = [...document.querySelectorAll('#settings th')];
      function choose(index) {
        for (const element of [...rows, ...points])
          element.classList.toggle('selected', element.dataset.index === index);
        const row = rows.find(row => row.dataset.index === index);
        document.getElementById('command').textContent = row.dataset.command;
        const cells = [...row.cells].map(cell => cell.textContent);
        document.getElementById('which').textContent =
          `${cells[0]}, W${cells[1]}A${cells[2]}, P = ${cells[3]}: ${cells[4]}`;
      }
      for (const element of [...rows, ...points]) {
        element.addEventListener('click', () => choose(element.dataset.index));
        element.addEventListener('keydown', event => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          choose(element.dataset.index);
        });
      }
      head.forEach((cell, column) => cell.firstElementChild.addEventListener('click', () => {
        const ascending = cell.getAttribute('aria-sort') !== 'ascending';
        for (const other of head) other.removeAttribute('aria-sort');
        cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
        const key = row => row.cells[column].textContent;
        const order = (a, b) => {
          const [x, y] = [parseFloat(key(a)), parseFloat(key(b))];
          return isNaN(x) || isNaN(y) ? key(a).localeCompare(key(b)) : x - y;
        };
        rows.sort((a, b) => ascending ? order(a, b) : order(b, a));
        body.append(...rows);
      }));
      document.getElementById('filter').addEventListener('input', event => {
        const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
        for (const row of rows) {
          const text = [...row.cells].slice(0, 4).map(cell => cell.textContent.toLowerCase());
          row.hidden = !words.every(word => text.some(cell => cell === word || cell.startsWith(word)));
        }
      });
    })();
    </script>
    </body>
    </html>

    """#
}

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
    {{{head}}}
    <title>{{title}}: accuracy against accumulator width</title>
    <style>
    {{{style}}}
    body { max-width: 62rem; }
    .figure { margin-top: 1rem; border: 1px solid var(--line); border-radius: .5rem; overflow-x: auto; background: #fff; }
    .figure svg { display: block; width: 100%; min-width: 36rem; height: auto; }
    @media screen and (prefers-color-scheme: dark) { .figure { background: #1b1b1b; } .figure svg { filter: invert(.9) hue-rotate(180deg); } }
    .point { fill: transparent; cursor: pointer; }
    .point:hover, .point:focus, .point.selected { stroke: #1c1f23; stroke-width: 2; outline: none; }
    .command { margin-top: .75rem; }
    tr.chosen td:first-child { font-weight: 700; } tr.chosen td:first-child::after { content: " ★"; }
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
    <div class="card command"><b>Recommended: {{recommendation}}</b><pre>{{recommendedCommand}}</pre></div>
    {{/hasRecommendation}}

    <h2>{{metric}} against the width of the accumulator</h2>
    <p class="soft small">The broad line is the best of all settings at most so wide{{#hasSeeds}}; bars reach one standard deviation over seeds to
    each side{{/hasSeeds}}. Choose a point, or a row below, to see the command that makes its file.</p>
    <div class="figure" tabindex="0" role="region" aria-label="The figure">{{{figure}}}</div>
    <div class="card command" aria-live="polite"><span class="soft small" id="which">No point chosen</span><pre id="command"></pre></div>

    <h2>Settings</h2>
    <div class="scroll"><table id="settings" class="sortable" data-example="exact p<14 loss<2">
    <thead><tr><th>method</th><th>M</th><th>N</th><th>P</th><th>value</th>{{#hasSeeds}}<th>deviation</th>{{/hasSeeds}}<th>loss, {{lossUnit}}</th><th>required bits</th></tr></thead>
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
    'use strict';
    {{{script}}}
    })();
    </script>
    </body>
    </html>

    """#

  /// Shows the command of the point or the row that a reader chooses, and what a point is that the pointer is on.
  static let script = #"""
    const rows = [...document.querySelectorAll('#settings tbody tr')];
    const points = [...document.querySelectorAll('.point')];
    const which = document.getElementById('which');
    let chosen = 'No point chosen';
    function sentence(row) {
      const cells = [...row.cells].map(cell => cell.textContent);
      return `${cells[0]}, W${cells[1]}A${cells[2]}, P = ${cells[3]}: ${cells[4]}`;
    }
    const rowOf = index => rows.find(row => row.dataset.index === index);
    function choose(index) {
      for (const element of [...rows, ...points]) element.classList.toggle('selected', element.dataset.index === index);
      const row = rowOf(index);
      document.getElementById('command').textContent = row.dataset.command;
      which.textContent = chosen = sentence(row);
    }
    for (const element of [...rows, ...points]) {
      element.addEventListener('click', () => choose(element.dataset.index));
      element.addEventListener('keydown', event => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose(element.dataset.index);
      });
    }
    for (const point of points) {
      point.addEventListener('pointerenter', () => { which.textContent = sentence(rowOf(point.dataset.index)); });
      point.addEventListener('pointerleave', () => { which.textContent = chosen; });
    }
    """#
}

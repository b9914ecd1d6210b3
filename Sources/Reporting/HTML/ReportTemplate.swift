/// The page as a Mustache template; `{{ }}` escapes for HTML.
enum ReportTemplate {
  static let text = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{{title}}: {{verdict}}</title>
    <style>
    :root { color-scheme: light dark; --page: #f7f7f5; --card: #fff; --ink: #1c1f23; --soft: #666d76;
      --line: #e0e2e5; --type: #dfe5ee; --need: #3a6ea5; --outer: #8a5fb0; --good: #2b7a4b; --bad: #b8323c; --open: #8a6d1d; }
    @media (prefers-color-scheme: dark) { :root { --page: #15181c; --card: #1d2126; --ink: #e7e9ec;
      --soft: #9aa3ad; --line: #343a42; --type: #2f3844; --need: #6ba3dc; --outer: #b893dc; --good: #5fbf85;
      --bad: #ef7078; --open: #d9b450; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; background: var(--page);
      color: var(--ink); font: 15px/1.5 system-ui, "Liberation Sans", sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
    h2 { font-size: 1.05rem; margin: 2.5rem 0 .25rem; }
    p { margin: .25rem 0; } .soft { color: var(--soft); } .small { font-size: .85rem; }
    .good { --state: var(--good); } .bad { --state: var(--bad); } .open { --state: var(--open); }
    .badge { display: inline-block; padding: .1rem .6rem; border: 1px solid var(--state);
      border-radius: 1rem; color: var(--state); font-weight: 600; }
    header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; }
    .summary { margin-top: 1rem; } .summary p { white-space: pre-wrap; overflow-wrap: anywhere; }
    .tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
    .tile { flex: 1 1 9rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .5rem; }
    .tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
    .chart { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr) minmax(6.5rem, max-content); gap: .3rem .75rem;
      align-items: center; margin-top: .75rem; }
    .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .track { position: relative; height: 1.1rem; }
    .track i { position: absolute; left: 0; top: .1rem; bottom: .1rem; border-radius: 0 .2rem .2rem 0; }
    .track .type { background: var(--type); } .track .need { background: var(--need); top: .3rem;
      bottom: .3rem; } .bad .track .need { background: var(--bad); }
    .track .mark { width: 0; border-left: 2px solid var(--ink); border-radius: 0; top: 0; bottom: 0;
      transform: translateX(-2px); }
    .track .behind { background: var(--outer); top: auto; bottom: -.1rem; height: .25rem; }
    .track .mark.outer { border-left: 2px dotted var(--outer); }
    .row { display: contents; }
    .axis { position: relative; height: 1.3rem; border-top: 1px solid var(--line); }
    .axis span { position: absolute; transform: translateX(-50%); }
    .key i { display: inline-block; width: 1.4rem; height: .7rem; margin: 0 .35rem 0 .9rem;
      border-radius: .15rem; } .key i:first-child { margin-left: 0; }
    .key .mark { width: 2px; height: 1rem; background: var(--ink); vertical-align: -.2rem; }
    .key .mark.outer { width: 0; background: none; border-left: 2px dotted var(--outer); }
    .count { font-variant-numeric: tabular-nums; white-space: nowrap; }
    .scroll { overflow-x: auto; margin-top: .75rem; }
    table { border-collapse: collapse; width: 100%; font-size: .82rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right;
      white-space: nowrap; } th { font-weight: 600; color: var(--soft); }
    th:nth-child(-n+2), td:nth-child(-n+2), th:last-child, td:last-child { text-align: left; }
    td:last-child { color: var(--state); font-weight: 600; }
    .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .75rem;
      margin-top: .75rem; }
    .card { padding: .75rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .5rem; min-width: 0; }
    .card svg { display: block; width: 100%; height: 6rem; margin: .4rem 0; }
    .card .bars { fill: var(--need); } .card.bad .bars { fill: var(--bad); }
    .card line { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; opacity: .55;
      vector-effect: non-scaling-stroke; } .card line.zero { stroke-dasharray: none; opacity: .25; }
    pre { margin: .5rem 0 0; font: .78rem/1.45 ui-monospace, monospace; white-space: pre-wrap;
      overflow-wrap: anywhere; }
    .unheld { margin: .5rem 0 0; } .unheld dd { margin: .1rem 0 .75rem; overflow-wrap: anywhere; }
    .unheld span:not(:last-child)::after { content: ", "; }
    footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
    </style>
    </head>
    <body>
    <header class="{{verdictClass}}"><h1>{{title}}</h1><span class="badge">{{verdict}}</span></header>
    <p class="soft">{{path}}: {{format}}</p>
    <div class="summary">
    {{#summary}}
    <p>{{.}}</p>
    {{/summary}}
    </div>
    <div class="tiles">
    {{#tiles}}
    <div class="tile"><b>{{value}}</b><span class="soft">{{label}}</span></div>
    {{/tiles}}
    </div>

    {{#unheld}}
    <h2>{{title}}</h2>
    <dl class="unheld">
    {{#groups}}
    <dt>{{reason}}</dt>
    <dd class="soft small">{{#names}}<span>{{.}}</span>{{/names}}</dd>
    {{/groups}}
    </dl>
    {{/unheld}}

    <h2>Accumulator width of each layer, in bits</h2>
    <p class="soft small key"><i style="background:var(--need)"></i>exactly required
    <i style="background:var(--bad)"></i>required beyond the target <i style="background:var(--type)"></i>by the data types alone <i class="mark"></i>target{{#hasTiles}}
    <i style="background:var(--outer);height:.25rem"></i>required behind the tiles <i class="mark outer"></i>width there{{/hasTiles}}</p>
    <div class="chart">
    {{#rows}}
    <div class="row {{verdictClass}}"><div class="name" title="{{name}}">{{label}}</div>
    <div class="track">{{#dataType}}<i class="type" style="width:{{.}}%"></i>{{/dataType}}{{#required}}<i class="need" style="width:{{.}}%"></i>{{/required}}{{#outerRequired}}<i class="behind" style="width:{{.}}%"></i>{{/outerRequired}}{{#outerWidth}}<i class="mark outer" style="left:{{.}}%"></i>{{/outerWidth}}{{#target}}<i class="mark" style="left:{{.}}%"></i>{{/target}}</div>
    <div class="count soft">{{caption}}</div></div>
    {{/rows}}
    <div></div><div class="axis soft small">{{#axis}}<span style="left:{{position}}%">{{label}}</span>{{/axis}}</div><div></div>
    </div>

    <h2>Layers</h2>
    <div class="scroll"><table>
    <thead><tr>{{#headings}}<th>{{.}}</th>{{/headings}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr class="{{verdictClass}}"><td title="{{name}}">{{label}}</td>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody></table></div>
    {{#notes}}
    <p class="soft small">{{.}}</p>
    {{/notes}}

    {{#hasCards}}
    <h2>How much of its accumulator each channel can use</h2>
    <p class="soft small">One bar a channel: the greatest partial sum upwards and the least downwards, over
    every input and every order of summation. The dashed lines are the limits of the accumulator.</p>
    {{/hasCards}}
    <div class="cards">
    {{#cards}}
    <div class="card {{verdictClass}}"><div class="name" title="{{name}}">{{label}}</div>
    {{#plots}}
    <svg viewBox="{{viewBox}}" preserveAspectRatio="none" role="img" aria-label="{{caption}}"><path class="bars" d="{{path}}"/><line x1="0" x2="{{right}}" y1="-100" y2="-100"/><line x1="0" x2="{{right}}" y1="100" y2="100"/><line class="zero" x1="0" x2="{{right}}" y1="0" y2="0"/></svg>
    <p class="soft small">{{caption}}</p>
    {{/plots}}
    {{#counterexample}}<pre>{{.}}</pre>{{/counterexample}}</div>
    {{/cards}}
    </div>
    <footer class="soft small">{{statement}}</footer>
    </body>
    </html>

    """#
}

/// The page of models as a Mustache template; `{{ }}` escapes for HTML.
enum ModelTemplate {
  static let text = #"""
    <!doctype html>
    <html lang="en">
    <head>
    {{{head}}}
    <title>{{title}}: {{verdict}}</title>
    <style>
    {{{style}}}
    header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; }
    .model + .model { margin-top: 2rem; }
    .summary { margin-top: .75rem; } .summary p { white-space: pre-wrap; }
    .track { position: relative; height: 1.1rem; }
    .track i { position: absolute; left: 0; top: .1rem; bottom: .1rem; border-radius: 0 .2rem .2rem 0; }
    .track .type { background: var(--type); } .track .need { background: var(--need); top: .3rem;
      bottom: .3rem; } .bad .track .need { background: var(--bad); }
    .track .mark { width: 0; border-left: 2px solid var(--ink); border-radius: 0; top: 0; bottom: 0;
      transform: translateX(-2px); }
    .track .behind { background: var(--outer); top: auto; bottom: -.1rem; height: .25rem; }
    .track .mark.outer { border-left: 2px dotted var(--outer); }
    .track .alone { background: var(--alone); bottom: auto; height: .45rem; }
    .track .place { background: var(--place); top: auto; height: .45rem; }
    .key .mark { width: 2px; height: 1rem; background: var(--ink); vertical-align: -.2rem; }
    .key .mark.outer { width: 0; background: none; border-left: 2px dotted var(--outer); }
    .strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(1.9rem, 1fr)); gap: 2px; margin-top: .5rem; }
    .strip button, .key b { font: 600 .72rem/1 system-ui, "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; border: 0;
      color: var(--light-label); }
    .strip button { height: 2.1rem; padding: 0; border-radius: .2rem; cursor: pointer; }
    .key b { display: inline-block; min-width: 1.6rem; padding: .3rem .3rem; margin: 0 .3rem 0 .8rem; text-align: center; border-radius: .15rem; }
    .key b:first-child { margin-left: 0; }
    .h0 { background: var(--h0); } .h1 { background: var(--h1); } .h2 { background: var(--h2); } .h4 { background: var(--h4); } .h8 { background: var(--h8); }
    .strip .h0, .strip .h1, .key .h0, .key .h1 { color: var(--dark-label); }
    .strip .over, .key .over { color: #fff; background: repeating-linear-gradient(45deg, #a3222d 0 5px, #7d1420 5px 10px); }
    .strip .none, .key .none { color: var(--soft); background: none; box-shadow: inset 0 0 0 1px var(--soft); }
    .strip button[aria-selected=true] { box-shadow: 0 0 0 2px var(--page), 0 0 0 4px var(--ink); }
    .strip button.out { opacity: .25; }
    .strip .bad:not(.over), .strip .open:not(.none) { box-shadow: inset 0 -4px 0 var(--state); }
    .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: .75rem; margin-top: .75rem; }
    .panels .card > p:first-of-type { margin-bottom: .5rem; }
    .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.8rem, 1fr)); gap: .4rem .75rem; margin: .6rem 0 0; font-size: .85rem; }
    .facts dt { color: var(--soft); font-size: .75rem; } .facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem 1.5rem; }
    figure { margin: .75rem 0 0; min-width: 0; } figcaption { font-size: .85rem; font-weight: 600; }
    figure svg { display: block; width: 100%; height: 8rem; margin-top: .3rem; touch-action: pan-y; }
    figure output { display: block; min-height: 2.6em; font-size: .8rem; line-height: 1.3; color: var(--soft); font-variant-numeric: tabular-nums; }
    .ends { display: flex; justify-content: space-between; font-size: .75rem; color: var(--soft); font-variant-numeric: tabular-nums; }
    .bar { fill: var(--need); } .bar.over { fill: var(--bad); } .bar.cut { fill: var(--clip); } .bar.at { fill: var(--ink); }
    .held { fill: var(--type); opacity: .6; } .zero { stroke: var(--ink); opacity: .3; vector-effect: non-scaling-stroke; }
    .limit { stroke: var(--ink); stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
    .unheld { margin: .5rem 0 0; } .unheld dd { margin: .1rem 0 .75rem; overflow-wrap: anywhere; }
    .unheld span:not(:last-child)::after { content: ", "; }
    @media print { .strip button { height: 1.4rem; } .model .scroll { margin-top: .25rem; } }
    </style>
    </head>
    <body>
    {{#models}}
    <section class="model">
    <header class="{{verdictClass}}"><h1>{{title}}</h1><span class="badge">{{verdict}}</span></header>
    <p class="soft">{{path}}: {{format}}</p>
    {{#ports}}<p class="soft">{{.}}</p>{{/ports}}
    <div class="summary">
    {{#summary}}
    <p>{{.}}</p>
    {{/summary}}
    </div>
    {{^together}}
    <div class="tiles">
    {{#tiles}}
    <div class="tile"><b>{{value}}</b><span class="soft">{{label}}</span></div>
    {{/tiles}}
    </div>
    {{/together}}
    {{#unheld}}
    <h2>{{title}}</h2>
    <dl class="unheld">
    {{#groups}}
    <dt>{{reason}}</dt>
    <dd class="soft small">{{#names}}<span>{{.}}</span>{{/names}}</dd>
    {{/groups}}
    </dl>
    {{/unheld}}
    </section>
    {{/models}}

    {{#together}}
    <h2>Side by side</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Totals of the models"><table>
    <thead><tr><th></th>{{#titles}}<th>{{.}}</th>{{/titles}}</tr></thead>
    <tbody>
    {{#totals}}
    <tr><td title="{{label}}">{{label}}</td>{{#values}}<td>{{.}}</td>{{/values}}</tr>
    {{/totals}}
    </tbody></table></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Layers of the models side by side"><table class="sortable" data-example="conv headroom<1">
    <thead><tr><th></th>{{#titles}}<th class="group" colspan="{{span}}">{{.}}</th>{{/titles}}</tr>
    <tr><th>layer</th>{{#headings}}<th data-name="{{name}}">{{title}}</th>{{/headings}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr><td title="{{name}}">{{label}}</td>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody></table></div>
    {{/together}}

    <h2>Layers by headroom, in bits</h2>
    <p class="soft small key"><b class="over">-1</b>overflows <b class="h0">0</b>full <b class="h1">1</b><b class="h2">2</b>to 3 <b class="h4">4</b>to 7
    <b class="h8">8</b>and more <b class="none">–</b>no target</p>
    <p class="soft small screen">From the first layer to the last; choose one, or move with the arrow keys, to see its integers below.</p>
    {{#models}}
    {{#heading}}<p class="small">{{.}}</p>{{/heading}}
    <div class="strip" role="listbox" aria-orientation="horizontal" aria-label="Layers of {{title}} by headroom" data-model="{{index}}">
    {{#rows}}
    <button type="button" role="option" aria-selected="false" class="{{strip}} {{verdictClass}}" data-layer="{{index}}" title="{{label}}: {{caption}} bits" aria-label="{{label}}, headroom {{mark}}, {{caption}} bits">{{mark}}</button>
    {{/rows}}
    </div>
    {{/models}}
    <div class="panels" id="panels"></div>
    <noscript><p class="soft small">A chosen layer is drawn by the page's own script, which is switched off here.</p></noscript>

    {{#models}}
    <section>
    <h2>Accumulator width of each layer, in bits{{#heading}}: {{.}}{{/heading}}</h2>
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

    <h2>Layers{{#heading}} of {{.}}{{/heading}}</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Layers of {{title}}"><table class="sortable layers" data-model="{{index}}" data-example="conv headroom<1">
    <thead><tr>{{#headings}}<th>{{.}}</th>{{/headings}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr class="{{verdictClass}}" data-index="{{index}}"><td title="{{name}}">{{label}}</td>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody></table></div>
    {{#notes}}
    <p class="soft small">{{.}}</p>
    {{/notes}}

    {{#losses}}
    <h2>What each layer loses{{#heading}} in {{.}}{{/heading}}</h2>
    <p class="soft">against {{reference}}, on {{samples}} samples</p>
    {{#lines}}
    <p>{{.}}</p>
    {{/lines}}
    <p class="soft small key">Signal-to-noise ratio of each layer's output, in dB: <i style="background:var(--alone)"></i>alone (above) <i style="background:var(--place)"></i>in place (below)</p>
    <div class="chart">
    {{#rows}}
    <div class="row"><div class="name" title="{{name}}">{{label}}</div>
    <div class="track">{{#alone}}<i class="alone" style="width:{{.}}%"></i>{{/alone}}{{#inPlace}}<i class="place" style="width:{{.}}%"></i>{{/inPlace}}</div>
    <div class="count soft">{{caption}}</div></div>
    {{/rows}}
    <div></div><div class="axis soft small">{{#axis}}<span style="left:{{position}}%">{{label}}</span>{{/axis}}</div><div></div>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="What each layer loses"><table class="sortable losses" data-example="conv clipped>1">
    <thead><tr><th>layer</th><th>op</th>{{#headings}}<th>{{.}}</th>{{/headings}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr><td title="{{name}}">{{label}}</td><td>{{op}}</td>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody></table></div>
    <p class="soft small">{{legend}}</p>
    {{/losses}}

    {{#provenance}}
    <h2>Where it comes from{{#heading}}: {{.}}{{/heading}}</h2>
    <dl class="pairs small">
    {{#pairs}}
    <dt>{{name}}</dt><dd>{{value}}</dd>
    {{/pairs}}
    </dl>
    {{#recipe}}
    <details><summary class="small">Recipe: the options that it was converted with, as the file states them</summary><pre>{{.}}</pre></details>
    {{/recipe}}
    {{/provenance}}
    </section>
    {{/models}}
    <footer class="soft small">{{statement}}</footer>
    <script type="application/json" id="data">{{{data}}}</script>
    <script>
    (() => {
    'use strict';
    {{{script}}}
    })();
    </script>
    </body>
    </html>

    """#
}

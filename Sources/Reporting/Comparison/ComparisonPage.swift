import Mustache
import TensorCore

/// A comparison as one self-contained page.
struct ComparisonPage {
  struct Row {
    let name: String
    let label: String
    let op: String
    let cells: [String]
    /// Lengths of bars in per cent of the axis; `nil` draws none.
    let alone: String?
    let inPlace: String?
    let caption: String
  }

  let title: String
  let reference: String
  let samples: Int
  let lines: [String]
  let rows: [Row]
  let axis: [AxisTick]
  let legend = ModelComparison.legend

  init(_ comparison: ModelComparison) {
    let style = TextStyle()
    title = FilePath.name(of: comparison.model).printable
    reference = comparison.reference.printable
    samples = comparison.samples
    var lines: [String] = []
    if let metric = comparison.metric { lines.append(ComparisonText.metric(metric)) }
    lines += comparison.outputs.map { output in
      "\(output.name.printable): SNR \(ComparisonText.decibels(output.ratio, style)) dB, cosine "
        + "\(output.cosine.map { "\(Float($0))" } ?? style.none), largest deviation "
        + "\(Figures.significant(Float(output.largestDeviation))) where the largest magnitude is "
        + "\(Figures.significant(Float(output.largestMagnitude)))"
    }
    self.lines = lines
    let largest =
      comparison.layers.flatMap { [$0.alone?.decibels, $0.inPlace?.decibels] }
      .compactMap { $0 }.max() ?? 0
    let scale = max((largest / 10).rounded(.up) * 10, 10)
    func length(_ ratio: SignalToNoise?) -> String? {
      ratio?.decibels.map { Figures.css(max($0, 0) / scale * 100) }
    }
    rows = comparison.layers.map { layer in
      let name = layer.name.printable
      return Row(
        name: name, label: style.shortened(name, to: Figures.labelLength), op: layer.op,
        cells: layer.cells(style), alone: length(layer.alone), inPlace: length(layer.inPlace),
        caption:
          "\(ComparisonText.decibels(layer.alone, style)) / \(ComparisonText.decibels(layer.inPlace, style))"
      )
    }
    axis = stride(from: 0, through: Int(scale), by: 10).map {
      AxisTick(label: "\($0)", position: Figures.css(Double($0) / scale * 100))
    }
  }
}

extension ModelComparison {
  /// The comparison as a page that needs no other file.
  public var html: String { ComparisonTemplate.template.render(ComparisonPage(self)) }
}

/// The page of a comparison as a Mustache template; `{{ }}` escapes for HTML.
private enum ComparisonTemplate {
  static let template: MustacheTemplate = {
    // A constant: one that can't be parsed is a programming error.
    guard let template = try? MustacheTemplate(string: text) else {
      preconditionFailure("the comparison's template is malformed")
    }
    return template
  }()

  private static let text = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{{title}}: what each layer loses</title>
    <style>
    :root { color-scheme: light dark; --page: #f7f7f5; --card: #fff; --ink: #1c1f23; --soft: #5d646d;
      --line: #e0e2e5; --alone: #56b4e9; --place: #0072b2; }
    @media (prefers-color-scheme: dark) { :root { --page: #15181c; --card: #1d2126; --ink: #e7e9ec;
      --soft: #9aa3ad; --line: #343a42; --alone: #56b4e9; --place: #6b8fdc; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 70rem; background: var(--page);
      color: var(--ink); font: 15px/1.5 system-ui, "Liberation Sans", sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
    h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
    p { margin: .25rem 0; overflow-wrap: anywhere; } .soft { color: var(--soft); } .small { font-size: .85rem; }
    .chart { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr) minmax(6.5rem, max-content);
      gap: .3rem .75rem; align-items: center; margin-top: .75rem; }
    .row { display: contents; } .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .track { position: relative; height: 1.1rem; }
    .track i { position: absolute; left: 0; height: .5rem; border-radius: 0 .15rem .15rem 0; }
    .track .alone { top: 0; background: var(--alone); } .track .place { bottom: 0; background: var(--place); }
    .axis { position: relative; height: 1.3rem; border-top: 1px solid var(--line); }
    .axis span { position: absolute; transform: translateX(-50%); }
    .key i { display: inline-block; width: 1.4rem; height: .6rem; margin: 0 .35rem 0 .9rem; border-radius: .15rem; }
    .count { font-variant-numeric: tabular-nums; white-space: nowrap; }
    .scroll { overflow-x: auto; margin-top: .75rem; }
    table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
    th { font-weight: 600; color: var(--soft); } th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
    </style>
    </head>
    <body>
    <h1>{{title}}</h1>
    <p class="soft">against {{reference}}, on {{samples}} samples</p>
    {{#lines}}
    <p>{{.}}</p>
    {{/lines}}
    <h2>Signal-to-noise ratio of each layer's output, in dB</h2>
    <p class="soft small key"><i style="background:var(--alone)"></i>alone <i style="background:var(--place)"></i>in place</p>
    <div class="chart">
    {{#rows}}
    <div class="row"><div class="name" title="{{name}}">{{label}}</div>
    <div class="track">{{#alone}}<i class="alone" style="width:{{.}}%"></i>{{/alone}}{{#inPlace}}<i class="place" style="width:{{.}}%"></i>{{/inPlace}}</div>
    <div class="count soft">{{caption}}</div></div>
    {{/rows}}
    <div></div><div class="axis soft small">{{#axis}}<span style="left:{{position}}%">{{label}}</span>{{/axis}}</div><div></div>
    </div>
    <h2>Layers</h2>
    <div class="scroll"><table>
    <thead><tr><th>layer</th><th>op</th><th>alone, dB</th><th>in place, dB</th><th>worst channel, dB</th><th>clipped, %</th><th>saturated, %</th><th>budget, %</th></tr></thead>
    <tbody>
    {{#rows}}
    <tr><td title="{{name}}">{{label}}</td><td>{{op}}</td>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody></table></div>
    <p class="soft small">{{legend}}</p>
    </body>
    </html>

    """#
}

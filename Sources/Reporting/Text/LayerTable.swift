import Verification

/// The tables of `inspect` and `verify`.
enum LayerTable {
  static func inspection(_ layers: [LayerVerdict], style: TextStyle) -> String {
    let columns = InspectionColumn.columns(of: layers, in: .text, style)
    return TextTable(
      columns: columns.map(\.column),
      rows: layers.map { verdict in columns.map { $0.cell(verdict, style) } }
    ).render(style)
  }

  static func verification(_ result: VerificationResult, style: TextStyle) -> String {
    TextTable(
      columns: [
        .init(title: "layer", alignment: .left, isFlexible: true),
        .init(title: "op", alignment: .left, dropOrder: 0),
        .init(title: "target"), .init(title: "required"), .init(title: "headroom", dropOrder: 1),
        .init(title: "verdict", alignment: .left),
      ],
      rows: result.layers.map { verdict in
        [
          verdict.layer.name, verdict.layer.op, Figures.number(verdict.targetBits, style),
          Figures.number(verdict.requiredBits, style), Figures.number(verdict.headroom, style),
          "\(verdict.isCertified ? style.yes : style.no) \(VerdictText.word(verdict))",
        ]
      }
    ).render(style)
  }
}

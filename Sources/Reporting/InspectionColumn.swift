import Verification

/// A column of the table of layers: all that the table of `inspect` and that of the page say of it.
struct InspectionColumn {
  /// Where a column is shown.
  enum Place { case text, page }

  /// The heading, the alignment, and what a narrow terminal does with the column.
  let column: TextTable.Column
  /// The one place where the column is shown; `nil` is both.
  var place: Place?
  /// A sentence below the table that says how to read the column; in both places.
  var note: String?
  /// Whether a layer has something in the column. It is left out where none has, unless this is `nil`.
  var isFilled: ((LayerVerdict) -> Bool)?
  /// What the column says of a layer.
  let cell: (LayerVerdict, TextStyle) -> String

  init(
    _ title: String, alignment: TextTable.Alignment = .right, dropOrder: Int? = nil,
    isFlexible: Bool = false, in place: Place? = nil, note: String? = nil,
    where isFilled: ((LayerVerdict) -> Bool)? = nil,
    cell: @escaping (LayerVerdict, TextStyle) -> String
  ) {
    column = .init(
      title: title, alignment: alignment, dropOrder: dropOrder, isFlexible: isFlexible)
    (self.place, self.note, self.isFilled, self.cell) = (place, note, isFilled, cell)
  }

  /// The columns that some layers have in a place, in their order.
  static func columns(
    of layers: [LayerVerdict], in place: Place, _ style: TextStyle
  ) -> [InspectionColumn] {
    all(style).filter { column in
      (column.place ?? place) == place
        && (column.isFilled.map { layers.contains(where: $0) } ?? true)
    }
  }

  private static func all(_ style: TextStyle) -> [InspectionColumn] {
    [
      .init("layer", alignment: .left, isFlexible: true) { verdict, _ in verdict.layer.name },
      .init("op", alignment: .left, dropOrder: 3) { verdict, _ in verdict.layer.op },
      .init("K", dropOrder: 2, note: "K: products in one sum.") {
        Figures.number($0.layer.dotLength, $1)
      },
      .init("channels", dropOrder: 6) {
        Figures.number($0.layer.channels.isEmpty ? nil : $0.layer.channels.count, $1)
      },
      .init("weight") { verdict, style in
        Figures.dataType(verdict.layer.weight.map { ($0.bits, $0.signed, 0) }, style)
      },
      .init("input") { verdict, style in
        Figures.dataType(verdict.layer.input.map { ($0.bits, $0.signed, $0.zeroPoint) }, style)
      },
      .init(
        "bias",
        note:
          "Biases are shown where they are integers in the accumulators, and count as summands there.",
        where: { $0.layer.bias != nil }
      ) { verdict, style in
        Figures.dataType(verdict.layer.bias.map { ($0.bits, true, 0) }, style)
      },
      .init("weight scale", dropOrder: 7) { verdict, style in
        Figures.range(verdict.layer.weight?.scales ?? [], style)
      },
      .init(
        "target", dropOrder: 0,
        note:
          "Accumulators in bits: target, exactly required, demanded by the data types alone, headroom."
      ) { Figures.number($0.targetBits, $1) },
      .init("required") { Figures.number($0.requiredBits, $1) },
      .init(
        "tiles", in: .text,
        note:
          "Tiles: products that are summed in a register of the target's width, and the bits that the "
          + "register which adds their sums needs and has.",
        where: { $0.tiles != nil }
      ) { verdict, style in
        verdict.tiles.map { "\($0.size), \($0.outerRequiredBits) of \($0.outerBits)" } ?? style.none
      },
      .init(
        "tile size", in: .page,
        note:
          "Where there is a tile size, so many products are summed in a register of the target's width, of which "
          + "target, required and headroom speak; the outer register adds their sums, and the bias.",
        where: { $0.tiles != nil }
      ) { Figures.number($0.tiles?.size, $1) },
      .init("outer width", in: .page, where: { $0.tiles != nil }) {
        Figures.number($0.tiles?.outerBits, $1)
      },
      .init("outer required", in: .page, where: { $0.tiles != nil }) {
        Figures.number($0.tiles?.outerRequiredBits, $1)
      },
      .init("by type", dropOrder: 5) { Figures.number($0.layer.dataTypeBits, $1) },
      .init("headroom", dropOrder: 1) { Figures.number($0.headroom, $1) },
      .init("zeros", dropOrder: 4) { verdict, style in
        verdict.layer.weight.map { Figures.percent($0.zeroFraction) } ?? style.none
      },
      .init(style.isUnicode ? style.yes : "ok", in: .text) { verdict, style in
        verdict.isCertified ? style.yes : style.no
      },
      .init("verdict", alignment: .left, in: .page) { verdict, _ in VerdictText.word(verdict) },
    ]
  }
}

extension LayerVerdict {
  /// The bits of the target that the worst case leaves unused; negative where it overflows.
  var headroom: Int? {
    guard let targetBits, let requiredBits else { return nil }
    return targetBits - requiredBits
  }
}

import AccumulatorBounds
import GraphIR

/// What the file says about its accumulators, apart from its integers.
struct Annotations {
  let entries: [AccumulatorAnnotation]
  let error: AnnotationError?

  /// Reads the metadata of the model, or of the graph where the model has none.
  init(_ model: Model) {
    let entry = (model.metadata + model.graph.metadata).first {
      $0.key == AccumulatorAnnotation.metadataKey
    }
    do {
      entries =
        try entry.map { entry throws(AnnotationError) in
          try AccumulatorAnnotation.decode(entry.value)
        } ?? []
      error = nil
    } catch {
      entries = []
      self.error = error
    }
  }

  /// The entry of a layer: by the name of its output, else of its node, since other tools rename either.
  func entry(for layer: LayerAnalysis) -> AccumulatorAnnotation? {
    entries.first { $0.output == layer.output } ?? entries.first { $0.layer == layer.name }
  }

  /// P from a layer output's `finn_datatype`; an unsigned type is no accumulator of ours.
  static func finnBits(_ annotations: [KeyValue]) -> Int? {
    FinnDatatype(annotations).flatMap { $0.signed == false ? nil : $0.bits }
  }
}

/// Compares what the metadata says about a layer with what its integers give.
enum AnnotationCheck {
  /// - Parameter tiles: what the integers need where the entry states tiles.
  static func run(
    _ layer: LayerAnalysis, entry: AccumulatorAnnotation?, tiles: TileVerdict?, finnBits: Int?
  ) -> [Finding] {
    guard let entry else { return [] }
    var findings: [Finding] = []
    func compare<T: Equatable>(_ field: AnnotationField, _ stated: T?, _ actual: T?) {
      guard let stated, let actual, stated != actual else { return }
      findings.append(
        .contradiction(field: field, stated: "\(stated)", actual: "\(actual)"))
    }
    compare(.finnDatatype, finnBits, entry.tiling?.outerBits ?? entry.targetBits)
    guard layer.isQuantized else { return findings }
    compare(.requiredBits, entry.requiredBits, tiles?.requiredBits ?? layer.requiredBits)
    compare(.inputBits, entry.inputBits, layer.input?.bits)
    compare(.inputSigned, entry.inputSigned, layer.input?.signed)
    if let stated = entry.biasBits {
      if let bias = layer.bias {
        if bias.requiredBits > stated { compare(.biasBits, stated, bias.requiredBits) }
      } else {
        findings.append(
          .contradiction(
            field: .biasBits, stated: "\(stated)",
            actual: "no integer bias on the accumulator's scale"))
      }
    }
    return findings
  }
}

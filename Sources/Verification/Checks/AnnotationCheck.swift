import AccumulatorBounds
import GraphIR

/// What the file states about its accumulators, apart from its integers.
struct Annotations {
  let entries: [AccumulatorAnnotation]
  let error: AnnotationError?

  /// Reads the metadata of the model, which the metadata of the graph may only repeat.
  init(_ model: Model) {
    let texts = [model.metadata, model.graph.metadata].map { metadata in
      metadata.filter { $0.key == AccumulatorAnnotation.metadataKey }.map(\.value)
    }
    do throws(AnnotationError) {
      for values in texts where values.count > 1 { throw .repeatedKey }
      let given = texts.compactMap(\.first)
      guard Set(given).count <= 1 else { throw .twoStatements }
      entries =
        try given.first.map { text throws(AnnotationError) in
          try AccumulatorAnnotation.decode(text)
        } ?? []
      error = nil
    } catch {
      entries = []
      self.error = error
    }
  }

  /// The entry of a layer, found by the name of its output, else by that of its node, since other tools rename
  /// either.
  func entry(for layer: LayerAnalysis) -> AccumulatorAnnotation? {
    entries.first { $0.output == layer.output } ?? entries.first { $0.layer == layer.name }
  }

  /// Findings for statements that concern two layers at once, and for keys that occur twice in a value's annotation.
  func contradictions(_ layers: [LayerAnalysis], _ graph: Graph) -> [ModelFinding] {
    let outputs = Dictionary(layers.map { ($0.output, $0.name) }) { first, _ in first }
    let names = Set(layers.map(\.name))
    let ambiguous: [ModelFinding] = entries.compactMap { entry in
      guard let owner = outputs[entry.output], owner != entry.layer, names.contains(entry.layer)
      else { return nil }
      return .ambiguousAnnotation(layer: entry.layer, output: entry.output)
    }
    return ambiguous
      + graph.valueIDs.compactMap { id in
        var keys: Set<String> = []
        return graph[id].annotations.first { !keys.insert($0.key).inserted }
          .map { .repeatedAnnotation(value: graph[id].name, key: $0.key) }
      }
  }

  /// The accumulator width P, in bits, from the `finn_datatype` of a layer's output; an unsigned type is no
  /// accumulator.
  static func finnBits(_ annotations: [KeyValue]) -> Int? {
    FinnDatatype(annotations).flatMap { $0.signed == false ? nil : $0.bits }
  }
}

/// Compares what the metadata states about a layer with what its integers give.
enum AnnotationCheck {
  /// - Parameters:
  ///   - tiles: the analysis of the integers in tiles, where the entry states tiles.
  ///   - finnBits: the width from the `finn_datatype` of the layer's output.
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

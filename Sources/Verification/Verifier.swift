import AccumulatorBounds
import GraphIR

/// Proves or refutes, from the integers in an exported file alone, that no accumulator can overflow.
///
/// Nothing is shared with the code that quantizes: nodes are read as domain, type and raw attributes, and
/// every integer is recomputed from the file's tensors as the quantizers' definitions say. A layer is certified
/// where every partial sum of its products, in any order and for any input, fits a signed accumulator.
/// A bias that is integers on the accumulator's scale is one more summand (``BiasReader``); any other is added
/// to real numbers, outside. Where the file states that a layer is summed in tiles, each tile's register and the
/// one that adds their sums are tested in its place (``TileVerdict``). Initializers count with their value in the file, also where the file lists
/// them as inputs that a caller could replace.
public enum Verifier {
  /// The verdict on every dot-product layer.
  ///
  /// - Parameter accumulatorBits: P, 1 to 64, that every layer is tested against, the first and the last
  ///   included, and in tiled layers each tile, whose outer register keeps the width that the file states; without it each layer is tested against the width that the file's metadata or
  ///   `finn_datatype` annotation states for it, and one without such a width is not certified.
  /// - Throws: ``GraphError`` where the graph has a cycle.
  public static func verify(_ model: Model, accumulatorBits: Int? = nil) throws(GraphError)
    -> VerificationResult
  {
    let facts = try FactAnalysis.run(model)
    let layers = try LayerAnalyzer(model: model, facts: facts).layers()
    let annotations = Annotations(model)
    var findings: [ModelFinding] = []
    if layers.isEmpty { findings.append(.noLayers) }
    if let error = annotations.error { findings.append(.malformedAnnotations(error)) }
    findings += QuantizerAnnotationCheck.run(model.graph, facts)

    var matched: Set<AccumulatorAnnotation> = []
    let verdicts = layers.map { layer in
      let entry = annotations.entry(for: layer)
      if let entry { matched.insert(entry) }
      let finnBits = layer.finnBits
      let tiles = entry?.tiling.flatMap { TileCheck.analyze(layer, $0) }
      var contradictions = AnnotationCheck.run(
        layer, entry: entry, tiles: tiles, finnBits: finnBits)
      if layer.isQuantized, entry?.tiling != nil, tiles == nil {
        contradictions.append(.tilesWithoutWeights)
      }
      return verdict(
        layer, tiles: tiles, target: accumulatorBits ?? entry?.targetBits ?? finnBits,
        contradictions: contradictions)
    }
    for entry in annotations.entries where !matched.contains(entry) {
      findings.append(.unmatchedAnnotation(layer: entry.layer))
    }
    return VerificationResult(layers: verdicts, findings: findings)
  }

  private static func verdict(
    _ layer: LayerAnalysis, tiles: TileVerdict?, target: Int?, contradictions: [Finding]
  ) -> LayerVerdict {
    var findings = contradictions
    var counterexample: ChannelCounterexample?
    if let obstacle = layer.obstacle {
      findings.append(.obstacle(obstacle))
    } else if let target, let tiles {
      let (violations, example) = TileCheck.run(layer, tiles, targetBits: target)
      findings.insert(contentsOf: violations, at: 0)
      counterexample = example
    } else if let target {
      if let violation = OverflowCheck.run(layer, targetBits: target) {
        findings.insert(violation.finding, at: 0)
        counterexample = violation.counterexample
      }
    } else {
      findings.append(.noTarget)
    }
    return LayerVerdict(
      layer: layer, tiles: tiles, targetBits: target, findings: findings,
      counterexample: counterexample)
  }
}

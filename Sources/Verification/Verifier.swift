import AccumulatorBounds
import GraphIR

/// Proves or refutes, from the integers in an exported file alone, that no accumulator can overflow.
///
/// Nothing is shared with the code that quantizes: nodes are read as domain, type and raw attributes, and every
/// integer is recomputed from the file's tensors as the quantizers' definitions say. A layer is certified where every
/// partial sum of its products, in any order and for any input, fits a signed accumulator. docs/certificate.md says
/// what counts as a summand besides the products, and what is taken for granted. Where the file states that a layer
/// is summed in tiles, the register of each tile and the one that adds their sums are tested instead
/// (``TileVerdict``).
package enum Verifier {
  /// Gives the verdict on every dot-product layer.
  ///
  /// - Throws: ``GraphError`` where the graph has a cycle.
  package static func verify(
    _ model: Model, _ conditions: VerificationConditions = VerificationConditions()
  ) throws(GraphError) -> VerificationResult {
    let analysis = try FactAnalysis(model)
    var used: Set<OperatorName> = []
    let layers = LayerAnalyzer(model: model, analysis: analysis).layers { node in
      let name = OperatorName(domain: node.op.domain, type: node.op.type)
      guard conditions.assumptions.contains(name) else { return false }
      used.insert(name)
      return true
    }
    let annotations = Annotations(model)
    var findings: [ModelFinding] = []
    if layers.isEmpty { findings.append(.noLayers) }
    if let error = annotations.error { findings.append(.malformedAnnotations(error)) }
    findings += analysis.contradictions
    findings += QuantizerAnnotationCheck.run(model.graph, analysis.facts)
    findings += annotations.contradictions(layers, model.graph)
    let functions = model.preserved.functions.count
    if functions > 0 { findings.append(.functionsLeft(count: functions)) }
    let replaceable = model.graph.valueIDs.filter { model.graph[$0].isListedInput }
      .map { model.graph[$0].name }
    if conditions.isStrict, !replaceable.isEmpty {
      findings.append(.replaceableConstants(names: replaceable))
    }

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
        layer, tiles: tiles, target: conditions.accumulatorBits ?? entry?.targetBits ?? finnBits,
        contradictions: contradictions)
    }
    for entry in annotations.entries where !matched.contains(entry) {
      findings.append(.unmatchedAnnotation(layer: entry.layer))
    }
    return VerificationResult(
      layers: verdicts, findings: findings,
      assumptions: used.sorted { ($0.domain, $0.type) < ($1.domain, $1.type) },
      replaceableConstants: replaceable)
  }

  /// Gives the verdict with one accumulator width for all layers, in bits; `nil` takes the widths that the file
  /// states.
  ///
  /// - Throws: ``GraphError`` where the graph has a cycle.
  package static func verify(_ model: Model, accumulatorBits: Int?) throws(GraphError)
    -> VerificationResult
  { try verify(model, VerificationConditions(accumulatorBits: accumulatorBits)) }

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

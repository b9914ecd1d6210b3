import AccumulatorBounds
import GraphIR

/// Proves or refutes, from the integers in an exported file alone, that no accumulator can overflow.
///
/// Nothing is shared with the code that quantizes: nodes are read as domain, type and raw attributes, and every
/// integer is recomputed from the file's tensors as the quantizers' definitions say. A layer is certified where every
/// partial sum of its products, in any order and for any input, fits a signed accumulator. docs/certificate.md says
/// what counts as a summand besides the products, and what is taken for granted. Where the file states that a layer
/// is summed in tiles, or the caller names registers of two stages, the register of each tile and the one that adds their
/// sums are tested instead (``TileVerdict``).
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
      var contradictions: [Finding] = []
      let stated = tiles(layer, entry?.tiling, &contradictions)
      contradictions =
        AnnotationCheck.run(layer, entry: entry, tiles: stated, finnBits: finnBits)
        + contradictions
      let fileBits = entry?.targetBits ?? finnBits
      guard let registers = conditions.registers else {
        return verdict(
          layer, tiles: stated, isTiled: entry?.tiling != nil,
          target: conditions.accumulatorBits ?? fileBits, contradictions: contradictions)
      }
      let given = tiles(layer, registers.tiling, &contradictions)
      return verdict(
        layer, tiles: given, isTiled: registers.tiling != nil,
        target: registers.bits ?? conditions.accumulatorBits ?? fileBits,
        contradictions: contradictions)
    }
    for entry in annotations.entries where !matched.contains(entry) {
      findings.append(.unmatchedAnnotation(layer: entry.layer))
    }
    return VerificationResult(
      layers: verdicts, registers: conditions.registers, findings: findings,
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

  /// What a layer needs in tiles; where that isn't known, the reason is added to `findings`.
  private static func tiles(_ layer: LayerAnalysis, _ tiling: Tiling?, _ findings: inout [Finding])
    -> TileVerdict?
  {
    guard let tiling else { return nil }
    do {
      return try TileCheck.analyze(layer, tiling)
    } catch {
      findings.append(error)
      return nil
    }
  }

  private static func verdict(
    _ layer: LayerAnalysis, tiles: TileVerdict?, isTiled: Bool, target: Int?,
    contradictions: [Finding]
  ) -> LayerVerdict {
    var findings = contradictions
    var counterexample: ChannelCounterexample?
    if let obstacle = layer.obstacle {
      findings.append(.obstacle(obstacle))
    } else if let target, let tiles {
      let (violations, example) = TileCheck.run(layer, tiles, targetBits: target)
      findings.insert(contentsOf: violations, at: 0)
      counterexample = example
    } else if target != nil, isTiled {
      // What the tiles hold isn't known, as a finding says.
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

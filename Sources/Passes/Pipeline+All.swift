extension Pipeline {
  /// Brings an imported float graph to the form that quantizer placement reads: no foldable constants, no
  /// identities, no dead nodes, types inferred.
  package static let importCanonical = Pipeline(
    "import-canonical", maximumRounds: 8,
    [
      FloatWidening(), ShapeInference(), ConstantFolding(), ControlFlowInlining(), VectorProducts(),
      IdentityElimination(), TransposeElimination(), DeadNodeElimination(),
    ])

  /// Folds batch normalisation into the layer before it, on request.
  package static let foldForQuantization = Pipeline(
    "fold-for-quantization", [BatchNormalizationFolding(), DeadNodeElimination()])

  /// Writes recurrent layers as standard operators.
  ///
  /// - Parameter opset: of the standard domain.
  package static func unrolling(opset: Int) -> Pipeline {
    Pipeline(
      "unrolling", maximumRounds: 8,
      [
        ShapeInference(), ConstantFolding(), RecurrentUnrolling(opset: opset),
        IdentityElimination(), TransposeElimination(), DeadNodeElimination(),
      ])
  }

  /// Writes other dialects' operators, and those that stand for several, as plain ones of the standard, as soon as a file
  /// is read.
  ///
  /// - Parameters:
  ///   - opset: of the standard domain; `nil` where the file doesn't import it.
  ///   - channelsLastOpset: of QONNX's channels-last domain; `nil` where the file doesn't import it.
  package static func reading(opset: Int?, channelsLastOpset: Int?) -> Pipeline {
    var passes: [any Pass] = []
    if let channelsLastOpset { passes.append(ChannelsLastImport(opset: channelsLastOpset)) }
    if let opset {
      passes.append(QuantizedOperatorDecomposition(opset: opset, keepsStandard: true))
      passes.append(FusedOperatorDecomposition(opset: opset))
    }
    return Pipeline("reading", passes)
  }

  /// Every pipeline that a job can run, those of exports in each of their forms; the test of the ordering constraints
  /// goes through them.
  static var all: [Pipeline] {
    [
      importCanonical, unrolling(opset: 13), foldForQuantization,
      reading(opset: 1, channelsLastOpset: 1),
    ]
      + ExportFormat.allCases.flatMap(\.pipelines)
  }
}

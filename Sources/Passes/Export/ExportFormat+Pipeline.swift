extension ExportFormat {
  /// The pipeline of an export, in which each pass finds what those before it have left:
  ///
  /// 1. Shapes, which tell the axes of scales, and which layers' outputs have which rank.
  /// 2. The graph as every format begins with it: channels first, float operators between quantizers, the opset raised.
  /// 3. Batch normalisation, while weights are behind QONNX's quantizers.
  /// 4. The format's own passes, then channels last where they are written.
  ///
  /// - Precondition: the format expresses what is asked for (``ExportOptions/inexpressible``).
  package static func pipeline(_ options: ExportOptions, from source: ExportSource) -> Pipeline {
    precondition(options.inexpressible == nil, "\(options.format) can't express what is asked for")
    let (format, dialect) = (options.format, options.format.dialect)
    var passes: [any Pass] = [ShapeInference()]
    if source.isChannelsLast, !options.writesChannelsLast {
      passes.append(ChannelsFirstExport(movesWeights: !source.hasTiles))
    }
    if let opset = source.opset {
      passes.append(QuantizedOperatorDecomposition(opset: opset, keepsStandard: false))
      if opset < format.opset { passes.append(OpsetRaise(from: opset, to: format.opset)) }
    }
    switch options.batchNormalization {
    case .keep: break
    case .fold: passes.append(NormalizationIntoScale())
    case .thresholds: passes.append(NormalizationToThresholds())
    }
    passes += dialect.passes
    if options.writesChannelsLast { passes += [ChannelsLastExport(), TransposeIntoWeight()] }
    return Pipeline("export-\(format.rawValue)", passes + [DeadNodeElimination()])
  }

  /// The pipelines of all exports in the format: of everything that can be asked for, from every kind of file.
  var pipelines: [Pipeline] {
    var found: [Pipeline] = []
    for batchNormalization in ExportOptions.BatchNormalization.allCases {
      for flags in 0..<8 {
        var options = ExportOptions(format: self)
        options.batchNormalization = batchNormalization
        options.channelsLast = flags & 1 != 0
        guard options.inexpressible == nil else { continue }
        for opset in [nil, 1, self.opset] {
          let source = ExportSource(
            opset: opset, isChannelsLast: flags & 2 != 0, hasTiles: flags & 4 != 0)
          found.append(Self.pipeline(options, from: source))
        }
      }
    }
    return found
  }
}

import GraphIR
import Quantizers

/// Finds the scale of every activation group, from samples or from what the graph itself bounds.
struct RangeCalibration {
  let recipe: Recipe
  let placement: Placement
  let graph: Graph

  /// The distribution of each group's activations.
  ///
  /// - Throws: ``ConversionError`` where samples can't be run or activations aren't finite.
  func histograms(_ runner: SampleRunner, progress: (Int) -> Void)
    throws(ConversionError) -> [ActivationHistogram]
  {
    var groupsOfValue: [ValueID: [Int]] = [:]
    var observed: [ValueID] = []
    for (index, group) in placement.groups.enumerated() {
      for value in group.edges.values {
        if groupsOfValue[value] == nil { observed.append(value) }
        groupsOfValue[value, default: []].append(index)
      }
    }
    var histograms = [ActivationHistogram](repeating: .init(), count: placement.groups.count)
    var failure: ConversionError?
    try runner.observe(observed, in: graph, progress: progress) { value, elements, _ in
      for index in groupsOfValue[value] ?? [] where failure == nil {
        do throws(QuantizerError) { try histograms[index].observe(elements) } catch {
          failure = .activations(value: graph[value].name, error)
        }
      }
    }
    if let failure { throw failure }
    return histograms
  }

  /// The scale of each group by the recipe's estimator, by the least squared error where outputs are to decide.
  ///
  /// - Parameter histograms: of each group.
  /// - Throws: ``ConversionError/activations(value:_:)`` where a group has no usable range.
  func scales(of histograms: [ActivationHistogram]) throws(ConversionError) -> [Float] {
    var scales: [Float] = []
    for (group, histogram) in zip(placement.groups, histograms) {
      guard let first = group.edges.first?.value else {
        scales.append(1)
        continue
      }
      do {
        let statistic =
          switch recipe.rangeEstimator.estimator(for: group.format) {
          case .percentile: try histogram.percentile()
          case .automatic, .mse, .output: try histogram.leastErrorStatistic(for: group.format)
          }
        scales.append(group.format.scale(statistic: statistic))
      } catch {
        throw .activations(value: graph[first].name, error)
      }
    }
    return scales
  }

  /// The scale of each group from the bounds that operators state for their outputs.
  ///
  /// - Throws: ``ConversionError/needsCalibration(values:)`` with every activation that nothing bounds.
  func scalesFromGraph() throws(ConversionError) -> [Float] {
    var unbounded: [String] = []
    let scales = placement.groups.map { group in
      var magnitude: Float = 0
      for value in group.edges.values {
        guard let range = graph.outputRange(of: value), range.isBounded else {
          unbounded.append(graph[value].name)
          continue
        }
        magnitude = max(magnitude, range.magnitude)
      }
      return group.format.scale(statistic: magnitude)
    }
    guard unbounded.isEmpty else {
      var seen: Set<String> = []
      throw .needsCalibration(values: unbounded.filter { seen.insert($0).inserted })
    }
    return scales
  }
}

extension Recipe.RangeEstimator {
  /// What ``automatic`` comes to for a quantizer; others as they are.
  func estimator(for format: ActivationFormat) -> Recipe.RangeEstimator {
    guard self == .automatic else { return self }
    return format.bits >= 8 && format.scaleType == .float ? .percentile : .mse
  }
}

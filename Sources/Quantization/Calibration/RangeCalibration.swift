import GraphIR
import Quantizers

/// Sets the scale of every activation group, from samples or from what the graph itself bounds.
struct RangeCalibration {
  let recipe: Recipe

  /// Sets each scale by the recipe's estimator, by the least squared error where outputs are to decide.
  ///
  /// - Returns: the distribution of each group's activations.
  /// - Throws: ``ConversionError`` where samples can't be run or activations aren't finite.
  func calibrate(
    _ plan: inout QuantizationPlan, graph: Graph, runner: SampleRunner,
    progress: (Int) -> Void = { _ in }
  ) throws(ConversionError) -> [ActivationHistogram] {
    var groupsOfValue: [ValueID: [Int]] = [:]
    var observed: [ValueID] = []
    for (index, group) in plan.groups.enumerated() {
      for value in group.values {
        if groupsOfValue[value] == nil { observed.append(value) }
        groupsOfValue[value, default: []].append(index)
      }
    }
    var histograms = [ActivationHistogram](repeating: .init(), count: plan.groups.count)
    var failure: ConversionError?
    try runner.observe(observed, in: graph, progress: progress) { value, elements, _ in
      for index in groupsOfValue[value] ?? [] where failure == nil {
        do throws(QuantizerError) { try histograms[index].observe(elements) } catch {
          failure = .activations(value: graph[value].name, error)
        }
      }
    }
    if let failure { throw failure }
    for index in plan.groups.indices {
      let group = plan.groups[index]
      guard let first = group.values.first else {
        plan.groups[index].scale = 1
        continue
      }
      let format = group.format
      do {
        let statistic =
          switch recipe.rangeEstimator {
          case .percentile: try histograms[index].percentile()
          case .mse, .output: try histograms[index].leastErrorStatistic(for: format)
          }
        plan.groups[index].scale = format.scale(statistic: statistic)
      } catch {
        throw .activations(value: graph[first].name, error)
      }
    }
    return histograms
  }

  /// - Throws: ``ConversionError/needsCalibration(values:)`` with every activation that nothing bounds.
  func calibrateFromGraph(_ plan: inout QuantizationPlan, graph: Graph) throws(ConversionError) {
    var unbounded: [String] = []
    for index in plan.groups.indices {
      let group = plan.groups[index]
      var magnitude: Float = 0
      for value in group.values {
        guard let range = graph.outputRange(of: value), range.isBounded else {
          unbounded.append(graph[value].name)
          continue
        }
        magnitude = max(magnitude, range.magnitude)
      }
      let format = group.format
      plan.groups[index].scale = format.scale(statistic: magnitude)
    }
    guard unbounded.isEmpty else {
      var seen: Set<String> = []
      throw .needsCalibration(values: unbounded.filter { seen.insert($0).inserted })
    }
  }
}

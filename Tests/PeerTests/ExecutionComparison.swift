import Datasets
import Execution
import GraphIR
import OnnxFormat
import Operators
import TensorCore
import Testing

/// The values of an exported file as a peer computed them, and as this package does.
///
/// One code that falls the other way on a tie changes all that follows by more than rounding does. So each
/// stretch between quantizers is also computed from the peer's codes, and each quantizer from the peer's
/// input, where nothing hides behind such a code.
struct ExecutionComparison {
  /// Elements whose integer differs from the peer's, and elements in all.
  private(set) var differentCodes = 0
  private(set) var codes = 0
  /// Largest deviation of a graph output over its largest magnitude, in one run from the inputs.
  private(set) var outputDeviation: Float = 0
  /// The same of every value between two quantizers, computed from the peer's codes.
  private(set) var stageDeviation: Float = 0
  /// Elements of those values that lie so close to a tie that their rounding differs from the peer's.
  private(set) var ties = 0
  /// Elements that a quantizer maps to another integer than the peer from the same input.
  private(set) var wrongCodes = 0

  init(_ job: ExportJob, _ report: ExportReport) throws {
    let graph = try OnnxReader.read(path: job.exported, resolver: Catalogue()).graph
    var ids: [String: ValueID] = [:]
    for id in graph.valueIDs { ids[graph[id].name] = id }
    let values = try report.names.map { try #require(ids[$0]) }
    let peers = try report.names.indices.map { try NpyFile.read("\(job.folder)/\($0).npy") }
    let session = try Session(graph: graph)

    let inputs = Dictionary(
      uniqueKeysWithValues: zip(graph.inputs, try job.inputs.map { try NpyFile.read($0) }))
    let whole = try session.run(inputs, fetch: values)
    for index in report.outputs {
      let deviation = try Self.deviation(whole[values[index]], peers[index])
      outputDeviation = max(outputDeviation, deviation)
    }
    for quantizer in report.quantizers {
      let mine = try #require(whole[values[quantizer.output]]).elements(of: Float.self)
      let theirs = peers[quantizer.output].elements(of: Float.self)
      codes += mine.count
      differentCodes += Self.differences(mine, theirs, scale: quantizer.scale)
    }

    var coded = inputs
    for quantizer in report.quantizers {
      coded[values[quantizer.output]] = peers[quantizer.output]
    }
    let compared = Set(report.quantizers.map(\.input) + report.outputs).filter {
      coded[values[$0]] == nil
    }
    let stages = try session.run(coded, fetch: compared.sorted().map { values[$0] })
    for index in compared {
      stageDeviation = max(
        stageDeviation, try Self.deviation(stages[values[index]], peers[index]))
    }
    for quantizer in report.quantizers where compared.contains(quantizer.input) {
      let mine = try #require(stages[values[quantizer.input]]).elements(of: Float.self)
      let theirs = peers[quantizer.input].elements(of: Float.self)
      ties += Self.differences(mine, theirs, scale: quantizer.scale)
    }

    var before = inputs
    for quantizer in report.quantizers { before[values[quantizer.input]] = peers[quantizer.input] }
    let after = try session.run(before, fetch: report.quantizers.map { values[$0.output] })
    for quantizer in report.quantizers {
      let mine = try #require(after[values[quantizer.output]]).elements(of: Float.self)
      let theirs = peers[quantizer.output].elements(of: Float.self)
      wrongCodes += Self.differences(mine, theirs, scale: quantizer.scale)
    }
  }

  private static func differences(_ a: [Float], _ b: [Float], scale: Float) -> Int {
    zip(a, b).count {
      ($0 / scale).rounded(.toNearestOrEven) != ($1 / scale).rounded(.toNearestOrEven)
    }
  }

  private static func deviation(_ mine: Tensor?, _ theirs: Tensor) throws -> Float {
    let mine = try #require(mine)
    try #require(mine.shape == theirs.shape)
    let (a, b) = (mine.elements(of: Float.self), theirs.elements(of: Float.self))
    let largest = b.map(\.magnitude).max() ?? 0
    guard largest > 0 else { return a.allSatisfy { $0 == 0 } ? 0 : .infinity }
    let deviations = zip(a, b).map { ($0 - $1).magnitude }
    guard deviations.allSatisfy(\.isFinite) else { return .infinity }
    return (deviations.max() ?? 0) / largest
  }
}

import Execution
import Foundation
import GraphIR
import OnnxFormat
import Operators
import TensorCore
import TestSupport

/// One case of the ONNX backend tests: a folder with a model, and folders of its inputs and outputs.
struct NodeTest: Sendable {
  /// `node/test_abs`.
  let name: String
  let folder: String

  /// The suites that the `onnx` package carries.
  static let suites = ["node", "pytorch-converted", "pytorch-operator", "simple"]

  /// The test data of the `onnx` package that the peers' Python has; `nil` where there is none.
  static let data: String? = {
    let program = """
      import onnx, os
      print(os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data"), end="")
      """
    guard Peers.python != nil, let found = try? Peers.runPython(program), found.status == 0,
      FileManager.default.fileExists(atPath: found.output + "/node")
    else { return nil }
    return found.output
  }()

  /// All cases below a folder of suites, by name.
  static func all(in data: String) throws -> [NodeTest] {
    try suites.flatMap { suite in
      let folder = "\(data)/\(suite)"
      return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().compactMap {
        let test = NodeTest(name: "\(suite)/\($0)", folder: "\(folder)/\($0)")
        return FileManager.default.fileExists(atPath: test.model) ? test : nil
      }
    }
  }

  private var model: String { folder + "/model.onnx" }

  /// Files that a later version of ONNX corrected, laid out as the case's own; `nil` for most cases.
  private var corrections: String? {
    let path = Fixtures.path("conformance/" + name)
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// Why the case is out of scope; `nil` where it is in scope, or can't be read.
  var exclusion: String? { ConformanceScope.exclusion(path: model) }

  /// Runs the model on every recorded set of inputs.
  func outcome() -> Outcome {
    do {
      try check()
      return .pass
    } catch {
      if let corrections, (try? check(corrections: corrections)) != nil { return .corrected }
      return exclusion.map(Outcome.outOfScope)
        ?? .failure("\(error)".replacing(folder + "/", with: ""))
    }
  }

  /// Runs the model, written in a later opset and read back, on every recorded set of inputs.
  ///
  /// - Throws: what keeps it from being written there, or a ``NodeTestFailure``.
  func checkRaised(to opset: Int) throws {
    let graph = try RaisedModel.graph(of: model, opset: opset)
    do { try check(graph) } catch {
      guard let corrections else { throw error }
      try check(graph, corrections: corrections)
    }
  }

  /// - Parameter corrections: a folder whose files take the place of the case's own.
  private func check(corrections: String? = nil) throws {
    let graph = try OnnxReader.read(path: model, resolver: Catalogue()).graph
    try check(graph, corrections: corrections)
  }

  private func check(_ graph: Graph, corrections: String? = nil) throws {
    let session = try Session(graph: graph)
    let sets = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
      $0.hasPrefix("test_data_set_")
    }
    guard !sets.isEmpty else { throw NodeTestFailure.noData }
    for set in sets.sorted() {
      func tensor(_ file: String) throws -> Tensor {
        let corrected = "\(corrections ?? "")/\(set)/\(file)"
        let isCorrected = corrections != nil && FileManager.default.fileExists(atPath: corrected)
        return try TensorFile.read(path: isCorrected ? corrected : "\(folder)/\(set)/\(file)")
      }
      var inputs: [ValueID: Tensor] = [:]
      for (index, input) in graph.inputs.enumerated() {
        inputs[input] = try tensor("input_\(index).pb")
      }
      let results = try session.run(inputs, fetch: graph.outputs)
      for (index, output) in graph.outputs.enumerated() {
        guard let actual = results[output] else { throw NodeTestFailure.missing(output: index) }
        let expected = try tensor("output_\(index).pb")
        try Comparison.require(actual, expected, output: index)
      }
    }
  }

  /// What became of a case.
  enum Outcome: Sendable, Hashable {
    case pass
    /// It passes on data that a later version of ONNX corrected, and on that alone.
    case corrected
    /// It doesn't pass, and needs something that this package doesn't set out to do.
    case outOfScope(String)
    case failure(String)
  }
}

/// Why a case that runs doesn't pass.
enum NodeTestFailure: Error, CustomStringConvertible {
  case noData
  case missing(output: Int)
  case type(output: Int, expected: String, actual: String)
  case element(output: Int, index: Int, expected: String, actual: String)

  var description: String {
    switch self {
    case .noData: "the case has no data"
    case .missing(let output): "output \(output) is missing"
    case .type(let output, let expected, let actual):
      "output \(output): expected \(expected), found \(actual)"
    case .element(let output, let index, let expected, let actual):
      "output \(output), element \(index): expected \(expected), found \(actual)"
    }
  }
}

/// The comparison of ONNX's own backend tests: relative 1e-3 and absolute 1e-7 for floats, exact otherwise.
enum Comparison {
  /// - Throws: ``NodeTestFailure`` for the first difference.
  static func require(_ actual: Tensor, _ expected: Tensor, output: Int) throws {
    guard actual.type == expected.type else {
      throw NodeTestFailure.type(
        output: output, expected: "\(expected.type)", actual: "\(actual.type)")
    }
    if expected.elementType == .float64 {
      try require(
        actual.elements(of: Double.self), expected.elements(of: Double.self), output: output)
    } else if expected.elementType.isFloatingPoint,
      let a = actual.convertedToFloat(), let e = expected.convertedToFloat()
    {
      try require(
        a.elements(of: Float.self).map(Double.init), e.elements(of: Float.self).map(Double.init),
        output: output)
    } else if actual != expected {
      let pairs = zip(actual.integers() ?? [], expected.integers() ?? [])
      let index = pairs.enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
      throw NodeTestFailure.element(
        output: output, index: index, expected: "\(expected.integers()?[index] ?? 0)",
        actual: "\(actual.integers()?[index] ?? 0)")
    }
  }

  private static func require(_ actual: [Double], _ expected: [Double], output: Int) throws {
    for (index, (a, e)) in zip(actual, expected).enumerated() {
      let isEqual = a == e || a.isNaN && e.isNaN || abs(a - e) <= 1e-7 + 1e-3 * abs(e)
      guard isEqual else {
        throw NodeTestFailure.element(
          output: output, index: index, expected: "\(e)", actual: "\(a)")
      }
    }
  }
}

import Datasets
import Execution
import GraphIR
import OnnxFormat
import Passes
import TensorCore

extension ModelFile {
  /// Executes the model once.
  ///
  /// Half and double precision are computed in single precision.
  ///
  /// - Parameters:
  ///   - inputs: one tensor for each graph input, by name.
  ///   - shapes: what dimensions that the model leaves open are fixed to, so that other tensors are refused.
  /// - Returns: the outputs with their names, in the order of the graph.
  /// - Throws: ``SnugError`` where the names or tensors are not those that the model takes, and where it
  ///   can't be run.
  public func run(_ inputs: [String: Tensor], _ shapes: InputShapes = InputShapes())
    throws(SnugError) -> [(name: String, tensor: Tensor)]
  {
    try ModelRunner(self, shapes).run(inputs)
  }
}

/// A model that is ready to run, any number of times, by one thread at a time.
package final class ModelRunner {
  /// The path of the model, for messages.
  private let path: String
  /// The graph as the file has it.
  private let file: Graph
  private let graph: Graph
  private let session: Session
  /// The names of the graph's inputs and outputs, in its order.
  package let inputNames: [String]
  package let outputNames: [String]

  /// - Parameter shapes: as of ``ModelFile/run(_:_:)``.
  /// - Throws: ``SnugError`` where the model can't be read or run.
  package init(_ model: ModelFile, _ shapes: InputShapes = InputShapes()) throws(SnugError) {
    let file = try model.fixing(shapes, in: try model.load()).graph
    let graph = try model.inSinglePrecision(file)
    (path, self.file, self.graph) = (model.path, file, graph)
    inputNames = graph.inputs.map { graph[$0].name }
    outputNames = graph.outputs.map { graph[$0].name }
    do { session = try Session(graph: graph) } catch {
      throw .execution(file: model.path, error)
    }
  }

  /// Executes the model once.
  ///
  /// - Throws: ``SnugError`` where the tensors are not those that the model takes.
  package func run(_ inputs: [String: Tensor]) throws(SnugError) -> [(
    name: String, tensor: Tensor
  )] {
    for name in inputs.keys.sorted() where !inputNames.contains(name) {
      throw .unknownInput(file: path, name: name, available: inputNames)
    }
    var feeds: [ValueID: Tensor] = [:]
    for id in graph.inputs {
      guard let tensor = inputs[graph[id].name] else {
        throw .missingInput(file: path, name: graph[id].name, available: inputNames)
      }
      feeds[id] = tensor.inSinglePrecision
    }
    do {
      let results = try session.run(feeds, fetch: graph.outputs)
      return graph.outputs.compactMap { id in
        results[id].map { (graph[id].name, $0.restored(to: file[id].type?.elementType)) }
      }
    } catch {
      throw .execution(file: path, error)
    }
  }
}

/// Tensors in files: NumPy's `.npy`, or a serialized `TensorProto` (`.pb`).
public enum TensorFiles {
  /// Reads a tensor; a name that ends in `.pb` is read as `TensorProto`.
  public static func read(_ path: String) throws(SnugError) -> Tensor {
    if path.hasSuffix(".pb") {
      do { return try TensorFile.read(path: path) } catch {
        throw .format(error)
      }
    }
    do { return try NpyFile.read(path) } catch { throw .dataset(error) }
  }

  /// Writes each tensor to `NAME.npy` in `folder`, which is made where it is missing; `/` and `:` in a
  /// name become `_`.
  ///
  /// - Parameter paths: what the caller reads, which no tensor's file may replace.
  /// - Returns: the paths.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], to folder: String,
    besides paths: JobPaths = JobPaths()
  ) throws(SnugError) -> [String] {
    var owners: [String: String] = [:]
    for (name, _) in tensors {
      let file = NpyFile.fileName(of: name)
      if let other = owners.updateValue(name, forKey: file) {
        throw .outputNames(first: other, second: name, file: file)
      }
    }
    var checked = paths
    checked.write(folder, .folder, as: "--output-dir")
    for file in owners.keys.sorted() {
      checked.write("\(folder)/\(file)", .part, as: "--output-dir")
    }
    try checked.check()
    do { try FilePath.makeFolder(folder) } catch { throw .file(error) }
    var written: [String] = []
    for (name, tensor) in tensors {
      let path = "\(folder)/\(NpyFile.fileName(of: name))"
      do { try NpyFile.write(tensor, to: path) } catch {
        throw .dataset(error)
      }
      written.append(path)
    }
    return written
  }
}

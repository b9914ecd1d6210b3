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
    let file = try fixing(shapes, in: try load()).graph
    let graph = try inSinglePrecision(file)
    let names = graph.inputs.map { graph[$0].name }
    for name in inputs.keys.sorted() where !names.contains(name) {
      throw .unknownInput(file: path, name: name, available: names)
    }
    var feeds: [ValueID: Tensor] = [:]
    for id in graph.inputs {
      guard let tensor = inputs[graph[id].name] else {
        throw .missingInput(file: path, name: graph[id].name, available: names)
      }
      feeds[id] = tensor.inSinglePrecision
    }
    do {
      let results = try Session(graph: graph).run(feeds, fetch: graph.outputs)
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
      let file = fileName(name)
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
      let path = "\(folder)/\(fileName(name))"
      do { try NpyFile.write(tensor, to: path) } catch {
        throw .dataset(error)
      }
      written.append(path)
    }
    return written
  }

  static func fileName(_ name: String) -> String {
    String(name.map { $0 == "/" || $0 == ":" ? "_" : $0 }) + ".npy"
  }
}

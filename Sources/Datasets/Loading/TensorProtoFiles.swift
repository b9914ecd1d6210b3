import OnnxFormat
import TensorCore

/// Opens data sets of serialized ONNX tensors in the layout of the ONNX backend tests.
enum TensorProtoFiles {
  /// The folders that hold `input_0.pb`: `folder` itself, or those directly in it; `nil` where none does.
  static func sets(in folder: Folder) throws(DatasetError) -> [Folder]? {
    if folder.files.contains("input_0.pb") { return [folder] }
    var sets: [Folder] = []
    for name in folder.folders {
      let path = folder.path(of: name)
      if PathKind(path + "/input_0.pb") == .file { sets.append(try Folder(path)) }
    }
    return sets.isEmpty ? nil : sets
  }

  /// Opens the samples of all sets: `input_<i>.pb` for the model's input `i`, and `output_0.pb` as the reference
  /// where every set has it.
  static func open(
    sets: [Folder], path: String, _ request: DatasetRequest
  ) throws(DatasetError) -> ArrayDataset {
    var arrays: [(field: String, array: NpyArray)] = []
    for index in request.inputs.indices {
      arrays.append(try array("input_\(index).pb", in: sets, path: path))
    }
    let hasReference = sets.allSatisfy { $0.files.contains("output_0.pb") }
    return try ArrayDataset(
      path: path, arrays: arrays,
      reference: hasReference ? try array("output_0.pb", in: sets, path: path) : nil,
      request: request)
  }

  /// Opens one file of inputs.
  static func open(
    file path: String, _ request: DatasetRequest
  ) throws(DatasetError) -> ArrayDataset {
    guard request.inputs.count == 1 else {
      throw .missingEntry(
        path: path, entry: request.inputs.map(\.name).joined(separator: "', '"),
        found: ["one tensor"])
    }
    let array = try NpyArray(try read(path), path: path)
    return try ArrayDataset(
      path: path, arrays: [(field: "tensor", array: array)], reference: nil, request: request)
  }

  /// The tensors of one name in all sets, joined along dimension 0.
  private static func array(
    _ name: String, in sets: [Folder], path: String
  ) throws(DatasetError) -> (field: String, array: NpyArray) {
    var tensors: [Tensor] = []
    for set in sets {
      guard set.files.contains(name) else {
        throw .missingEntry(path: set.path, entry: name, found: set.files)
      }
      let tensor = try read(set.path(of: name))
      if let first = tensors.first, first.shape.dropFirst() != tensor.shape.dropFirst() {
        throw .mixedShapes(path: path, first: first.shape, other: tensor.shape)
      }
      tensors.append(tensor)
    }
    guard let joined = tensors.count == 1 ? tensors[0] : Tensor.concatenate(tensors) else {
      throw .elementType(
        path: path, field: name, expected: "tensors of one type and of rank 1 or more",
        actual: tensors.map(\.elementType.onnxName).joined(separator: ", "))
    }
    return (name, try NpyArray(joined, path: tensors.count == 1 ? sets[0].path(of: name) : path))
  }

  private static func read(_ path: String) throws(DatasetError) -> Tensor {
    do {
      return try TensorFile.read(path: path)
    } catch {
      throw .tensorFile(error)
    }
  }
}

import TensorCore

/// What an input of a model is given at every run, where the samples don't hold it.
package enum ConstantInput: Sendable, Hashable {
  /// A tensor as the model takes it.
  case tensor(Tensor)
  /// One number in every element. Dimensions that the model leaves open are those of the same name in the inputs that
  /// the samples hold, or 1.
  case number(Double)
}

extension ConstantInput {
  /// The value of an input; `nil` where its element type doesn't hold it.
  ///
  /// - Parameter sizes: of the dimensions that the type names.
  package func tensor(as type: TensorType, _ sizes: [String: Int] = [:]) -> Tensor? {
    let found: Tensor?
    switch self {
    case .tensor(let tensor): found = tensor
    case .number(let number):
      let shape = (type.dimensions ?? []).map { dimension in
        switch dimension {
        case .fixed(let size): size
        case .symbolic(let name): sizes[name] ?? 1
        default: 1
        }
      }
      let count = Shape.elementCount(shape) ?? 0
      found =
        if let whole = Int64(exactly: number) {
          Tensor([Int64](repeating: whole, count: count), shape: shape)
        } else { Tensor([Float](repeating: Float(number), count: count), shape: shape) }
    }
    return found?.converted(exactlyTo: type.elementType)
  }
}

/// A data set for a model of which some inputs are constant.
struct ConstantInputs: Dataset {
  private let dataset: any Dataset
  /// All inputs of the model, with the constant of each that has one.
  private let inputs: [(input: DatasetRequest.Input, constant: ConstantInput?)]

  var path: String { dataset.path }
  var count: Int { dataset.count }
  var reference: DatasetReference { dataset.reference }
  var classNames: [String]? { dataset.classNames }
  var isStackable: Bool { dataset.isStackable }
  var isQuickToRead: Bool { dataset.isQuickToRead }

  /// - Parameter open: opens the samples for a request that holds the other inputs alone.
  /// - Throws: as `open` does, and ``DatasetError/constant(name:problem:)`` for a constant of no input.
  init(
    _ request: DatasetRequest, open: (DatasetRequest) throws(DatasetError) -> any Dataset
  ) throws(DatasetError) {
    let names = request.inputs.map(\.name)
    for name in request.constants.keys.sorted() where !names.contains(name) {
      throw .constant(
        name: name,
        problem:
          "the model has no such input; it takes \(names.map { "'\($0)'" }.joined(separator: ", "))"
      )
    }
    inputs = request.inputs.map { ($0, request.constants[$0.name]) }
    var varying = request
    varying.constants = [:]
    varying.inputs = request.inputs.filter { request.constants[$0.name] == nil }
    guard !varying.inputs.isEmpty else {
      throw .constant(name: names[0], problem: "no input is left for the samples; leave one out")
    }
    dataset = try open(varying)
  }

  func sampleShape(at index: Int) -> [Int] { dataset.sampleShape(at: index) }

  func select(_ indices: [Int]) throws(DatasetError) { try dataset.select(indices) }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    var batch = try dataset.batch(indices, augmented: draws, reading: reading)
    var sizes: [String: Int] = [:]
    let varying = inputs.filter { $0.constant == nil }
    for ((input, _), tensor) in zip(varying, batch.inputs) {
      for case (.symbolic(let name), let size) in zip(input.type.dimensions ?? [], tensor.shape) {
        sizes[name] = size
      }
    }
    var read = batch.inputs.makeIterator()
    var tensors: [Tensor] = []
    for (input, constant) in inputs {
      if let constant {
        tensors.append(try tensor(constant, for: input, sizes))
      } else if let tensor = read.next() {
        tensors.append(tensor)
      }
    }
    batch.inputs = tensors
    return batch
  }

  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    try dataset.require(augmentation, batchSize: batchSize)
  }

  private func tensor(
    _ constant: ConstantInput, for input: DatasetRequest.Input, _ sizes: [String: Int]
  ) throws(DatasetError) -> Tensor {
    guard let tensor = constant.tensor(as: input.type, sizes) else {
      throw .constant(
        name: input.name,
        problem: "the model takes \(input.type.elementType.onnxName), which doesn't hold the value")
    }
    return tensor
  }
}

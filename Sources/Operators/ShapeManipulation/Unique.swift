import Execution
import GraphIR
import TensorCore

/// The different elements, or slices along an axis, each once (ONNX Unique, opset 11).
///
/// Outputs: the slices, ascending or in the order of their first occurrence; where each first occurs; for each slice of the
/// input the place of its equal in the output; how often each occurs. Slices are compared element by element in row-major
/// order. NaN equals NaN and comes last.
package struct Unique: SerializableOperator, StaticOperator {
  package static let schema = OperatorSchema(
    "Unique", since: 11, inputs: 1...1, outputs: 1...4, inputTypes: [.numeric + [.bool]])

  package var axis: Int?
  package var isSorted: Bool

  package init(axis: Int? = nil, isSorted: Bool = true) {
    self.axis = axis
    self.isSorted = isSorted
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      axis: try attributes.int("axis"), isSorted: try attributes.bool("sorted", default: true))
  }

  package func attributes() -> [Attribute] {
    var result: [Attribute] = []
    if let axis { result.append(Attribute("axis", .int(Int64(axis)))) }
    if !isSorted { result.append(Attribute("sorted", .int(0))) }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let vector = TensorType(.int64, [.unknown])
    guard let type = inputs.type(0) else { return [nil, vector, vector, vector] }
    if let axis, let rank = type.rank { _ = try Axes.normalized(axis, rank: rank) }
    if let results = fold(inputs) { return results.map(\.type) }
    var dimensions: [Dimension]? = [.unknown]
    if let axis {
      dimensions = type.dimensions
      dimensions?[axis < 0 ? axis + (type.rank ?? 0) : axis] = .unknown
    }
    return [TensorType(type.elementType, dimensions), vector, vector, vector]
  }

  package func fold(_ inputs: [InputInfo?]) -> [Tensor]? {
    guard let tensor = inputs.constant(0), let codec = ElementCodec(tensor.elementType),
      let bits = tensor.elementType.bitWidth
    else { return nil }
    var shape = tensor.shape
    var place = 0
    if let axis {
      guard let normalized = try? Axes.normalized(axis, rank: shape.count) else { return nil }
      place = normalized
    } else {
      shape = [tensor.count]
    }
    let slices = Slices(shape: shape, axis: place)
    return tensor.aligned.storage.withBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      let groups = groups(slices, base, codec)
      shape[place] = groups.count
      let size = bits / 8
      let values = TensorStorage(byteCount: shape.reduce(size, *)) { target in
        guard let target = target.baseAddress else { return }
        for (index, group) in groups.enumerated() {
          for element in 0..<slices.size {
            let to = slices.position(element, of: index, among: groups.count)
            let from = slices.position(element, of: group[0], among: slices.count)
            (target + to * size).copyMemory(from: base + from * size, byteCount: size)
          }
        }
      }
      var inverse = [Int64](repeating: 0, count: slices.count)
      for (index, group) in groups.enumerated() {
        for slice in group { inverse[slice] = Int64(index) }
      }
      guard let y = Tensor(elementType: tensor.elementType, shape: shape, storage: values) else {
        return nil
      }
      func vector(_ elements: [Int64]) -> Tensor { Tensor(elements, shape: [elements.count]) }
      return [
        y, vector(groups.map { Int64($0[0]) }), vector(inverse),
        vector(groups.map { Int64($0.count) }),
      ]
    }
  }

  /// The slices that are equal, each group in the order of the input, the groups as they come out.
  private func groups(_ slices: Slices, _ base: UnsafeRawPointer, _ codec: ElementCodec) -> [[Int]]
  {
    func order(_ a: Int, _ b: Int) -> Int {
      for element in 0..<slices.size {
        let order = Self.order(
          codec.load(base, slices.position(element, of: a, among: slices.count)),
          codec.load(base, slices.position(element, of: b, among: slices.count)))
        if order != 0 { return order }
      }
      return 0
    }
    let sorted = (0..<slices.count).sorted { a, b in
      let order = order(a, b)
      return order == 0 ? a < b : order < 0
    }
    var groups: [[Int]] = []
    for slice in sorted {
      if let last = groups.last, order(last[0], slice) == 0 {
        groups[groups.count - 1].append(slice)
      } else {
        groups.append([slice])
      }
    }
    return isSorted ? groups : groups.sorted { $0[0] < $1[0] }
  }

  private static func order(_ a: ElementCodec.Number, _ b: ElementCodec.Number) -> Int {
    func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a > b ? 1 : 0 }
    switch (a, b) {
    case (.integer(let a), .integer(let b)): return order(a, b)
    case (.unsigned(let a), .unsigned(let b)): return order(a, b)
    default:
      let (a, b) = (a.double, b.double)
      return a.isNaN || b.isNaN ? order(a.isNaN ? 1 : 0, b.isNaN ? 1 : 0) : order(a, b)
    }
  }

  /// Slices of a tensor along an axis.
  private struct Slices {
    private let inner: Int
    let count: Int
    /// Elements of one slice.
    let size: Int

    init(shape: [Int], axis: Int) {
      inner = shape[(axis + 1)...].reduce(1, *)
      count = shape[axis]
      size = shape[..<axis].reduce(inner, *)
    }

    /// Where an element of a slice stands in a tensor of `total` slices.
    func position(_ element: Int, of slice: Int, among total: Int) -> Int {
      (element / inner * total + slice) * inner + element % inner
    }
  }
}

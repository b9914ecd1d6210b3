import GraphIR
import TensorCore

/// How a window's padding is told.
package enum AutoPadding: String, Sendable, Hashable, CaseIterable {
  case explicit = "NOTSET"
  /// The output has `ceil(input / stride)` positions, an odd pad more at the end.
  case sameUpper = "SAME_UPPER"
  /// The same with an odd pad more at the beginning.
  case sameLower = "SAME_LOWER"
  case valid = "VALID"
}

/// The attributes that convolution and pooling share; absent lists have their default values.
package struct SlidingWindow: Sendable, Hashable {
  /// `nil` where a convolution takes it from its weight.
  package var kernelShape: [Int]?
  package var strides: [Int]?
  package var dilations: [Int]?
  /// All begins, then all ends.
  package var pads: [Int]?
  package var autoPadding: AutoPadding

  package init(
    kernelShape: [Int]? = nil, strides: [Int]? = nil, dilations: [Int]? = nil, pads: [Int]? = nil,
    autoPadding: AutoPadding = .explicit
  ) {
    self.kernelShape = kernelShape
    self.strides = strides
    self.dilations = dilations
    self.pads = pads
    self.autoPadding = autoPadding
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("auto_pad", default: AutoPadding.explicit.rawValue)
    guard let autoPadding = AutoPadding(rawValue: name) else {
      throw .attributeValue(
        name: "auto_pad", value: name,
        allowed: AutoPadding.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.init(
      kernelShape: try attributes.ints("kernel_shape"), strides: try attributes.ints("strides"),
      dilations: try attributes.ints("dilations"), pads: try attributes.ints("pads"),
      autoPadding: autoPadding)
    try Self.check("kernel_shape", kernelShape, atLeast: 1)
    try Self.check("strides", strides, atLeast: 1)
    try Self.check("dilations", dilations, atLeast: 1)
    try Self.check("pads", pads, atLeast: 0)
  }

  private static func check(_ name: String, _ values: [Int]?, atLeast minimum: Int)
    throws(OperatorError)
  {
    guard let values else { return }
    guard values.allSatisfy({ ($0 >= minimum) && $0 <= Int(Int32.max) }) else {
      throw .attributeValue(
        name: name, value: "\(values)", allowed: "\(minimum) to \(Int32.max) in each axis")
    }
  }

  /// In ONNX form. Padding is written as `pads` or as `auto_pad`, never both.
  package func attributes() -> [Attribute] {
    var result: [Attribute] = []
    if autoPadding != .explicit {
      result.append(Attribute("auto_pad", .string(autoPadding.rawValue)))
    }
    let lists = [
      ("dilations", dilations), ("kernel_shape", kernelShape), ("pads", pads),
      ("strides", strides),
    ]
    for case (let name, let values?) in lists {
      result.append(Attribute(name, .ints(values.map(Int64.init))))
    }
    return result
  }

  /// The window with every list in full, for `kernel.count` spatial axes.
  ///
  /// - Parameter kernel: the kernel's spatial shape.
  /// - Throws: ``OperatorError`` where a list has another length or contradicts the kernel.
  package func resolved(kernel: [Int]) throws(OperatorError) -> ResolvedWindow {
    let rank = kernel.count
    if let kernelShape, kernelShape != kernel {
      throw .mismatch(what: "kernel_shape", expected: "\(kernel)", actual: "\(kernelShape)")
    }
    for size in kernel where size < 1 || size > Int(Int32.max) {
      throw .outOfRange(what: "kernel size", value: size, allowed: "1 to \(Int32.max)")
    }
    let lists = [
      ("strides", strides, rank), ("dilations", dilations, rank), ("pads", pads, 2 * rank),
    ]
    for case (let name, let values?, let expected) in lists where values.count != expected {
      throw .arity(what: name, expected: expected...expected, actual: values.count)
    }
    return ResolvedWindow(
      kernel: kernel, strides: strides ?? [Int](repeating: 1, count: rank),
      dilations: dilations ?? [Int](repeating: 1, count: rank),
      pads: pads ?? [Int](repeating: 0, count: 2 * rank), autoPadding: autoPadding)
  }
}

/// A sliding window with all its lists, each within 32 bits.
package struct ResolvedWindow: Sendable, Hashable {
  package var kernel: [Int]
  package var strides: [Int]
  package var dilations: [Int]
  /// As in the attribute; applies where `autoPadding` is explicit.
  package var pads: [Int]
  package var autoPadding: AutoPadding

  /// Input positions that the dilated kernel spans along an axis.
  package func extent(_ axis: Int) -> Int { dilations[axis] * (kernel[axis] - 1) + 1 }

  /// Begin and end padding along an axis of `size` input positions.
  package func padding(_ axis: Int, size: Int) -> (begin: Int, end: Int) {
    switch autoPadding {
    case .explicit: return (pads[axis], pads[axis + kernel.count])
    case .valid: return (0, 0)
    case .sameUpper, .sameLower:
      let positions = (size - 1) / strides[axis] + 1
      let total = max((positions - 1) * strides[axis] + extent(axis) - size, 0)
      let small = total / 2
      return autoPadding == .sameUpper ? (small, total - small) : (total - small, small)
    }
  }

  /// Output positions of a window that slides over an axis.
  ///
  /// - Throws: ``OperatorError/outOfRange`` where the window doesn't fit even once.
  package func outputDimension(_ axis: Int, of input: Dimension, roundingUp: Bool = false)
    throws(OperatorError) -> Dimension
  {
    guard let size = input.size else {
      let total = pads[axis] + pads[axis + kernel.count]
      let keepsSize =
        strides[axis] == 1
        && (autoPadding == .sameUpper || autoPadding == .sameLower
          || autoPadding == .explicit && total == extent(axis) - 1)
      return keepsSize ? input : .unknown
    }
    guard size <= Dimensions.limit else {
      throw .outOfRange(what: "dimension", value: size, allowed: "up to 2^40")
    }
    if size == 0 { return 0 }
    let (begin, end) = padding(axis, size: size)
    let room = size + begin + end - extent(axis)
    guard room >= 0 else {
      throw .outOfRange(
        what: "kernel extent along axis \(axis)", value: extent(axis),
        allowed: "up to the padded input's \(size + begin + end)")
    }
    let stride = strides[axis]
    guard roundingUp else { return .fixed(room / stride + 1) }
    let positions = (room + stride - 1) / stride + 1
    // A last window that would start in the padding at the end is left out.
    return .fixed((positions - 1) * stride >= size + begin ? positions - 1 : positions)
  }
}

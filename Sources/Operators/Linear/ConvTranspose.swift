import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The transposed convolution: each input position adds its kernel, scaled, to the output (ONNX
/// ConvTranspose, opset 1, 11, 22).
///
/// Inputs: X `[N, C, spatial...]`, W `[C, O/group, kernel...]`, optional B `[O]`. An output dimension is
/// `stride*(input-1) + outputPadding + dilation*(kernel-1) + 1 - pads`.
package struct ConvTranspose: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "ConvTranspose", since: 1, inputs: 2...3, inputTypes: [.float])

  package var dotProduct: DotProductForm? { .transposedConvolution(groups: group) }

  package var window: SlidingWindow
  package var group: Int
  package var outputPadding: [Int]?
  /// The spatial output shape, which then determines the padding.
  package var outputShape: [Int]?

  package init(
    window: SlidingWindow = SlidingWindow(), group: Int = 1, outputPadding: [Int]? = nil,
    outputShape: [Int]? = nil
  ) {
    self.window = window
    self.group = group
    self.outputPadding = outputPadding
    self.outputShape = outputShape
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    window = try SlidingWindow(attributes: attributes)
    group = try attributes.int("group", default: 1)
    outputPadding = try attributes.ints("output_padding")
    outputShape = try attributes.ints("output_shape")
    guard (1...Int(Int32.max)).contains(group) else {
      throw .attributeValue(name: "group", value: "\(group)", allowed: "1 to \(Int32.max)")
    }
    for case (let name, let list?) in [
      ("output_padding", outputPadding), ("output_shape", outputShape),
    ] where !list.allSatisfy({ (0...Int(Int32.max)).contains($0) }) {
      throw .attributeValue(name: name, value: "\(list)", allowed: "0 to \(Int32.max) in each axis")
    }
  }

  package func attributes() -> [Attribute] {
    var result = window.attributes()
    result.append(Attribute("group", .int(Int64(group))))
    if let outputPadding {
      result.append(Attribute("output_padding", .ints(outputPadding.map(Int64.init))))
    }
    if let outputShape {
      result.append(Attribute("output_shape", .ints(outputShape.map(Int64.init))))
    }
    return result.sorted { $0.name < $1.name }
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    _ = try inputs.requireRank(0, atLeast: 3)
    _ = try inputs.requireRank(1, atLeast: 3)
    guard let weight = inputs.dimensions(1), let x = type.dimensions else {
      return [TensorType(type.elementType, nil)]
    }
    guard x.count == weight.count else {
      throw .rank(input: 1, expected: "\(x.count)", actual: weight.count)
    }
    if let expected = weight[0].size, let actual = x[1].size, expected != actual {
      throw .mismatch(what: "input channels", expected: "\(expected)", actual: "\(actual)")
    }
    if let channels = weight[0].size, channels % group != 0 {
      throw .mismatch(
        what: "input channels", expected: "a multiple of group \(group)", actual: "\(channels)")
    }
    var channels = Dimension.unknown
    if let perGroup = weight[1].size {
      let (count, overflow) = perGroup.multipliedReportingOverflow(by: group)
      guard !overflow else {
        throw .outOfRange(what: "output channels", value: perGroup, allowed: "below 2^63 / group")
      }
      channels = .fixed(count)
    }
    try inputs.requireVector(2, "B", count: channels)
    guard let kernel = TensorType(.float32, Array(weight[2...])).shape ?? window.kernelShape else {
      return [
        TensorType(
          type.elementType,
          [x[0], channels] + [Dimension](repeating: .unknown, count: x.count - 2))
      ]
    }
    guard kernel.count == x.count - 2 else {
      throw .rank(input: 0, expected: "\(kernel.count + 2)", actual: x.count)
    }
    var result = [x[0], channels]
    for axis in kernel.indices {
      guard let size = x[axis + 2].size else {
        result.append(outputShape.map { .fixed($0[axis]) } ?? .unknown)
        continue
      }
      result.append(.fixed(try geometry(kernel: kernel, axis, size: size).output))
    }
    return [TensorType(type.elementType, result)]
  }

  /// Output size and padding along one axis.
  package struct Geometry: Sendable, Hashable {
    package var output: Int
    package var begin: Int
    package var end: Int
  }

  /// - Throws: ``OperatorError`` where lists have the wrong length or the output would be negative.
  package func geometry(kernel: [Int], _ axis: Int, size: Int) throws(OperatorError) -> Geometry {
    let window = try window.resolved(kernel: kernel)
    for case (let name, let list?) in [
      ("output_padding", outputPadding), ("output_shape", outputShape),
    ] where list.count != kernel.count {
      throw .arity(what: name, expected: kernel.count...kernel.count, actual: list.count)
    }
    // With strides below 2^31 this bound keeps every sum here within 63 bits.
    guard size <= Int(Int32.max) else {
      throw .outOfRange(what: "dimension", value: size, allowed: "up to \(Int32.max)")
    }
    let extra = outputPadding?[axis] ?? 0
    let full = window.strides[axis] * max(size - 1, 0) + extra + window.extent(axis)
    var output: Int
    var begin: Int
    var end: Int
    if let outputShape {
      output = outputShape[axis]
      (begin, end) = split(max(full - output, 0))
      // A longer output than the windows reach is padded at its end.
      if full < output { end = full - output }
    } else if window.autoPadding == .sameUpper || window.autoPadding == .sameLower {
      output = size * window.strides[axis]
      (begin, end) = split(max(full - output, 0))
      if full < output { end = full - output }
    } else {
      (begin, end) = window.padding(axis, size: size)
      output = full - begin - end
    }
    guard output >= 0 else {
      throw .outOfRange(what: "output dimension \(axis)", value: output, allowed: "0 or more")
    }
    return Geometry(output: output, begin: begin, end: end - extra)
  }

  /// Splits a total pad in two: the odd one goes to the end for SAME_UPPER, else to the beginning.
  private func split(_ total: Int) -> (begin: Int, end: Int) {
    let small = total / 2
    return window.autoPadding == .sameUpper ? (small, total - small) : (total - small, small)
  }
}

extension ConvTranspose: DifferentiableOperator {
  /// oneDNN's deconvolution in the layouts of its choice.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try layer(context).kernel(context)
  }

  /// dX is the convolution of dY; dW correlates dY with X; dB sums dY over samples and positions.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try ConvolutionTraining(try layer(context.kernel), context) }

  private func layer(_ context: KernelContext) throws(KernelError) -> ConvolutionLayer {
    let x = try context.floatInput(0)
    let file = try context.floatInput(1).shape
    let kernel = Array(file[2...])
    let window = try KernelError.operation(try self.window.resolved(kernel: kernel))
    var geometry = ConvolutionGeometry(
      strides: window.strides, dilations: window.dilations, padBegin: [], padEnd: [])
    for axis in kernel.indices {
      let place = try KernelError.operation(
        try self.geometry(kernel: kernel, axis, size: x.shape[axis + 2]))
      geometry.padBegin.append(place.begin)
      geometry.padEnd.append(place.end)
    }
    return ConvolutionLayer(
      geometry: geometry,
      weight: ConvolutionKernels.Weight(file: file, group: group, isTransposed: true),
      isTransposed: true, hasBias: context.optional(2) != nil)
  }
}

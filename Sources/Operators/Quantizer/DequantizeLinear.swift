import CKernels
import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = (x - zeroPoint) * scale` (ONNX DequantizeLinear, opset 10, 13, 19, 21 to 25).
///
/// Inputs: X of an integer type, scale, optional zero point of X's type. Scale and zero point are
/// scalars, or since opset 13 vectors along `axis`, or since opset 21 one entry for each `block_size` elements
/// along it.
package struct DequantizeLinear: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "DequantizeLinear", since: 10, inputs: 2...3, inputTypes: [.any, .float, .any])

  package var linearQuantization: LinearQuantizationForm? {
    LinearQuantizationForm(.toReals, axis: axis, blockSize: blockSize)
  }

  /// The domain under which a file has it.
  package var domain = ""
  package var axis: Int
  /// 0 for none.
  package var blockSize: Int

  package init(axis: Int = 1, blockSize: Int = 0) {
    self.axis = axis
    self.blockSize = blockSize
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      axis: try attributes.int("axis", default: 1),
      blockSize: try LinearQuantization.blockSize(attributes))
  }

  package func attributes() -> [Attribute] {
    // Opset 10 has no axis, so the default isn't written.
    (axis == 1 ? [] : [Attribute("axis", .int(Int64(axis)))])
      + (blockSize == 0 ? [] : [Attribute("block_size", .int(Int64(blockSize)))])
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try LinearQuantization.checkParameters(inputs, axis: axis, blockSize: blockSize)
    if let x = inputs.type(0)?.elementType, let zero = inputs.type(2)?.elementType, x != zero {
      throw .elementType(input: 2, actual: zero, allowed: [x])
    }
    return [TensorType(inputs.type(1)?.elementType ?? .float32, inputs.dimensions(0))]
  }
}

extension DequantizeLinear {
  /// A loop over the layout in which an 8-bit input stands; other integers in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let x = try context.input(0)
    let scale = try context.input(1)
    if blockSize > 0 || x.elementType.bitWidth == 4 || scale.elementType != .float32 {
      return try general(context, x, scale)
    }
    let parameters = try LinearQuantization.Parameters(x, scale: scale, axis: axis)
    let step = scale.type.count == 1 ? 0 : 1
    let zeroStep = context.optional(2).map { $0.type.count == 1 ? 0 : 1 }
    switch x.elementType {
    case .uint8:
      return try kernel(context, parameters, step, zeroStep) { (x, y, n, s, z: UInt8) in
        snug_dequantize_u8(x, y, n, s, Float(z))
      }
    case .int8:
      return try kernel(context, parameters, step, zeroStep) { (x, y, n, s, z: Int8) in
        snug_dequantize_i8(x, y, n, s, Float(z))
      }
    case .uint16: return try plain(context, parameters, step, zeroStep, UInt16.self)
    case .int16: return try plain(context, parameters, step, zeroStep, Int16.self)
    case .int32: return try plain(context, parameters, step, zeroStep, Int32.self)
    case let other:
      throw .operator(.unsupported(what: "DequantizeLinear of \(other.onnxName)"))
    }
  }

  /// Element by element in row-major order.
  private func general(_ context: KernelContext, _ x: KernelInput, _ scale: KernelInput)
    throws(KernelError) -> any Kernel
  {
    let output = try context.output()
    guard let codes = IntegerCodec(x.elementType), let scales = ElementCodec(scale.elementType),
      let results = ElementCodec(output.elementType)
    else {
      throw .operator(.unsupported(what: "DequantizeLinear of \(x.elementType.onnxName)"))
    }
    let index = try LinearQuantization.ParameterIndex(x, scale, axis: axis, blockSize: blockSize)
    let hasZero = context.optional(2) != nil
    let count = x.type.count
    return ClosureKernel(context) { operands in
      let (x, s) = (operands.input(0, as: UInt8.self), operands.input(1, as: UInt8.self))
      let y = operands.output(as: UInt8.self)
      for i in 0..<count {
        let entry = index[i]
        let zero = hasZero ? codes.load(operands.input(2, as: UInt8.self), entry) : 0
        let difference = Float(codes.load(x, i) - zero)
        results.store(.real(Double(difference * scales.load(s, entry).float)), y, i)
      }
    }
  }

  private func plain<T: TensorElement & FixedWidthInteger>(
    _ context: KernelContext, _ parameters: LinearQuantization.Parameters, _ step: Int,
    _ zeroStep: Int?, _ type: T.Type
  ) throws(KernelError) -> any Kernel {
    try kernel(context, parameters, step, zeroStep) { (x, y, n, s, z: T) in
      // The difference of two 32-bit integers needs 33 bits.
      for i in 0..<n { y[i] = Float(Int64(x[i]) - Int64(z)) * s }
    }
  }

  private func kernel<T: TensorElement & FixedWidthInteger>(
    _ context: KernelContext, _ parameters: LinearQuantization.Parameters, _ step: Int,
    _ zeroStep: Int?,
    _ body:
      @escaping @Sendable (
        UnsafePointer<T>, UnsafeMutablePointer<Float>, Int, Float, T
      ) -> Void
  ) throws(KernelError) -> any Kernel {
    let requests = context.requests(first: parameters.layout)
    let nest = parameters.nest
    return ClosureKernel(inputs: requests, outputs: [try parameters.layout.with(.float32)]) {
      operands in
      let x = operands.input(0, as: T.self)
      let s = operands.input(1, as: Float.self)
      let z = zeroStep == nil ? nil : operands.input(2, as: T.self)
      let y = operands.output(as: Float.self)
      nest.forEachEntry(sharing: x, s, z, y) { parts, x, s, z, y in
        for (offset, count, entry) in parts {
          let zero = z.map { $0[entry * (zeroStep ?? 0)] } ?? 0
          body(x + offset, y + offset, count, s[entry * step], zero)
        }
      }
    }
  }
}

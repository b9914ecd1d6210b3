import CKernels
import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = saturate(round(x / scale) + zeroPoint)`, ties to even (ONNX QuantizeLinear, opset 10, 13, 19, 21
/// to 25).
///
/// Inputs: X, scale, optional zero point, whose type is the output's. Scale and zero point are scalars,
/// or since opset 13 vectors along `axis`.
package struct QuantizeLinear: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "QuantizeLinear", since: 10, inputs: 2...3, inputTypes: [.float + [.int32], .float, .any])

  package var linearQuantization: LinearQuantizationForm? {
    LinearQuantizationForm(.toCodes, axis: axis, blockSize: blockSize)
  }

  /// The domain under which a file has it.
  package var domain = ""
  package var axis: Int
  /// The output type where no zero point tells it (opset 21).
  package var outputType: ElementType?

  /// 0 for none.
  package var blockSize: Int

  package init(axis: Int = 1, outputType: ElementType? = nil, blockSize: Int = 0) {
    self.axis = axis
    self.outputType = outputType
    self.blockSize = blockSize
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    blockSize = try LinearQuantization.blockSize(attributes)
    axis = try attributes.int("axis", default: 1)
    let code = try attributes.int("output_dtype", default: 0)
    if code != 0 {
      guard let type = Int32(exactly: code).flatMap(ElementType.init(rawValue:)) else {
        throw .attributeValue(name: "output_dtype", value: "\(code)", allowed: "a known type")
      }
      outputType = type
    }
  }

  package func attributes() -> [Attribute] {
    var result: [Attribute] = []
    // Opset 10 has no axis, so the default isn't written.
    if axis != 1 { result.append(Attribute("axis", .int(Int64(axis)))) }
    if blockSize > 0 { result.append(Attribute("block_size", .int(Int64(blockSize)))) }
    if let outputType {
      result.append(Attribute("output_dtype", .int(Int64(outputType.rawValue))))
    }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try LinearQuantization.checkParameters(inputs, axis: axis, blockSize: blockSize)
    let type: ElementType
    if inputs.isPresent(2) {
      guard let given = inputs.type(2)?.elementType else { return [nil] }
      if let outputType, outputType != given {
        throw .elementType(input: 2, actual: given, allowed: [outputType])
      }
      type = given
    } else {
      type = outputType ?? .uint8
    }
    return [TensorType(type, inputs.dimensions(0))]
  }
}

extension QuantizeLinear {
  /// A loop over the layout in which the input stands, for floats to 8 bits; otherwise element by element.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let x = try context.input(0)
    let scale = try context.input(1)
    let output = try context.output()
    guard x.elementType == .float32, scale.elementType == .float32, blockSize == 0,
      output.elementType == .int8 || output.elementType == .uint8
    else { return try general(context, x, scale, output) }
    let isSigned = output.elementType == .int8
    let (low, high): (Float, Float) = isSigned ? (-128, 127) : (0, 255)
    let hasZero = context.optional(2) != nil
    let parameters = try LinearQuantization.Parameters(x, scale: scale, axis: axis)
    let nest = parameters.nest
    let requests = context.requests(first: parameters.layout)
    let step = scale.type.count == 1 ? 0 : 1
    let zeroStep = context.optional(2).map { $0.type.count == 1 ? 0 : 1 } ?? 0
    let layout = try parameters.layout.with(isSigned ? .int8 : .uint8)
    return ClosureKernel(inputs: requests, outputs: [layout]) { operands in
      let x = operands.input(0, as: Float.self)
      let s = operands.input(1, as: Float.self)
      let z = hasZero ? operands.input(2, as: UInt8.self) : nil
      let y = operands.output(as: UInt8.self)
      nest.forEachEntry(sharing: x, s, z, y) { parts, x, s, z, y in
        for (offset, count, entry) in parts {
          let code = z.map { $0[entry * zeroStep] } ?? 0
          let (at, scale) = (x + offset, s[entry * step])
          if isSigned {
            UnsafeMutableRawPointer(y + offset).withMemoryRebound(to: Int8.self, capacity: count) {
              snug_quantize_i8(at, $0, count, scale, Float(Int8(bitPattern: code)), low, high)
            }
          } else {
            snug_quantize_u8(at, y + offset, count, scale, Float(code), low, high)
          }
        }
      }
    }
  }

  /// Element by element in row-major order.
  private func general(
    _ context: KernelContext, _ x: KernelInput, _ scale: KernelInput, _ output: ConcreteType
  ) throws(KernelError) -> any Kernel {
    guard let codes = IntegerCodec(output.elementType), let numbers = ElementCodec(x.elementType),
      let scales = ElementCodec(scale.elementType)
    else {
      throw .operator(.unsupported(what: "QuantizeLinear to \(output.elementType.onnxName)"))
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
        codes.store(
          codes.code(numbers.load(x, i).float / scales.load(s, entry).float, zero: zero), y, i)
      }
    }
  }
}

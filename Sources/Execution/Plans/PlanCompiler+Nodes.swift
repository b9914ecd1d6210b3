import DNNEngine
import GraphIR
import TensorCore

extension PlanCompiler {
  /// Adds the step that computes a node, with what brings its inputs into the forms that its kernel asks for.
  mutating func add(_ item: Fusion.Item) throws(ExecutionError) {
    let node = graph[item.node]
    let types = item.outputs.map { $0.flatMap { inference.types[$0] } }
    if !trains, types.allSatisfy({ $0 == nil || $0?.count == 0 }) {
      // Nothing to compute; the values still need a place to be observed at.
      for case let output? in item.outputs {
        locations[output] = Location(buffer: add(.arena(byteCount: 0)), layout: .rowMajor)
      }
      return
    }
    let inputs = item.inputs.map { $0.flatMap(describe) }
    let read = zip(item.outputs, types).map { value, type in
      value.flatMap { item.isRead($0) ? type : nil }
    }
    do {
      let context = FormContext(
        kernel: KernelContext(
          engine: engine, inputs: inputs.map { $0?.value }, outputs: read,
          epilogue: item.epilogue, isReproducible: options.isReproducible),
        inputs: inputs, options: options)
      try context.kernel.checkOutputs()
      let kernel = try makeKernel(node.op, context)
      var operands: [Int?] = []
      for (position, request) in kernel.inputs.enumerated() {
        guard let request else { continue }
        guard item.inputs.indices.contains(position), let source = item.inputs[position] else {
          operands += [Int?](repeating: nil, count: request.operandCount)
          continue
        }
        operands += try buffers(of: source, as: request)
      }
      let results = try place(item.outputs, read, of: kernel, first: operands.first ?? nil)
      var kept: [Int] = []
      for bytes in kernel.keptByteCounts { kept.append(add(.arena(byteCount: bytes))) }
      if !kernel.isView {
        append(
          PlanStep(
            kernel.label, inputs: operands, outputs: results + kept, node: item.node,
            overwritableInput: kernel.overwritableInput
          ) { (operands) throws(KernelError) in try kernel.forward(operands) })
      }
      if let kernel = kernel as? any TrainingKernel, context.wantsAnyGradient {
        // A mask or an index has no gradient, whatever it was computed from.
        trained.formUnion(
          node.outputs.compactMap { $0 }.filter { inference.types[$0]?.elementType == .float32 })
        for (position, output) in node.outputs.enumerated() {
          if let output { preferred[output] = kernel.preferredGradient(of: position) }
        }
        placed.append(Placed(node: item.node, kernel: kernel, inputs: inputs, kept: kept))
      }
    } catch { throw ExecutionError(error, node) }
  }

  /// A kernel with a backward half where a gradient is wanted; else one of the forms that values may have, where the
  /// operator has one for floats, and that of inference for all others.
  private func makeKernel(_ op: any Operator, _ context: FormContext) throws(KernelError)
    -> any FormKernel
  {
    if context.wantsAnyGradient {
      guard let op = op as? any DifferentiableOperator else {
        throw .operator(.unsupported(what: "training through operator '\(op.type)'"))
      }
      return try op.makeTrainingKernel(context)
    }
    if form == .floatsOrIntegers, context.inputs.first??.value.elementType == .float32,
      let op = op as? any FormOperator
    {
      return try op.makeFormKernel(context)
    }
    guard let op = op as? any ExecutableOperator else {
      throw .operator(.unsupported(what: "operator '\(op.type)'"))
    }
    return FloatKernel(op.type, try op.makeAnyKernel(context.kernel))
  }

  /// Gives each output that is read the buffers of its forms; those of a view are its input's.
  private mutating func place(
    _ outputs: [ValueID?], _ types: [ConcreteType?], of kernel: any FormKernel, first: Int?
  ) throws(KernelError) -> [Int?] {
    let forms = kernel.outputs
    if let index = types.indices.first(where: { $0 >= forms.count && types[$0] != nil }) {
      throw .operator(.unsupported(what: "output \(index)"))
    }
    var results: [Int?] = []
    for (position, form) in forms.enumerated() {
      guard position < outputs.count, let value = outputs[position], let type = types[position]
      else {
        results += [Int?](repeating: nil, count: form.operandCount)
        continue
      }
      if let layout = form.floats {
        let buffer: Int
        if kernel.isView, position == 0, let first {
          buffer = first
        } else {
          buffer = add(.arena(byteCount: try bytes(of: type, in: layout)))
        }
        locations[value] = Location(buffer: buffer, layout: layout)
        results.append(buffer)
      }
      if let integers = form.integers {
        let size = MemoryLayout<Float>.size
        let scale = add(.arena(byteCount: integers.scaleCount * size))
        let offset =
          integers.offsetCount == 0 ? nil : add(.arena(byteCount: integers.offsetCount * size))
        let place = IntegerLocation(
          form: integers,
          buffers: [add(.arena(byteCount: integers.layout.byteCount)), scale, offset])
        integerLocations[value] = place
        results += place.buffers
      }
    }
    return results
  }

  private func describe(_ source: Fusion.Input) -> FormInput? {
    switch source {
    case .value(let value):
      guard let type = inference.types[value] else { return nil }
      let converted = integerLocations[value].flatMap {
        try? $0.form.grid(type.shape).channelsLast()
      }
      return FormInput(
        value: KernelInput(
          type: type, layout: locations[value]?.layout ?? converted ?? .rowMajor,
          constant: parameters[value] == nil ? inference.constants[value] : nil),
        integers: integerLocations[value]?.form,
        standsAsFloats: locations[value] != nil || integerLocations[value] == nil,
        wantsGradient: trained.contains(value))
    case .constant(let tensor):
      return FormInput(
        value: KernelInput(
          type: ConcreteType(tensor.elementType, tensor.shape), layout: .rowMajor,
          constant: tensor),
        standsAsFloats: true, wantsGradient: false)
    }
  }
}

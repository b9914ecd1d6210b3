import DNNEngine
import GraphIR
import TensorCore

/// Computes single operators on tensors: for constant folding, and for shape arithmetic.
package enum ConstantEvaluator {
  /// The outputs of an operator.
  ///
  /// - Parameter inputs: one entry for each input, `nil` for an absent optional one.
  /// - Throws: ``KernelError`` where the operator can't be run, or not on these inputs.
  package static func evaluate(_ op: any Operator, inputs: [Tensor?], outputCount: Int = 1)
    throws(KernelError) -> [Tensor]
  {
    let infos = inputs.map { $0.map { InputInfo(type: $0.type, constant: $0) } }
    let types = try KernelError.operation(try op.inferChecked(infos))
    var outputs: [ConcreteType?] = []
    for type in types.prefix(outputCount) {
      guard let type, let shape = type.shape else {
        throw .operator(.unsupported(what: "an output whose shape depends on data"))
      }
      outputs.append(ConcreteType(type.elementType, shape))
    }
    if let results = (op as? any StaticOperator)?.fold(infos) { return results }
    return try evaluate(op, inputs: inputs, outputs: outputs)
  }

  /// ``evaluate(_:inputs:outputCount:)`` with the types of the outputs known.
  package static func evaluate(_ op: any Operator, inputs: [Tensor?], outputs: [ConcreteType?])
    throws(KernelError) -> [Tensor]
  {
    guard let executable = op as? any ExecutableOperator else {
      throw .operator(.unsupported(what: "operator '\(op.type)'"))
    }
    let engine = try KernelError.engine(try Engine.shared())
    Engine.applyThreadCount()
    let inputs = inputs.map { $0.map(\.aligned) }
    let context = KernelContext(
      engine: engine,
      inputs: inputs.map { tensor in
        tensor.map {
          KernelInput(
            type: ConcreteType($0.elementType, $0.shape), layout: .rowMajor, constant: $0)
        }
      },
      outputs: outputs, isReproducible: true)
    if outputs.allSatisfy({ $0 == nil || $0?.count == 0 }) {
      return try outputs.compactMap { $0 }.map { (type) throws(KernelError) in
        try Tensor.allocate(type) { (_) throws(KernelError) in }
      }
    }
    try context.checkOutputs()
    let kernel = try executable.makeAnyKernel(context)
    // Inputs and reordered copies of them, kept until the kernel has run.
    var kept: [AnyObject] = []
    var pointers: [UnsafeMutableRawPointer?] = []
    for (index, tensor) in inputs.enumerated() {
      guard let tensor, kernel.inputs.indices.contains(index) else {
        pointers.append(nil)
        continue
      }
      let hold = tensor.storage.hold()
      kept.append(hold)
      let source = UnsafeMutableRawPointer(mutating: hold.bytes.baseAddress)
      let from = context.inputs[index]
      guard let from, let reorder = try Reorder(engine, from: from, to: kernel.inputs[index]) else {
        pointers.append(source)
        continue
      }
      let arena = try KernelError.engine(try Arena(byteCount: reorder.byteCount))
      try KernelError.engine(try reorder.run(from: source, to: arena.base))
      kept.append(arena)
      pointers.append(arena.base)
    }
    let results = try withExtendedLifetime(kept) { () throws(KernelError) in
      try run(kernel, pointers, outputs, engine)
    }
    kept = []
    for tensor in inputs { tensor?.storage.discard() }
    return results
  }

  private static func run(
    _ kernel: any Kernel, _ inputs: [UnsafeMutableRawPointer?], _ outputs: [ConcreteType?],
    _ engine: Engine
  ) throws(KernelError) -> [Tensor] {
    var arenas: [Arena?] = []
    for (index, type) in outputs.enumerated() {
      guard let type else {
        arenas.append(nil)
        continue
      }
      let layout = try kernel.layout(ofOutput: index)
      arenas.append(
        try KernelError.engine(try Arena(byteCount: layout.byteCount(of: type))))
    }
    var pointers = arenas.map { $0?.base }
    if kernel.isView {
      pointers[0] = inputs[0]
    } else {
      try inputs.withUnsafeBufferPointer { (inputs) throws(KernelError) in
        try pointers.withUnsafeBufferPointer { (outputs) throws(KernelError) in
          guard let outputs = outputs.baseAddress else { return }
          // A node without inputs reads none, so any address does.
          try kernel.forward(Operands(inputs: inputs.baseAddress ?? outputs, outputs: outputs))
        }
      }
    }
    var tensors: [Tensor] = []
    for (index, type) in outputs.enumerated() {
      guard let type else { continue }
      let reorder = try Reorder(
        engine, from: KernelInput(type: type, layout: kernel.outputs[index]), to: .rowMajor)
      tensors.append(
        try Tensor.allocate(type) { (bytes) throws(KernelError) in
          guard let target = bytes.baseAddress, let source = pointers[index] else { return }
          guard let reorder else {
            target.copyMemory(from: source, byteCount: bytes.count)
            return
          }
          try KernelError.engine(try reorder.run(from: source, to: target))
        })
    }
    return withExtendedLifetime(arenas) { tensors }
  }
}

extension Tensor {
  /// This tensor, or a copy, in memory that has an address, even for no elements, that suits typed access.
  public var aligned: Tensor {
    if storage.isAligned(to: 8) { return self }
    let copy = TensorStorage(byteCount: storage.byteCount) { target in
      storage.withBytes { target.copyMemory(from: $0) }
    }
    return Tensor(elementType: elementType, shape: shape, storage: copy) ?? self
  }

  /// A tensor of any fixed-size type that `initialize` fills.
  package static func allocate(
    _ type: ConcreteType,
    _ initialize: (UnsafeMutableRawBufferPointer) throws(KernelError) -> Void
  ) throws(KernelError) -> Tensor {
    let bytes = try KernelError.engine(try type.checkedByteCount())
    let storage = try TensorStorage(byteCount: bytes, initialize: initialize)
    guard let tensor = Tensor(elementType: type.elementType, shape: type.shape, storage: storage)
    else { throw .operator(.unsupported(what: "element type \(type.elementType.onnxName)")) }
    return tensor
  }
}

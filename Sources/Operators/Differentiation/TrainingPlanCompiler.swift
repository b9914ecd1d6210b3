import DNNEngine
import GraphIR
import TensorCore

/// Memory of one trained tensor, or of running statistics that training updates.
public struct ParameterMemory: @unchecked Sendable {
  public let shape: [Int]
  /// Row-major.
  public let values: UnsafeMutablePointer<Float>
  /// Row-major; `nil` for what has no gradient.
  public let gradient: UnsafeMutablePointer<Float>?

  public init(
    shape: [Int], values: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) {
    self.shape = shape
    self.values = values
    self.gradient = gradient
  }
}

/// Turns a graph into a ``TrainingPlan``.
///
/// 1. Forward in topological order: a kernel is told in which layouts and forms its inputs stand, states
///    what it wants, and gets a reordered copy where they differ, shared by all that want the same.
/// 2. Backward in the opposite order: each kernel's second half is made when the layouts of its outputs'
///    gradients are known. Gradients that meet at a value are added.
/// 3. All buffers are placed in one arena by the steps between which they live.
struct TrainingPlanCompiler {
  enum Buffer {
    case fed(ValueID)
    case fixed(UnsafeMutableRawPointer)
    case arena(byteCount: Int)
  }

  struct Step {
    var body: Backward.Body
    var inputs: [Int?]
    var outputs: [Int?]
    var node: NodeID?
    var label: String
    /// True where nothing that it reads ever changes, so that it runs once.
    var isConstant = false
  }

  /// Floats in memory.
  struct Location {
    var buffer: Int
    var layout: TensorLayout
  }

  /// Integers in memory.
  struct IntegerLocation {
    var form: IntegerForm
    /// Integers, scale, offset.
    var buffers: [Int?]
  }

  /// A node's kernel with the places of its operands.
  struct Placed {
    var node: NodeID
    var kernel: any TrainingKernel
    var inputs: [TrainingInput?]
    var outputs: [OutputForm]
    var kept: [Int]
  }

  struct CopyKey: Hashable {
    var value: ValueID
    var request: TrainingRequest
  }

  let graph: Graph
  let engine: Engine
  let inference: ConcreteInference
  let parameters: [ValueID: ParameterMemory]
  let options: TrainingOptions
  let cache = ConstantCache()
  var buffers: [Buffer] = []
  var steps: [Step] = []
  var retained: [AnyObject] = []
  var locations: [ValueID: Location] = [:]
  var integerLocations: [ValueID: IntegerLocation] = [:]
  var copies: [CopyKey: [Int?]] = [:]
  /// Values behind which something is trained.
  var trained: Set<ValueID> = []
  /// Layouts in which the producers of values would like their gradients.
  var preferred: [ValueID: TensorLayout] = [:]
  var placed: [Placed] = []
  /// Buffers that no run changes, where nothing is trained.
  var constant: Set<Int> = []
  /// Whether anything is trained.
  var trains = false
  var gradients: [ValueID: Location] = [:]

  /// - Parameters:
  ///   - fed: the values that the caller gives at each run.
  ///   - output: the value that a loss is computed from; of 32-bit floats.
  mutating func compile(fed: [ValueID], output: ValueID) throws(ExecutionError) -> TrainingPlan {
    let (type, result) = try addForward(fed: fed, output: output)
    guard trained.contains(output) else { throw .notComputable(name: graph[output].name) }
    do throws(KernelError) {
      gradients[output] = Location(
        buffer: add(.arena(byteCount: try bytes(of: type))), layout: .rowMajor)
    } catch { throw ExecutionError(error, name: graph[output].name) }
    let loss = steps.count
    let seed = gradients[output]?.buffer
    // The caller reads the output and writes its gradient here.
    append(Step(body: { _ in }, inputs: [result], outputs: [seed], node: nil, label: "loss"))
    for record in placed.reversed() { try addBackward(record) }
    do throws(KernelError) { try finishParameters() } catch {
      throw ExecutionError(error, name: "(parameter gradients)")
    }
    return try layOut(loss: loss, output: type)
  }

  /// The plan of the forward half alone; parameters are constants then.
  mutating func compileForward(fed: [ValueID], output: ValueID) throws(ExecutionError)
    -> TrainingPlan
  {
    let (type, result) = try addForward(fed: fed, output: output)
    append(Step(body: { _ in }, inputs: [result], outputs: [nil], node: nil, label: "result"))
    return try layOut(loss: steps.count - 1, output: type)
  }

  private mutating func addForward(fed: [ValueID], output: ValueID) throws(ExecutionError)
    -> (type: ConcreteType, result: Int)
  {
    for value in fed {
      locations[value] = Location(buffer: add(.fed(value)), layout: .rowMajor)
    }
    for (value, memory) in parameters {
      locations[value] = Location(
        buffer: add(.fixed(UnsafeMutableRawPointer(memory.values))), layout: .rowMajor)
      if memory.gradient != nil { trained.insert(value) }
    }
    trains = !trained.isEmpty
    for id in inference.nodes { try addForward(id) }
    guard let type = inference.types[output], type.elementType == .float32 else {
      throw .notComputable(name: graph[output].name)
    }
    do throws(KernelError) { return (type, try floats(of: output, as: .rowMajor)) } catch {
      throw ExecutionError(error, name: graph[output].name)
    }
  }

  /// Adds a step, which runs once where all that it reads is constant.
  mutating func append(_ step: Step) {
    var step = step
    step.isConstant =
      !trains && !step.outputs.isEmpty
      && step.inputs.allSatisfy { $0.map(constant.contains) ?? true }
    if step.isConstant { constant.formUnion(step.outputs.compactMap { $0 }) }
    steps.append(step)
  }

  mutating func add(_ buffer: Buffer) -> Int {
    if case .fixed = buffer { constant.insert(buffers.count) }
    buffers.append(buffer)
    return buffers.count - 1
  }

  func bytes(of type: ConcreteType, in layout: TensorLayout = .rowMajor) throws(KernelError) -> Int
  {
    try KernelError.engine { () throws(EngineError) in try layout.byteCount(of: type) }
  }

  // MARK: Forward

  private mutating func addForward(_ id: NodeID) throws(ExecutionError) {
    let node = graph[id]
    let inputs = node.inputs.map { $0.flatMap(describe) }
    let types = node.outputs.map { output in
      output.flatMap { isRead($0) ? inference.types[$0] : nil }
    }
    do throws(KernelError) {
      let context = TrainingContext(
        kernel: KernelContext(
          engine: engine, inputs: inputs.map { $0?.value }, outputs: types,
          isReproducible: options.isReproducible),
        inputs: inputs, options: options)
      try context.kernel.checkOutputs()
      let kernel = try makeKernel(node.op, context)
      var record = Placed(
        node: id, kernel: kernel, inputs: inputs, outputs: kernel.outputs, kept: [])
      var operands: [Int?] = []
      for (position, request) in kernel.inputs.enumerated() {
        guard let request else { continue }
        guard let value = node.inputs[position] else {
          operands += [Int?](repeating: nil, count: request.operandCount)
          continue
        }
        operands += try buffers(of: value, as: request)
      }
      let results = try placeOutputs(node, types, kernel, first: operands.first ?? nil)
      for bytes in kernel.keptByteCounts { record.kept.append(add(.arena(byteCount: bytes))) }
      if !kernel.isView {
        append(
          Step(
            body: { (operands) throws(KernelError) in try kernel.forward(operands) },
            inputs: operands, outputs: results + record.kept, node: id, label: kernel.label))
      }
      if inputs.contains(where: { $0?.wantsGradient ?? false }) {
        // A mask or an index has no gradient, whatever it was computed from.
        trained.formUnion(
          node.outputs.compactMap { $0 }.filter { inference.types[$0]?.elementType == .float32 })
        for (position, output) in node.outputs.enumerated() {
          if let output { preferred[output] = kernel.preferredGradient(of: position) }
        }
        placed.append(record)
      }
    } catch { throw ExecutionError(error, node) }
  }

  /// The training kernel of an operator with a derivative; where no gradient is wanted, that of inference
  /// does for the others, and for tensors that aren't of floats.
  private func makeKernel(_ op: any Operator, _ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  {
    let isWanted = context.inputs.contains { $0?.wantsGradient ?? false }
    let isFloat = context.inputs.first.map { $0?.value.elementType == .float32 } ?? false
    if isWanted || isFloat, let op = op as? any DifferentiableOperator {
      return try op.makeTrainingKernel(context)
    }
    guard !isWanted, let op = op as? any ExecutableOperator else {
      throw .operator(.unsupported(what: "training through operator '\(op.type)'"))
    }
    return InferredTrainingKernel.withoutGradient(op.type, try op.makeKernel(context.kernel))
  }

  private func isRead(_ value: ValueID) -> Bool {
    graph.isOutput(value) || !graph.consumers(of: value).isEmpty
  }

  /// Gives each output that is read the buffers of its forms; those of a view are its input's.
  private mutating func placeOutputs(
    _ node: Node, _ types: [ConcreteType?], _ kernel: any TrainingKernel, first: Int?
  ) throws(KernelError) -> [Int?] {
    var results: [Int?] = []
    for (position, form) in kernel.outputs.enumerated() {
      let value = node.outputs.indices.contains(position) ? node.outputs[position] : nil
      let type = types.indices.contains(position) ? types[position] : nil
      guard let value, let type else {
        results += [Int?](
          repeating: nil, count: (form.floats == nil ? 0 : 1) + (form.integers == nil ? 0 : 3))
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

  private func describe(_ value: ValueID) -> TrainingInput? {
    guard let type = inference.types[value] else { return nil }
    let converted = integerLocations[value].flatMap {
      try? $0.form.grid(type.shape).channelsLast()
    }
    return TrainingInput(
      value: KernelInput(
        type: type, layout: locations[value]?.layout ?? converted ?? .rowMajor,
        constant: parameters[value] == nil ? inference.constants[value] : nil),
      integers: integerLocations[value]?.form,
      standsAsFloats: locations[value] != nil || integerLocations[value] == nil,
      wantsGradient: trained.contains(value))
  }
}

import DNNEngine
import GraphIR
import TensorCore

extension PlanCompiler {
  /// The plan of a training.
  ///
  /// - Parameters:
  ///   - fed: the values that the caller gives at each run.
  ///   - output: the value that a loss is computed from; of 32-bit floats.
  mutating func compileTraining(fed: [ValueID], output: ValueID, items: [Fusion.Item])
    throws(ExecutionError) -> TrainingPlan
  {
    try addForward(fed: fed, items: items)
    guard let type = inference.types[output], type.elementType == .float32,
      trained.contains(output)
    else { throw .notComputable(name: graph[output].name) }
    let loss: Int
    do {
      let result = try floats(of: output, as: .rowMajor)
      let seed = add(.arena(byteCount: try bytes(of: type)))
      gradients[output] = Location(buffer: seed, layout: .rowMajor)
      loss = steps.count
      // The caller reads the output and writes its gradient here.
      append(PlanStep("loss", inputs: [result], outputs: [seed]) { _ in })
    } catch { throw ExecutionError(error, name: graph[output].name) }
    for record in placed.reversed() { try addBackward(record) }
    do { try finishParameters() } catch {
      throw ExecutionError(error, name: "(parameter gradients)")
    }
    let (plan, operands) = try layOut(loss: loss)
    let ends = operands[loss]
    return TrainingPlan(
      plan,
      output: TrainingPlan.Output(
        shape: type.shape, values: UnsafeMutablePointer(mutating: ends.input(0, as: Float.self)),
        gradient: ends.output(0, as: Float.self)))
  }

  /// Adds the backward half of a node, where any gradient reaches it.
  private mutating func addBackward(_ record: Placed) throws(ExecutionError) {
    let node = graph[record.node]
    let layouts = node.outputs.map { $0.flatMap { gradients[$0]?.layout } }
    guard layouts.contains(where: { $0 != nil }) else { return }
    let context = BackwardContext(
      gradients: layouts, wanted: record.inputs.map { $0?.wantsGradient ?? false },
      preferred: node.inputs.map { input in
        input.flatMap { parameters[$0] == nil ? preferred[$0] : .rowMajor }
      })
    do {
      for part in try record.kernel.makeBackward(context) { try add(part, node, record) }
    } catch { throw ExecutionError(error, node) }
  }

  private mutating func add(_ backward: Backward, _ node: Node, _ record: Placed)
    throws(KernelError)
  {
    var operands: [Int?] = []
    /// Where the gradient of each output stands in the layout asked for.
    var upstream: [Int: Int] = [:]
    for operand in backward.operands {
      let found = try buffers(of: operand, node, record)
      if case .gradient(let output, _) = operand { upstream[output] = found[0] }
      operands += found
    }
    var outputs: [Int?] = []
    var contributions: [(value: ValueID, place: Location)] = []
    for result in backward.results {
      guard let value = node.inputs[result.input], let type = inference.types[value] else {
        throw .operator(.missingInput(index: result.input, name: "\(result.input)"))
      }
      let buffer: Int
      switch result.memory {
      case .own:
        buffer = try gradientBuffer(of: value, type, result.layout)
        outputs.append(buffer)
      case .gradient(let output):
        guard let found = upstream[output] else { continue }
        buffer = found
      case .result(let index): buffer = contributions[index].place.buffer
      }
      contributions.append((value, Location(buffer: buffer, layout: result.layout)))
    }
    let scratch = backward.scratchByteCounts.map { add(.arena(byteCount: $0)) }
    if !outputs.isEmpty || !backward.scratchByteCounts.isEmpty || contributions.isEmpty {
      append(
        PlanStep(
          backward.label, inputs: operands, outputs: outputs + scratch, node: record.node,
          body: backward.body))
    }
    for (value, place) in contributions where wants(value) { try accumulate(place, into: value) }
  }

  /// Whether the gradient of a value is of use: running statistics and plain constants have none.
  private func wants(_ value: ValueID) -> Bool { trained.contains(value) }

  private mutating func buffers(
    of operand: Backward.Operand, _ node: Node, _ record: Placed
  ) throws(KernelError) -> [Int?] {
    switch operand {
    case .input(let index, let request):
      guard let value = node.inputs[index] else { return [nil] }
      return [try floats(of: value, as: request)]
    case .integers(let index):
      guard let value = node.inputs[index] else { return [nil, nil, nil] }
      return try integers(of: value, as: nil)
    case .output(let index):
      guard let value = node.outputs[index], let place = locations[value] else { return [nil] }
      return [place.buffer]
    case .kept(let index):
      return [record.kept[index]]
    case .gradient(let index, let layout):
      guard let value = node.outputs[index], let place = gradients[value],
        let type = inference.types[value]
      else { return [nil] }
      return [try reordered(place, type, to: layout)]
    }
  }

  /// A gradient in another layout.
  private mutating func reordered(
    _ place: Location, _ type: ConcreteType, to layout: TensorLayout
  ) throws(KernelError) -> Int {
    let input = KernelInput(type: type, layout: place.layout)
    guard let reorder = try Reorder(engine, from: input, to: .layout(layout)) else {
      return place.buffer
    }
    return append(reorder, from: place.buffer)
  }

  /// Where a computed gradient goes: straight into a parameter's memory where that is all there is to it.
  private mutating func gradientBuffer(
    of value: ValueID, _ type: ConcreteType, _ layout: TensorLayout
  ) throws(KernelError) -> Int {
    if let memory = parameters[value]?.gradient, layout == .rowMajor, gradients[value] == nil,
      graph.consumers(of: value).count == 1
    {
      return add(.fixed(UnsafeMutableRawPointer(memory)))
    }
    return add(.arena(byteCount: try bytes(of: type, in: layout)))
  }

  /// Adds a contribution to the gradient of a value.
  private mutating func accumulate(_ place: Location, into value: ValueID) throws(KernelError) {
    guard let sum = gradients[value], let type = inference.types[value] else {
      gradients[value] = place
      return
    }
    let other = try reordered(place, type, to: sum.layout)
    let count = try bytes(of: type, in: sum.layout) / MemoryLayout<Float>.size
    // A new buffer, since either operand may be the gradient of another value too.
    let result = add(.arena(byteCount: count * MemoryLayout<Float>.size))
    let addition = GradientSum(count: count)
    append(
      PlanStep("gradient sum", inputs: [sum.buffer, other], outputs: [result]) { operands in
        addition.run(operands)
      })
    gradients[value] = Location(buffer: result, layout: sum.layout)
  }

  private mutating func addZeros(at gradient: UnsafeMutablePointer<Float>, count: Int) {
    let result = add(.fixed(UnsafeMutableRawPointer(gradient)))
    append(
      PlanStep("copy", inputs: [], outputs: [result]) { operands in
        operands.output(as: Float.self).update(repeating: 0, count: count)
      })
  }

  /// Brings parameters' gradients to their memory that don't stand there yet; 0 where none has come.
  private mutating func finishParameters() throws(KernelError) {
    for value in parameters.keys.sorted() {
      guard let memory = parameters[value]?.gradient, let type = inference.types[value] else {
        continue
      }
      guard let place = gradients[value] else {
        addZeros(at: memory, count: type.count)
        continue
      }
      let target = UnsafeMutableRawPointer(memory)
      if case .fixed(let pointer) = buffers[place.buffer], pointer == target { continue }
      let result = add(.fixed(target))
      let input = KernelInput(type: type, layout: place.layout)
      if let reorder = try Reorder(engine, from: input, to: .rowMajor) {
        append(reorder, from: place.buffer, to: result)
      } else {
        let count = type.count * MemoryLayout<Float>.size
        append(
          PlanStep("copy", inputs: [place.buffer], outputs: [result]) { operands in
            operands.output(as: UInt8.self).update(
              from: operands.input(0, as: UInt8.self), count: count)
          })
      }
    }
  }
}

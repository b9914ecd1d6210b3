import DNNEngine
import GraphIR
import TensorCore

extension TrainingPlanCompiler {
  /// Adds the backward half of a node, where any gradient reaches it.
  mutating func addBackward(_ record: Placed) throws(ExecutionError) {
    let node = graph[record.node]
    let layouts = node.outputs.map { $0.flatMap { gradients[$0]?.layout } }
    guard layouts.contains(where: { $0 != nil }) else { return }
    let context = BackwardContext(
      gradients: layouts, wanted: record.inputs.map { $0?.wantsGradient ?? false },
      preferred: node.inputs.map { input in
        input.flatMap { parameters[$0] == nil ? preferred[$0] : .rowMajor }
      })
    do throws(KernelError) {
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
        Step(
          body: backward.body, inputs: operands, outputs: outputs + scratch,
          node: record.node, label: backward.label))
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
      return try buffers(of: value, as: .integers(nil))
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
      Step(
        body: { operands in addition.run(operands) }, inputs: [sum.buffer, other],
        outputs: [result], node: nil, label: "gradient sum"))
    gradients[value] = Location(buffer: result, layout: sum.layout)
  }

  private mutating func addZeros(at gradient: UnsafeMutablePointer<Float>, count: Int) {
    let result = add(.fixed(UnsafeMutableRawPointer(gradient)))
    append(
      Step(
        body: { operands in
          operands.output(as: Float.self).update(repeating: 0, count: count)
        }, inputs: [], outputs: [result], node: nil, label: "copy"))
  }

  /// Brings parameters' gradients to their memory that don't stand there yet; 0 where none has come.
  mutating func finishParameters() throws(KernelError) {
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
          Step(
            body: { operands in
              operands.output(as: UInt8.self).update(
                from: operands.input(0, as: UInt8.self), count: count)
            }, inputs: [place.buffer], outputs: [result], node: nil, label: "copy"))
      }
    }
  }
}

import DNNEngine
import GraphIR
import TensorCore

extension PlanCompiler {
  /// The buffers that hold what a kernel reads as it asks for it, made by a copy where needed.
  mutating func buffers(of source: Fusion.Input, as request: FormRequest) throws(KernelError)
    -> [Int?]
  {
    switch (source, request) {
    case (.value(let value), .floats(let form)): [try floats(of: value, as: form)]
    case (.value(let value), .integers(let form)): try integers(of: value, as: form)
    case (.constant(let tensor), .floats(let form)):
      [
        try constant(
          tensor, ConcreteType(tensor.elementType, tensor.shape), as: form, isLasting: true)
      ]
    case (.constant, .integers): throw Self.notIntegers
    }
  }

  private static var notIntegers: KernelError {
    .operator(.unsupported(what: "a value that isn't held as integers"))
  }

  /// The buffer that holds a value as floats in the form asked for.
  mutating func floats(of value: ValueID, as request: InputRequest) throws(KernelError) -> Int {
    let key = CopyKey(value: value, request: .floats(request))
    if let existing = copies[key]?.first, let buffer = existing { return buffer }
    guard let type = inference.types[value] else {
      throw .operator(.unsupported(what: "a value without a type"))
    }
    let result: Int
    if locations[value] == nil, let constant = inference.constants[value] {
      result = try self.constant(constant, type, as: request, isLasting: inference.isLasting(value))
    } else if let location = locations[value] {
      result = try reordered(value, type, from: location, to: request)
    } else if let place = integerLocations[value] {
      result = try converted(value, type, place, to: request)
    } else {
      throw .operator(.unsupported(what: "a value without a place"))
    }
    copies[key] = [result]
    return result
  }

  /// The buffers of integers, scale and offset, the integers reordered where another form is asked for.
  mutating func integers(of value: ValueID, as request: InputRequest?) throws(KernelError)
    -> [Int?]
  {
    guard let place = integerLocations[value], let type = inference.types[value] else {
      throw Self.notIntegers
    }
    guard let request else { return place.buffers }
    let key = CopyKey(value: value, request: .integers(request))
    if let existing = copies[key] { return existing }
    let held = KernelInput(
      type: ConcreteType(place.form.element.elementType, type.shape),
      layout: TensorLayout(place.form.layout))
    var buffers = place.buffers
    if let reorder = try Reorder(engine, from: held, to: request), let source = buffers[0] {
      buffers[0] = append(reorder, from: source)
    }
    copies[key] = buffers
    return buffers
  }

  private mutating func constant(
    _ tensor: Tensor, _ type: ConcreteType, as request: InputRequest, isLasting: Bool
  ) throws(KernelError) -> Int {
    let input = KernelInput(type: type, layout: .rowMajor, constant: tensor)
    let (pointer, owner) = try cache.pointer(
      to: tensor, input, as: request, engine, isLasting: isLasting)
    retained.append(owner)
    return add(.fixed(pointer))
  }

  private mutating func reordered(
    _ value: ValueID, _ type: ConcreteType, from location: Location, to request: InputRequest
  ) throws(KernelError) -> Int {
    var source = location
    if case .packed = request, source.layout != .rowMajor {
      source = Location(buffer: try floats(of: value, as: .rowMajor), layout: .rowMajor)
    }
    let input = KernelInput(type: type, layout: source.layout)
    guard let reorder = try Reorder(engine, from: input, to: request) else { return source.buffer }
    return append(reorder, from: source.buffer)
  }

  /// Adds a step that copies to a new buffer, which it returns.
  mutating func append(_ reorder: Reorder, from source: Int) -> Int {
    let result = add(.arena(byteCount: reorder.byteCount))
    append(reorder, from: source, to: result)
    return result
  }

  mutating func append(_ reorder: Reorder, from source: Int, to result: Int) {
    append(
      PlanStep("reorder", inputs: [source], outputs: [result]) { (operands) throws(KernelError) in
        try KernelError.engine(
          try reorder.run(from: operands.inputs[0], to: operands.output(as: UInt8.self)))
      })
  }

  /// Makes floats of integers, in a layout with channels in blocks, and reorders them where that isn't the
  /// one asked for.
  private mutating func converted(
    _ value: ValueID, _ type: ConcreteType, _ place: IntegerLocation, to request: InputRequest
  ) throws(KernelError) -> Int {
    guard place.form.channelAxis == 1 || place.form.scaleCount == 1 else {
      throw .operator(.unsupported(what: "floats of a weight that is held as integers alone"))
    }
    let grid = place.form.grid(type.shape)
    guard let source = grid.view(of: TensorLayout(place.form.layout)) else {
      throw .operator(.unsupported(what: "integers in a layout of their own"))
    }
    if case .layout(let layout) = request, let target = grid.view(of: layout) {
      let result = add(.arena(byteCount: try bytes(of: type, in: layout)))
      let conversion = IntegerConversion(grid, place.form, source, target)
      append(
        PlanStep("integers to floats", inputs: place.buffers, outputs: [result]) { operands in
          conversion.run(operands)
        })
      return result
    }
    let layout = try grid.channelsLast()
    let floats = try self.floats(of: value, as: .layout(layout))
    return try reordered(value, type, from: Location(buffer: floats, layout: layout), to: request)
  }
}

extension EngineElement {
  var elementType: ElementType {
    switch self {
    case .float32: .float32
    case .int32: .int32
    case .int8: .int8
    case .uint8: .uint8
    }
  }
}

import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The gradients of a convolution's input, weight and bias.
final class ConvolutionGradients {
  private let layer: ConvolutionLayer
  private let engine: Engine
  private let input: PrimitiveDescriptor?
  /// What computes the input's gradient where its sums must not depend on the number of threads, and might.
  private let inputParts: BatchParts?
  private let weight: PrimitiveDescriptor?
  /// What computes the weight's gradient where its sums must not depend on the number of threads.
  private let parts: WeightGradientParts?
  private let wantsBias: Bool
  private let channels: Int
  /// The layout in which the gradient of the output is read.
  let layout: TensorLayout?

  init(_ layer: ConvolutionLayer, _ context: FormContext) throws(KernelError) {
    self.layer = layer
    engine = context.engine
    wantsBias = layer.hasBias && context.wantsGradient(2)
    channels = try context.kernel.output().shape[1]
    let operands = try ConvolutionKernels.Operands(context.kernel, layer.weight, hasBias: false)
    let forward = try KernelError.engine(try layer.forward(context.engine, operands))
    let maker = Maker(layer: layer, engine: context.engine, operands: operands, forward: forward)
    let isReproducible = context.options.isReproducible
    let algorithms: [ConvolutionAlgorithm] =
      context.options.usesWinograd && !isReproducible && layer.suitsWinograd
      ? [.winograd, .direct] : [.direct]
    var found: MemoryDescriptor?
    if context.wantsGradient(0) {
      let primitive = try KernelError.engine(
        try maker.first(of: algorithms) { (algorithm) throws(EngineError) in
          try maker.input(algorithm)
        })
      inputParts =
        isReproducible && primitive.mayCutSums
        ? try KernelError.engine(try Self.inputParts(maker, whole: primitive)) : nil
      found = try KernelError.engine(try primitive.layout(of: .destinationGradient))
      input = primitive
    } else {
      (input, inputParts) = (nil, nil)
    }
    if context.wantsGradient(1) || wantsBias {
      let wantsBias = wantsBias
      // With one layout of the output's gradient for both, none is reordered.
      let shared = found
      func make() throws(EngineError) -> PrimitiveDescriptor {
        try maker.first(of: algorithms) { (algorithm) throws(EngineError) in
          try maker.weight(algorithm, destination: shared, hasBias: wantsBias)
        }
      }
      let primitive = try KernelError.engine(
        isReproducible ? try Engine.onOneThread(make) : try make())
      if found == nil {
        found = try KernelError.engine(try primitive.layout(of: .destinationGradient))
      }
      weight = primitive
      parts =
        isReproducible
        ? try KernelError.engine(
          try WeightGradientParts(maker, whole: primitive, algorithms, hasBias: wantsBias)) : nil
    } else {
      (weight, parts) = (nil, nil)
    }
    layout = found.map { TensorLayout($0) }
  }

  private static func inputParts(_ maker: Maker, whole: PrimitiveDescriptor) throws(EngineError)
    -> BatchParts
  {
    let w = try whole.layout(of: .weights)
    let dy = try whole.layout(of: .destinationGradient)
    let dx = try whole.layout(of: .sourceGradient)
    return try BatchParts(
      samples: dx.shape[0], count: ConvolutionKernels.partLimit,
      [
        (.weights, w, .shared), (.destinationGradient, dy, .samples),
        (.sourceGradient, dx, .samples),
      ]
    ) { (layouts) throws(EngineError) in
      try maker.with(source: layouts[2], weight: layouts[0], destination: layouts[1]).input(.direct)
    }
  }

  func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    var parts: [Backward] = []
    if let weight { parts.append(try weightPart(weight, context)) }
    if let input, context.wanted[0] { parts.append(try inputPart(input)) }
    return parts
  }

  private func inputPart(_ descriptor: PrimitiveDescriptor) throws(KernelError) -> Backward {
    do {
      let w = try descriptor.layout(of: .weights)
      let dy = try descriptor.layout(of: .destinationGradient)
      let dx = try descriptor.layout(of: .sourceGradient)
      let view = try MemoryDescriptor(shape: layer.weight.shape, strides: layer.weight.strides)
      let parts = inputParts
      let primitive =
        parts == nil
        ? try Primitive(
          descriptor, [(.weights, w), (.destinationGradient, dy), (.sourceGradient, dx)]) : nil
      return Backward(
        "convolution input gradient",
        operands: [.input(1, .packed(target: w, view: view)), .gradient(0, TensorLayout(dy))],
        results: [Backward.Result(input: 0, layout: TensorLayout(dx))]
      ) { (operands) throws(KernelError) in
        try KernelError.engine { () throws(EngineError) in
          if let parts {
            try parts.run([operands.inputs[0], operands.inputs[1], operands.outputs[0]])
          }
          guard let primitive else { return }
          try primitive.point(0, at: operands.inputs[0])
          try primitive.point(1, at: operands.inputs[1])
          try primitive.point(2, at: operands.outputs[0])
          try primitive.run()
        }
      }
    } catch { throw .engine(error) }
  }

  /// The weight's gradient in oneDNN's layout first, then in that of the file.
  private func weightPart(_ descriptor: PrimitiveDescriptor, _ context: BackwardContext)
    throws(KernelError) -> Backward
  {
    do {
      let x = try descriptor.layout(of: .source)
      let dy = try descriptor.layout(of: .destinationGradient)
      let dw = if let parts { parts.weight } else { try descriptor.layout(of: .weightGradient) }
      let view = try MemoryDescriptor(shape: layer.weight.shape, strides: layer.weight.strides)
      let bias = wantsBias ? try MemoryDescriptor(rowMajor: [channels]) : nil
      var arguments: [(Argument, MemoryDescriptor)] = [
        (.source, x), (.destinationGradient, dy), (.weightGradient, dw),
      ]
      if let bias { arguments.append((.biasGradient, bias)) }
      let primitive = parts == nil ? try Primitive(descriptor, arguments) : nil
      let reorder =
        try dw == view
        ? nil
        : Primitive(
          PrimitiveDescriptor.reorder(engine, from: dw, to: view),
          [(.source, dw), (.destination, view)])
      var results = [Backward.Result(input: 1, layout: .rowMajor)]
      if wantsBias { results.append(Backward.Result(input: 2, layout: .rowMajor)) }
      let (scratch, biasPlace) = (results.count, 1)
      var scratchByteCounts = reorder == nil ? [] : [dw.byteCount]
      let partPlace = results.count + scratchByteCounts.count
      if let parts { scratchByteCounts += parts.scratchByteCounts }
      return Backward(
        "convolution weight gradient",
        operands: [.input(0, .layout(TensorLayout(x))), .gradient(0, TensorLayout(dy))],
        results: results, scratchByteCounts: scratchByteCounts
      ) { [parts] (operands) throws(KernelError) in
        try KernelError.engine { () throws(EngineError) in
          let target = operands.outputs[reorder == nil ? 0 : scratch]
          let biasTarget = bias == nil ? nil : operands.outputs[biasPlace]
          if let parts {
            try parts.run(
              source: operands.inputs[0], gradient: operands.inputs[1],
              scratch: operands.outputs + partPlace, weight: target, bias: biasTarget)
          } else if let primitive {
            try primitive.point(0, at: operands.inputs[0])
            try primitive.point(1, at: operands.inputs[1])
            try primitive.point(2, at: target)
            if let biasTarget { try primitive.point(3, at: biasTarget) }
            try primitive.run()
          }
          guard let reorder else { return }
          try reorder.point(0, at: operands.outputs[scratch])
          try reorder.point(1, at: operands.outputs[0])
          try reorder.run()
        }
      }
    } catch { throw .engine(error) }
  }

  /// Makes the primitives of one layer.
  struct Maker {
    let layer: ConvolutionLayer
    let engine: Engine
    var operands: ConvolutionKernels.Operands
    var forward: PrimitiveDescriptor

    /// The first algorithm that oneDNN takes.
    func first(
      of algorithms: [ConvolutionAlgorithm],
      _ make: (ConvolutionAlgorithm) throws(EngineError) -> PrimitiveDescriptor
    ) throws(EngineError) -> PrimitiveDescriptor {
      for algorithm in algorithms.dropLast() {
        if let primitive = try? make(algorithm) { return primitive }
      }
      return try make(algorithms.last ?? .direct)
    }

    /// The maker for operands of those shapes and layouts.
    func with(
      source: MemoryDescriptor, weight: MemoryDescriptor, destination: MemoryDescriptor
    ) throws(EngineError) -> Maker {
      var other = self
      other.operands.source = try .any(source.shape)
      other.operands.destination = try .any(destination.shape)
      other.forward = try layer.forward(engine, other.operands)
      other.operands.source = source
      other.operands.weight = weight
      other.operands.destination = destination
      return other
    }

    func input(_ algorithm: ConvolutionAlgorithm) throws(EngineError) -> PrimitiveDescriptor {
      if layer.isTransposed {
        return try .transposedConvolutionInputGradient(
          engine, source: operands.source, weights: operands.weight,
          destination: operands.destination, layer.geometry, forward: forward)
      }
      return try .convolutionInputGradient(
        engine, source: operands.source, weights: operands.weight,
        destination: operands.destination, layer.geometry, algorithm, forward: forward)
    }

    /// - Parameter destination: the layout of the output's gradient, left to oneDNN where `nil` or refused.
    func weight(
      _ algorithm: ConvolutionAlgorithm, destination: MemoryDescriptor?, hasBias: Bool
    ) throws(EngineError) -> PrimitiveDescriptor {
      let bias = hasBias ? try MemoryDescriptor(rowMajor: [layer.channels]) : nil
      func make(_ y: MemoryDescriptor) throws(EngineError) -> PrimitiveDescriptor {
        if layer.isTransposed {
          return try .transposedConvolutionWeightGradient(
            engine, source: operands.source, weights: operands.weight, bias: bias, destination: y,
            layer.geometry, forward: forward)
        }
        return try .convolutionWeightGradient(
          engine, source: operands.source, weights: operands.weight, bias: bias, destination: y,
          layer.geometry, algorithm, forward: forward)
      }
      if let destination, let primitive = try? make(destination), !primitive.isReference {
        return primitive
      }
      return try make(operands.destination)
    }
  }
}

extension ConvolutionLayer {
  /// Output channels.
  var channels: Int {
    let isGrouped = weight.shape.count > geometry.strides.count + 2
    return isGrouped ? weight.shape[0] * weight.shape[1] : weight.shape[0]
  }

  /// Whether tiles save products: dense 3x3 kernels that move by one.
  var suitsWinograd: Bool {
    !isTransposed && weight.shape.count == 4 && weight.shape[2...] == [3, 3]
      && geometry.strides == [1, 1] && geometry.dilations == [1, 1]
      && min(weight.shape[0], weight.shape[1]) >= 16
  }
}

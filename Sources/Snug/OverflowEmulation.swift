import AccumulatorBounds
import Emulation
import GraphIR
import Operators
import Reporting
import TensorCore
import Verification

/// Registers of limited width to evaluate a quantized model with.
public struct OverflowOptions: Sendable, Hashable {
  public typealias Overflow = NarrowAccumulator.Overflow

  /// Which layers get such a register; the others add exactly.
  public enum Layers: String, Sendable, Hashable, CaseIterable {
    /// All but those that the file holds to 32 bits or more; all but the first and the last where it says nothing.
    case hidden
    case all
  }

  /// P, 2 to 32: of the register that sums products. Where the file sums a layer in tiles that is each tile's, and
  /// the outer register keeps the width that the file states.
  public var accumulatorBits: Int
  public var overflow: Overflow
  public var layers: Layers
  /// The registers of hardware, in place of the tiles that the file states.
  public var registers: Registers?

  public init(
    accumulatorBits: Int, overflow: Overflow = .wrap, layers: Layers = .hidden,
    registers: Registers? = nil
  ) {
    self.accumulatorBits = accumulatorBits
    self.overflow = overflow
    self.layers = layers
    self.registers = registers
  }
}

/// How many accumulators overflowed during an evaluation.
public struct OverflowReport: Sendable, Hashable {
  public typealias Counts = OverflowCounts

  public struct Layer: Sendable, Hashable {
    public var name: String
    public var counts: Counts
    /// How the layer's products are summed in two stages; `nil` for one register.
    public var tiles: Tiling?

    /// Overflowed dot products over all.
    public var share: Double {
      counts.dotProducts == 0 ? 0 : Double(counts.overflowed) / Double(counts.dotProducts)
    }
  }

  public var accumulatorBits: Int
  public var overflow: OverflowOptions.Overflow
  public var layers: [Layer]

  /// All layers together.
  public var total: Layer {
    layers.reduce(into: Layer(name: "", counts: OverflowCounts())) { $0.counts += $1.counts }
  }
}

extension OverflowReport.Layer {
  fileprivate var members: [JSONMember] {
    var members = [
      JSONMember("dot_products", JSONValue(counts.dotProducts)),
      JSONMember("overflowed", JSONValue(counts.overflowed)),
      JSONMember("partially_overflowed", JSONValue(counts.partiallyOverflowed)),
      JSONMember("share", .number(share)),
    ]
    if let tiles {
      members += [
        JSONMember("tile_size", JSONValue(tiles.size)),
        JSONMember("outer_bits", JSONValue(tiles.outerBits)),
        JSONMember("overflowed_in_tiles", JSONValue(counts.inTiles)),
        JSONMember("overflowed_in_outer", JSONValue(counts.inOuter)),
      ]
    }
    return members
  }
}

extension OverflowReport {
  /// The member `overflow` of `evaluate --json`.
  var json: JSONValue {
    .object(
      [
        JSONMember("accumulator_bits", JSONValue(accumulatorBits)),
        JSONMember("mode", .string(overflow.rawValue)),
      ] + total.members + [
        JSONMember(
          "layers",
          .array(layers.map { .object([JSONMember("name", .string($0.name))] + $0.members) }))
      ])
  }
}

/// The layers of a graph whose sums run in registers of limited width.
struct OverflowEmulation {
  let options: OverflowOptions
  private var counters: [(name: String, tiles: Tiling?, counter: OverflowCounter)] = []

  /// Puts the registers into a graph.
  ///
  /// - Parameters:
  ///   - graph: decoded from the file that was analysed.
  ///   - analysis: every dot product of the file.
  /// - Throws: ``SnugError/accumulatorsNotEmulated(file:node:reason:)`` where no layer, or not every one that
  ///   was asked for, adds up integers that can be emulated.
  init(
    _ options: OverflowOptions, _ graph: inout Graph, analysis: VerificationResult, file: String
  ) throws(SnugError) {
    self.options = options
    for verdict in Self.chosen(analysis.layers, options.layers) {
      let layer = verdict.layer
      // No sum that is computed here leaves 64 bits.
      let tiles = verdict.tiles.flatMap {
        Tiling(size: $0.size, outerBits: min($0.outerBits, 64))
      }
      let order: [Int]?
      do {
        order = try verdict.emulatedOrder()
      } catch {
        throw .accumulatorsNotEmulated(file: file, node: layer.name, reason: error.reason)
      }
      guard
        let accumulator = NarrowAccumulator(
          bits: options.accumulatorBits, overflow: options.overflow, tiling: tiles)
      else {
        throw .accumulatorsNotEmulated(
          file: file, node: nil, reason: "\(options.accumulatorBits) bits are outside 1 to 32")
      }
      func refusal(_ reason: String) -> SnugError {
        .accumulatorsNotEmulated(file: file, node: layer.name, reason: reason)
      }
      if let obstacle = layer.obstacle {
        // A layer of floats has no register; one of integers has, whose sums nothing is known of.
        if Self.integerOperators.contains(layer.op) { throw refusal("\(obstacle)") }
        continue
      }
      guard layer.weight != nil else {
        throw refusal(
          "it multiplies two activations, and only products with constant weights are emulated")
      }
      let node = Self.node(of: layer, in: graph)
      guard
        let integers = IntegerLayer(
          layer, order: order, storesInputsLast: order != nil || node?.isChannelsLast ?? false)
      else {
        throw refusal(
          "its operands are not scaled integers of at most 16 bits with one scale a channel, or its bias has more than 47"
        )
      }
      let counter = OverflowCounter()
      guard let node,
        graph.accumulate(node.id, as: integers, in: accumulator, counting: counter)
      else { throw refusal("\(layer.op) is not emulated") }
      counters.append((layer.name, tiles, counter))
    }
    if counters.isEmpty {
      throw .accumulatorsNotEmulated(
        file: file, node: nil, reason: "no layer adds up products of integers")
    }
  }

  private static let integerOperators: Set = [
    "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QGemm",
  ]

  /// The node that multiplies, and whether the file has it with channels last: loading puts a transposition behind
  /// such a node, and a quantizer behind one of onnxruntime's, and both nodes keep the name.
  private static func node(of layer: LayerAnalysis, in graph: Graph) -> (
    id: NodeID, isChannelsLast: Bool
  )? {
    guard let last = graph.value(named: layer.output).flatMap({ graph.producer(of: $0) }) else {
      return nil
    }
    guard last.name != layer.name, let value = last.inputs.first ?? nil,
      let node = graph.producer(of: value), node.name == layer.name
    else { return (last.id, false) }
    return (node.id, last.op.isTransposition)
  }

  private static func chosen(_ layers: [LayerVerdict], _ choice: OverflowOptions.Layers)
    -> [LayerVerdict]
  {
    if choice == .all { return layers }
    let isAnnotated = layers.contains { $0.targetBits != nil }
    if isAnnotated { return layers.filter { ($0.targetBits ?? 0) < Recipe.ioAccumulatorBits } }
    return Array(layers.dropFirst().dropLast())
  }

  var report: OverflowReport {
    OverflowReport(
      accumulatorBits: options.accumulatorBits, overflow: options.overflow,
      layers: counters.map { name, tiles, counter in
        OverflowReport.Layer(name: name, counts: counter.counts, tiles: tiles)
      })
  }
}

extension LayerVerdict {
  /// Why registers aren't emulated.
  fileprivate struct Refusal: Error {
    let reason: String
  }

  /// The positions of a channel's products in the order in which its tiles take them; `nil` as stored.
  fileprivate func emulatedOrder() throws(Refusal) -> [Int]? {
    guard let tiles, layer.isQuantized, layer.weight != nil else { return nil }
    if tiles.tiling.operands != .values {
      guard let input = layer.input, !input.signed, input.zeroPoint == 0,
        tiles.tiling.operands == .unsignedBytes
      else {
        throw Refusal(
          reason:
            "its registers hold codes, which are emulated for unsigned inputs without a zero point alone"
        )
      }
    }
    let count = layer.dotLength ?? 0
    // Of several orders the first is emulated.
    var order: [Int] = []
    for run in tiles.runs where order.count < count {
      guard run.count == tiles.size || order.count + run.count == count else {
        throw Refusal(reason: "registers that end with a position of the kernel aren't emulated")
      }
      order += run
    }
    guard order.count == count else {
      throw Refusal(reason: "registers that take any products aren't emulated")
    }
    return order == Array(0..<count) ? nil : order
  }
}

extension IntegerLayer {
  /// `nil` for a layer of integers or scales that the emulation doesn't take. Operands that are integer tensors by
  /// the operator's definition count in steps of 1.
  ///
  /// - Parameter order: the positions of a channel's products in the order in which they are added; `nil` as stored.
  fileprivate init?(_ layer: LayerAnalysis, order: [Int]?, storesInputsLast: Bool) {
    guard let input = layer.input, let weight = layer.weight,
      let low = Int16(exactly: min(input.integerMinimum, 0)),
      let high = Int16(exactly: max(input.integerMaximum, 0))
    else { return nil }
    let scales =
      weight.scales.isEmpty
      ? [Float](repeating: 1, count: layer.channels.count) : weight.scales
    guard scales.count == layer.channels.count else { return nil }
    var codes: [Int16] = []
    for channel in layer.channels.indices {
      let stored = layer.integers(ofChannel: channel) ?? []
      for integer in order?.map({ stored[$0] }) ?? stored {
        guard let code = Int16(exactly: integer) else { return nil }
        codes.append(code)
      }
    }
    var biases: [Int64] = []
    if let bias = layer.bias {
      // A register starts from one constant a channel.
      guard let values = bias.values else { return nil }
      biases = values
    }
    self.init(
      codes: codes, scales: scales, inputScale: input.scale ?? 1, inputRange: low...high,
      biases: biases, storesInputsLast: storesInputsLast)
  }
}

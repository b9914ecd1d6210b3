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

  /// P, 2 to 32.
  public var accumulatorBits: Int
  public var overflow: Overflow
  public var layers: Layers

  public init(accumulatorBits: Int, overflow: Overflow = .wrap, layers: Layers = .hidden) {
    self.accumulatorBits = accumulatorBits
    self.overflow = overflow
    self.layers = layers
  }
}

/// How many accumulators overflowed during an evaluation.
public struct OverflowReport: Sendable, Hashable {
  public struct Layer: Sendable, Hashable {
    public var name: String
    public var dotProducts: Int
    /// Dot products that overflowed, as ``NarrowAccumulator/Overflow`` defines it.
    public var overflowed: Int
    /// Those that left the register's range on the way or in the end; clamped ones with saturation.
    public var partiallyOverflowed: Int
  }

  public var accumulatorBits: Int
  public var overflow: OverflowOptions.Overflow
  public var layers: [Layer]

  /// All layers together.
  public var total: Layer {
    layers.reduce(into: Layer(name: "", dotProducts: 0, overflowed: 0, partiallyOverflowed: 0)) {
      $0.dotProducts += $1.dotProducts
      $0.overflowed += $1.overflowed
      $0.partiallyOverflowed += $1.partiallyOverflowed
    }
  }
}

extension OverflowReport.Layer {
  /// Overflowed dot products over all.
  public var share: Double { dotProducts == 0 ? 0 : Double(overflowed) / Double(dotProducts) }

  fileprivate var members: [JSONMember] {
    [
      JSONMember("dot_products", JSONValue(dotProducts)),
      JSONMember("overflowed", JSONValue(overflowed)),
      JSONMember("partially_overflowed", JSONValue(partiallyOverflowed)),
      JSONMember("share", .number(share)),
    ]
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
  private var counters: [(name: String, counter: OverflowCounter)] = []

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
    guard
      let accumulator = NarrowAccumulator(
        bits: options.accumulatorBits, overflow: options.overflow)
    else {
      throw .accumulatorsNotEmulated(
        file: file, node: nil, reason: "\(options.accumulatorBits) bits are outside 1 to 32")
    }
    for verdict in Self.chosen(analysis.layers, options.layers) where verdict.layer.isQuantized {
      let layer = verdict.layer
      if let tiles = verdict.tiles {
        throw .accumulatorsNotEmulated(
          file: file, node: layer.name,
          reason: "its products are summed in tiles of \(tiles.size), and one register is emulated")
      }
      guard let integers = IntegerLayer(layer) else {
        throw .accumulatorsNotEmulated(
          file: file, node: layer.name,
          reason: "its operands are not scaled integers of at most 16 bits with one scale a channel"
        )
      }
      let counter = OverflowCounter()
      guard let node = graph.value(named: layer.output).flatMap({ graph.producer(of: $0) }),
        graph.accumulate(node.id, as: integers, in: accumulator, counting: counter)
      else {
        throw .accumulatorsNotEmulated(
          file: file, node: layer.name, reason: "\(layer.op) is not emulated")
      }
      counters.append((layer.name, counter))
    }
    if counters.isEmpty {
      throw .accumulatorsNotEmulated(
        file: file, node: nil, reason: "no layer adds up products of integers")
    }
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
      layers: counters.map { name, counter in
        OverflowReport.Layer(
          name: name, dotProducts: counter.dotProducts, overflowed: counter.overflowed,
          partiallyOverflowed: counter.partiallyOverflowed)
      })
  }
}

extension IntegerLayer {
  /// `nil` for a layer without a constant weight, or of integers or scales that the emulation doesn't take.
  fileprivate init?(_ layer: LayerAnalysis) {
    guard let input = layer.input, let scale = input.scale, let weight = layer.weight,
      weight.scales.count == layer.channels.count,
      let low = Int16(exactly: min(input.integerMinimum, 0)),
      let high = Int16(exactly: max(input.integerMaximum, 0))
    else { return nil }
    var codes: [Int16] = []
    for channel in layer.channels.indices {
      for integer in layer.integers(ofChannel: channel) ?? [] {
        guard let code = Int16(exactly: integer) else { return nil }
        codes.append(code)
      }
    }
    self.init(
      codes: codes, scales: weight.scales, inputScale: scale, inputRange: low...high)
  }
}

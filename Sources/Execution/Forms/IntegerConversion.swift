import CKernels
import DNNEngine
import TensorCore

/// Makes floats of integers: value = integer x scale (+ offset).
final class IntegerConversion: @unchecked Sendable {
  private let grid: ChannelGrid
  private let form: IntegerForm
  private let scale: ScratchBuffer<Float>
  private let offset: ScratchBuffer<Float>
  private let source: snug_view
  private let target: snug_view

  init(_ grid: ChannelGrid, _ form: IntegerForm, _ source: snug_view, _ target: snug_view) {
    self.grid = grid
    self.form = form
    self.source = source
    self.target = target
    scale = ScratchBuffer(grid)
    offset = ScratchBuffer(grid)
  }

  /// Operands: integers, scale, offset; the floats.
  func run(_ operands: Operands) {
    form.fill(
      scale.pointer, offset.pointer, channels: grid.channels,
      scale: operands.input(1, as: Float.self),
      offset: form.offsetCount > 0 ? operands.input(2, as: Float.self) : nil)
    var chain = snug_chain()
    chain.channels = grid.channels
    chain.operands = 1
    chain.operand.0 = snug_operand(
      data: operands.input(0, as: UInt8.self), type: form.element.number, view: source,
      scale: scale.pointer, offset: offset.pointer)
    chain.values = operands.output(0, as: Float.self)
    chain.values_view = target
    grid.parts.forEach(sharing: chain) { _, sample, begin, end, chain in
      withUnsafePointer(to: chain) { snug_chain_forward($0, sample, begin, end) }
    }
  }
}

extension IntegerForm {
  /// The grid of a tensor of that shape in this form: of rows where its memory is row-major, as that of
  /// sequences of features is, else with dimension 1 as the channel.
  func grid(_ shape: [Int]) -> ChannelGrid {
    let grid = ChannelGrid(shape)
    return grid.view(of: TensorLayout(layout)) == nil ? ChannelGrid(shape, isRows: true) : grid
  }

  /// Spreads scale and offset over one entry a channel.
  func fill(
    _ scales: UnsafeMutablePointer<Float>, _ offsets: UnsafeMutablePointer<Float>, channels: Int,
    scale: UnsafePointer<Float>, offset: UnsafePointer<Float>?
  ) {
    for channel in 0..<channels {
      scales[channel] = scale[scaleCount == 1 ? 0 : channel]
      offsets[channel] = offset?[channel] ?? 0
    }
  }
}

extension EngineElement {
  var number: snug_number {
    switch self {
    case .float32: snug_float32
    case .int32: snug_int32
    case .int8: snug_int8
    case .uint8: snug_uint8
    }
  }
}

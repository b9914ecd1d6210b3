import DNNEngine

/// A tensor held as integers: value = integer x scale (+ offset).
///
/// In memory it is three buffers: the integers, the scale (one for all or one a channel), and the offset
/// (one a channel, absent where there is none).
package struct IntegerForm: Sendable, Hashable {
  /// Of 8-bit codes, or of 32-bit accumulators.
  package var layout: MemoryDescriptor
  package var element: EngineElement
  /// Entries of the scale: 1, or the number of channels.
  package var scaleCount: Int
  /// The dimension that counts channels: 1 of activations, 0 of weights.
  package var channelAxis: Int
  /// Entries of the offset, 0 where there is none.
  package var offsetCount: Int

  package init(
    layout: MemoryDescriptor, element: EngineElement, scaleCount: Int = 1, offsetCount: Int = 0,
    channelAxis: Int = 1
  ) {
    self.layout = layout
    self.element = element
    self.scaleCount = scaleCount
    self.offsetCount = offsetCount
    self.channelAxis = channelAxis
  }
}

/// The form in which a kernel reads an input that may stand as integers.
package enum FormRequest: Sendable, Hashable {
  /// As floats: one operand.
  case floats(InputRequest)
  /// As the integers in which it stands, reordered where another form is asked for: three operands, the
  /// integers, their scale and their offset.
  case integers(InputRequest?)

  package static let rowMajor = FormRequest.floats(.rowMajor)

  /// Entries in the operand list.
  var operandCount: Int { if case .floats = self { 1 } else { 3 } }
}

/// The forms in which a kernel writes an output: floats, integers, or both.
package struct OutputForm: Sendable, Hashable {
  package var floats: TensorLayout?
  /// Three operands after that of the floats: integers, scale and offset.
  package var integers: IntegerForm?

  package init(floats: TensorLayout? = nil, integers: IntegerForm? = nil) {
    self.floats = floats
    self.integers = integers
  }

  /// Entries in the operand list.
  var operandCount: Int { (floats == nil ? 0 : 1) + (integers == nil ? 0 : 3) }
}

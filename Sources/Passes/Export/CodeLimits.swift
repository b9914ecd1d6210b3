import GraphIR
import Operators
import TensorCore

/// The constant limits that a Clip keeps integer codes to, as a quantizer of fewer bits than its type is written.
struct CodeLimits {
  /// What the Clip reads.
  let source: ValueID
  let range: ClosedRange<Int>
  let elementType: ElementType

  /// `nil` where no Clip with two constant limits computes the codes.
  init?(of codes: ValueID, in graph: Graph) {
    guard let clip = graph.producer(of: codes), let op = clip.op as? Clip,
      op.bounds == .inputs, clip.inputs.count == 3,
      let source = clip.inputs[0], let low = clip.inputs[1].flatMap({ graph[$0].constant }),
      let high = clip.inputs[2].flatMap({ graph[$0].constant }),
      let least = low.integers()?.first, let greatest = high.integers()?.first, least <= greatest
    else { return nil }
    self.source = source
    range = least...greatest
    elementType = low.elementType
  }
}

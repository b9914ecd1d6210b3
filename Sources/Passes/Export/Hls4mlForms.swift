import GraphIR
import Operators

/// Writes what hls4ml 1.3 misreads in a form that it reads, and refuses what has none.
///
/// 1. GlobalMaxPool: MaxPool over the whole image. hls4ml takes the channels of a global pooling for the second axis, in data
///    whose channels are last, and so reduces over the wrong elements.
///
/// Refused, each with what hls4ml does: average pooling, pooling of other axes than two, and convolutions of groups or with
/// gaps between their taps.
struct Hls4mlForms: Pass {
  static let name = "hls4ml-forms"
  static let mustFollow: [any Pass.Type] = [ShapeInference.self]

  func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      let node = graph[id]
      if let pool = wholeImage(node, in: graph) {
        graph[id].op = pool
        edits.append(Edit(node: node.name, "maximum over the whole image"))
      } else if let reason = reason(node, in: graph) {
        throw .inexpressible(node: node.name, type: node.op.type, format: "hls4ml", reason: reason)
      }
    }
    return edits
  }

  // MARK: Case 1

  private func wholeImage(_ node: Node, in graph: Graph) -> MaxPool? {
    guard node.op.pooling == PoolingForm(.maximum, coversImage: true),
      let sizes = spatialSizes(node, in: graph)
    else { return nil }
    return MaxPool(window: SlidingWindow(kernelShape: sizes))
  }

  /// Two sizes of the image; `nil` for anything else.
  private func spatialSizes(_ node: Node, in graph: Graph) -> [Int]? {
    let dimensions = node.inputs.first.flatMap { $0 }.flatMap { graph[$0].type?.dimensions }
    guard let sizes = dimensions?.dropFirst(2).map(\.size), sizes.count == 2 else { return nil }
    let known = sizes.compactMap { $0 }
    return known.count == 2 ? known : nil
  }

  // MARK: Refusals

  private func reason(_ node: Node, in graph: Graph) -> String? {
    if let pooling = node.op.pooling { return reason(pooling, of: node, in: graph) }
    switch node.op {
    case let convolution as Conv where convolution.group > 1:
      return
        "it doesn't read weights of groups as QONNX stores them, and fails or computes other values; use a convolution of "
        + "one group"
    case let convolution as Conv where convolution.window.dilations?.contains { $0 != 1 } ?? false:
      return "it gives convolutions with gaps between their taps another size; use one without"
    default: return nil
    }
  }

  private func reason(_ pooling: PoolingForm, of node: Node, in graph: Graph) -> String? {
    if pooling.coversImage {
      return
        "it takes channels for positions there, and would compute other values without a word; put a layer in its place, or "
        + "let the model end before it"
    }
    if pooling.statistic != .maximum {
      return
        "it reads maximum pooling alone among those with a window; put a convolution in its place"
    }
    let rank = node.inputs.first.flatMap { $0 }.flatMap { graph[$0].type?.rank }
    return rank == 4
      ? nil : "it reads pooling of two axes alone; write the signal as an image of one row"
  }
}

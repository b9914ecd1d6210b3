import DNNEngine
import Execution
import TensorCore

extension KernelInput {
  /// The layout in which a function of single elements may walk the value, and the number of elements there: memory as it
  /// stands, unless that has padding which wouldn't stay zero.
  ///
  /// - Parameter keepsZero: whether the function of 0 is 0.
  func elementwiseMemory(keepsZero: Bool) -> (layout: TensorLayout, count: Int) {
    guard case .engine(let descriptor) = layout else { return (layout, type.count) }
    guard let dense = descriptor.denseCount, keepsZero || !descriptor.hasPadding else {
      return (.rowMajor, type.count)
    }
    return (layout, dense)
  }
}

extension KernelContext {
  /// Row-major inputs, but for the first one.
  func requests(first layout: TensorLayout) -> [InputRequest] {
    var requests = rowMajorInputs
    requests[0] = .layout(layout)
    return requests
  }
}

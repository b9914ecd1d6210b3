import DNNEngine
import GraphIR
import TensorCore

/// A copy of a value from the layout it stands in to the one that a kernel asks for.
final class Reorder {
  private let primitive: Primitive
  /// Bytes of the destination.
  let byteCount: Int

  /// `nil` where the value already stands as asked.
  ///
  /// - Throws: ``KernelError`` where oneDNN can't convert between the layouts.
  init?(_ engine: Engine, from value: KernelInput, to request: InputRequest) throws(KernelError) {
    let source: MemoryDescriptor
    let target: MemoryDescriptor
    switch request {
    case .layout(let layout) where layout == value.layout: return nil
    case .layout(.rowMajor):
      source = try value.descriptor()
      target = try KernelInput(type: value.type, layout: .rowMajor).descriptor()
    case .layout(.engine(let descriptor)):
      source = try value.descriptor()
      target = descriptor
    case .packed(let descriptor, let view):
      // The view counts in row-major order, so a value in another layout takes two steps.
      guard value.layout == .rowMajor else {
        throw .operator(.unsupported(what: "packing a value in a layout of its own"))
      }
      if view == descriptor { return nil }
      source = view
      target = descriptor
    }
    byteCount = target.byteCount
    primitive = try KernelError.engine { () throws(EngineError) in
      let reorder = try PrimitiveDescriptor.reorder(engine, from: source, to: target)
      return try Primitive(reorder, [(.source, source), (.destination, target)])
    }
  }

  func run(from source: UnsafeMutableRawPointer?, to destination: UnsafeMutableRawPointer)
    throws(EngineError)
  {
    try primitive.point(0, at: source)
    try primitive.point(1, at: destination)
    try primitive.run()
  }
}

extension TensorLayout {
  /// Bytes that a value of that type takes in this layout.
  ///
  /// - Throws: ``EngineError/memory(bytes:)`` where the machine hasn't got as many.
  func byteCount(of type: ConcreteType) throws(EngineError) -> Int {
    if case .engine(let descriptor) = self { return descriptor.byteCount }
    return try type.checkedByteCount()
  }
}

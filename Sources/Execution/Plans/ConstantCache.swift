import DNNEngine
import GraphIR
import TensorCore

/// Constants in the layouts that kernels ask for, packed once and shared by the plans of a session.
final class ConstantCache {
  private struct Key: Hashable {
    var storage: ObjectIdentifier
    var request: InputRequest
  }

  private struct Entry {
    var packed: Arena
    /// Keeps the identity in the key from being reused.
    var tensor: Tensor
  }

  private final class Entries {
    var byKey: [Key: Entry] = [:]
  }

  private let entries: Entries
  private var layers: [[NodeID]: NormalizedLayer] = [:]

  /// - Parameter other: a cache for another form of the same graph, whose nodes have other meanings, over the same
  ///   constants.
  init(sharing other: ConstantCache? = nil) { entries = other?.entries ?? Entries() }

  /// The layer that a convolution and a normalization make, computed once.
  func normalizedLayer(
    _ convolution: NodeID, _ normalization: NodeID, _ make: () -> NormalizedLayer?
  ) -> NormalizedLayer? {
    let key = [convolution, normalization]
    if let layer = layers[key] { return layer }
    layers[key] = make()
    return layers[key]
  }

  /// The address of a constant as asked, and the object that keeps it alive.
  ///
  /// - Parameter isLasting: false for a constant of one plan only, which isn't kept here.
  func pointer(
    to tensor: Tensor, _ input: KernelInput, as request: InputRequest, _ engine: Engine,
    isLasting: Bool
  ) throws(KernelError) -> (UnsafeMutableRawPointer, AnyObject) {
    let key = Key(storage: ObjectIdentifier(tensor.storage), request: request)
    if let entry = entries.byKey[key] { return (entry.packed.base, entry.packed) }
    var source = input
    source.layout = .rowMajor
    guard let reorder = try Reorder(engine, from: source, to: request) else {
      let hold = tensor.storage.hold()
      guard let bytes = UnsafeMutableRawPointer(mutating: hold.bytes.baseAddress) else {
        throw .operator(.unsupported(what: "a constant without data"))
      }
      return (bytes, hold)
    }
    let arena = try KernelError.engine(try Arena(byteCount: reorder.byteCount))
    try tensor.storage.withBytes { (bytes) throws(KernelError) in
      try KernelError.engine(
        try reorder.run(
          from: UnsafeMutableRawPointer(mutating: bytes.baseAddress), to: arena.base))
    }
    // The kernels read the packed copy alone.
    tensor.storage.discard()
    if isLasting { entries.byKey[key] = Entry(packed: arena, tensor: tensor) }
    return (arena.base, arena)
  }
}

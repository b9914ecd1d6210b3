/// A float array of the training state: where it lies and what it is called in a checkpoint.
///
/// The same list of arrays saves and restores, so the two can't disagree. It borrows the memory: the owner
/// of the array must outlive it.
public struct NamedArray {
  public var name: String
  public var values: UnsafeMutableBufferPointer<Float>

  public init(_ name: String, _ values: UnsafeMutableBufferPointer<Float>) {
    self.name = name
    self.values = values
  }
}

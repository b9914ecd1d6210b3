/// A float array of the training state: its memory, and its name in a checkpoint.
///
/// The same list of arrays is used to save and to restore, so that the two can't disagree. An element borrows its
/// memory, whose owner must outlive it.
package struct NamedArray {
  package var name: String
  package var values: UnsafeMutableBufferPointer<Float>

  package init(_ name: String, _ values: UnsafeMutableBufferPointer<Float>) {
    self.name = name
    self.values = values
  }
}

import DNNEngine
import GraphIR
import Quantizers
import TensorCore

/// How the elements of a value stand in memory while a plan runs.
package enum TensorLayout: Sendable, Hashable {
  case rowMajor
  /// A layout of oneDNN's that isn't row-major.
  case engine(MemoryDescriptor)

  /// The layout of a descriptor.
  package init(_ descriptor: MemoryDescriptor) {
    self = descriptor.isRowMajor ? .rowMajor : .engine(descriptor)
  }
}

/// The form in which a kernel reads an input; the executor reorders what comes in another one.
package enum InputRequest: Sendable, Hashable {
  case layout(TensorLayout)
  /// A row-major tensor that is seen through `view` (regrouped or transposed) and copied to `target`.
  case packed(target: MemoryDescriptor, view: MemoryDescriptor)

  package static let rowMajor = InputRequest.layout(.rowMajor)
}

/// The run-time part of one node: compiled for concrete shapes, reused at each run.
///
/// Not safe to run from two threads at once.
package protocol Kernel: AnyObject {
  /// One for each input of the node; inputs beyond the end aren't read.
  var inputs: [InputRequest] { get }
  /// One for each output of the node.
  var outputs: [TensorLayout] { get }
  /// An input whose memory the first output may take over.
  var overwritableInput: Int? { get }
  /// True where the first output is the first input's memory and nothing is computed.
  var isView: Bool { get }

  /// - Throws: ``KernelError`` where the data contradicts the operator's definition.
  func forward(_ operands: Operands) throws(KernelError)
}

extension Kernel {
  package var overwritableInput: Int? { nil }
  package var isView: Bool { false }

  /// The layout of an output.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` for one that the kernel doesn't compute.
  func layout(ofOutput index: Int) throws(KernelError) -> TensorLayout {
    guard outputs.indices.contains(index) else {
      throw .operator(.unsupported(what: "output \(index)"))
    }
    return outputs[index]
  }
}

/// A computation on a node's operands.
package typealias KernelBody = (Operands) throws(KernelError) -> Void

/// Addresses of a node's inputs and outputs; `nil` for an absent one.
package struct Operands {
  @usableFromInline package let inputs: UnsafePointer<UnsafeMutableRawPointer?>
  @usableFromInline package let outputs: UnsafePointer<UnsafeMutableRawPointer?>

  package init(
    inputs: UnsafePointer<UnsafeMutableRawPointer?>,
    outputs: UnsafePointer<UnsafeMutableRawPointer?>
  ) {
    self.inputs = inputs
    self.outputs = outputs
  }

  /// - Precondition: the input is present and holds elements of that type.
  @inlinable
  package func input<T>(_ index: Int, as type: T.Type = T.self) -> UnsafePointer<T> {
    guard let pointer = inputs[index] else { preconditionFailure("absent input \(index)") }
    return UnsafePointer(pointer.assumingMemoryBound(to: type))
  }

  /// - Precondition: the output is present and holds elements of that type.
  @inlinable
  package func output<T>(_ index: Int = 0, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
    guard let pointer = outputs[index] else { preconditionFailure("absent output \(index)") }
    return pointer.assumingMemoryBound(to: type)
  }
}

/// Why a kernel can't be made or run.
package enum KernelError: Error, Sendable, Hashable {
  case engine(EngineError)
  case `operator`(OperatorError)
  /// Weights or parameters that can't be quantized.
  case quantizer(QuantizerError)

  /// Lifts the engine's errors.
  package static func engine<R>(_ body: () throws(EngineError) -> R) throws(KernelError) -> R {
    do { return try body() } catch { throw .engine(error) }
  }

  /// The value of an expression, with the engine's errors lifted.
  package static func engine<R>(_ value: @autoclosure () throws(EngineError) -> R)
    throws(KernelError) -> R
  {
    do { return try value() } catch { throw .engine(error) }
  }

  /// Lifts the operator's errors.
  package static func operation<R>(_ body: () throws(OperatorError) -> R) throws(KernelError) -> R {
    do { return try body() } catch { throw .operator(error) }
  }

  /// The value of an expression, with the operator's errors lifted.
  package static func operation<R>(_ value: @autoclosure () throws(OperatorError) -> R)
    throws(KernelError) -> R
  {
    do { return try value() } catch { throw .operator(error) }
  }
}

/// An operator that this package can run.
package protocol ExecutableOperator: Operator {
  /// The kernel for the shapes and layouts of `context`.
  ///
  /// - Throws: ``KernelError`` where a type or combination isn't supported, or the engine refuses.
  func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel
}

import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Products of 8-bit integers with zero points, summed exactly in 32 bits.
///
/// Sums that exceed 32 bits wrap around, as the standard's type has it.
enum IntegerProducts {
  static let operand: [ElementType] = [.int8, .uint8]

  /// Memory for two operands without their zero points, and for sums.
  struct Scratch {
    private let arenas: [Arena]

    init(_ first: Int, _ second: Int, sums: Int) throws(KernelError) {
      var arenas: [Arena] = []
      for bytes in [2 * first, 2 * second, 4 * sums] {
        arenas.append(
          try KernelError.engine(try Arena(byteCount: max(bytes, 1))))
      }
      self.arenas = arenas
    }

    var first: UnsafeMutablePointer<Int16> { arenas[0].base.assumingMemoryBound(to: Int16.self) }
    var second: UnsafeMutablePointer<Int16> { arenas[1].base.assumingMemoryBound(to: Int16.self) }
    var sums: UnsafeMutablePointer<Int32> { arenas[2].base.assumingMemoryBound(to: Int32.self) }
  }

  /// Checks the parameters of a convolution: one number each, or one an output channel for the weight's.
  ///
  /// - Throws: ``OperatorError/mismatch(what:expected:actual:)`` for other numbers.
  static func checkChannels(
    _ single: [KernelInput?], _ weight: [KernelInput?], channels: Int
  ) throws(KernelError) {
    for (list, allowed) in [(single, 1), (weight, channels)] {
      for case let parameter? in list {
        let count = parameter.type.count
        guard count == 1 || count == allowed else {
          throw .operator(
            .mismatch(
              what: "number of scales or zero points", expected: "1 or \(allowed)",
              actual: "\(count)"))
        }
      }
    }
  }

  /// An operand's integers without its zero point, in 16 bits, which hold every difference.
  ///
  /// - Parameters:
  ///   - count: elements.
  ///   - group: elements in a row that share an entry of the zero point; entries repeat from the start.
  static func centred(
    _ memory: UnsafePointer<UInt8>, isSigned: Bool, count: Int, zero: [Int16], group: Int,
    into target: UnsafeMutablePointer<Int16>
  ) {
    // Groups, or parts of the whole, that share an entry.
    let length = zero.count == 1 ? min(count, partLength) : group
    guard length > 0 else { return }
    Parallelism.forEachRange(
      count: (count + length - 1) / length, grain: max(1, partLength / length),
      sharing: memory, target
    ) { parts, memory, target in
      for part in parts {
        let range = part * length..<min((part + 1) * length, count)
        let zero = zero[part % zero.count]
        if isSigned {
          for i in range { target[i] = Int16(Int8(bitPattern: memory[i])) &- zero }
        } else {
          for i in range { target[i] = Int16(memory[i]) &- zero }
        }
      }
    }
  }

  /// Elements that are worth a thread of their own.
  private static let partLength = MemoryDescriptor.AxisNest.grain

  /// The entries of a zero point, one 0 where it is absent.
  static func zeroPoint(_ operands: Operands, _ input: KernelInput?, _ index: Int) -> [Int16] {
    guard let input else { return [0] }
    let memory = operands.input(index, as: UInt8.self)
    return (0..<input.type.count).map {
      input.elementType == .int8 ? Int16(Int8(bitPattern: memory[$0])) : Int16(memory[$0])
    }
  }

  /// The entries of a scale of any float type.
  static func scales(_ operands: Operands, _ input: KernelInput, _ index: Int) -> [Float] {
    guard let codec = ElementCodec(input.elementType) else { return [] }
    let memory = operands.input(index, as: UInt8.self)
    return (0..<input.type.count).map { codec.load(memory, $0).float }
  }
}

import Synchronization
import TestSupport
import Testing

@testable import TensorCore

@Suite struct TensorStorageTests {
  /// Storage of bytes `0, 1, 2, ...` with the number of times that they were written.
  final class Counted: Sendable {
    private let fills = Mutex(0)
    var count: Int { fills.withLock { $0 } }

    func storage(byteCount: Int) -> TensorStorage {
      .renewable(byteCount: byteCount) { [self] buffer in
        fills.withLock { $0 += 1 }
        for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index) }
      }
    }
  }

  static func isIntact(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0) }
  }

  @Test func `renewable bytes are written when they are first read, and again after a discard`() {
    let counted = Counted()
    let storage = counted.storage(byteCount: TensorStorage.leastRenewableBytes + 5)
    #expect(storage.byteCount == TensorStorage.leastRenewableBytes + 5 && counted.count == 0)
    #expect(storage.withBytes(Self.isIntact))
    #expect(storage.withBytes(Self.isIntact) && counted.count == 1)
    storage.discard()
    #expect(storage.withBytes(Self.isIntact) && counted.count == 2)
  }

  @Test func `bytes that somebody holds stay`() {
    let counted = Counted()
    let storage = counted.storage(byteCount: TensorStorage.leastRenewableBytes)
    do {
      let hold = storage.hold()
      storage.discard()
      #expect(Self.isIntact(hold.bytes) && counted.count == 1)
      storage.withBytes { bytes in
        storage.discard()
        #expect(Self.isIntact(bytes))
      }
    }
    storage.discard()
    #expect(Self.isIntact(storage.bytes) && counted.count == 2)
    // An address that was given away for good.
    storage.discard()
    #expect(Self.isIntact(storage.bytes) && counted.count == 2)
  }

  @Test func `bytes that can't be had again survive a discard`() {
    let counted = Counted()
    let small = counted.storage(byteCount: 1000)
    small.discard()
    #expect(small.withBytes(Self.isIntact) && counted.count == 1)
    let tensor = Tensor([1, 2, 3] as [Float], shape: [3])
    tensor.storage.discard()
    #expect(tensor.elements(of: Float.self) == [1, 2, 3])
  }

  @Test func `tensors are equal by their bytes, whatever holds them`() {
    let count = TensorStorage.leastRenewableBytes / 4
    let renewable = Tensor.renewable(shape: [count], of: Float.self) { buffer in
      for index in buffer.indices { buffer[index] = Float(index) }
    }
    let plain = Tensor((0..<count).map(Float.init), shape: [count])
    #expect(renewable == plain && renewable.hashValue == plain.hashValue)
    renewable.storage.discard()
    #expect(plain == renewable)
  }
}

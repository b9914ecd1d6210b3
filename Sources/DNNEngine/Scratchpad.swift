import TensorCore

/// Memory in which primitives compute: one block for each thread, as large as the thread's primitives have needed.
///
/// oneDNN's own scratchpad belongs to the thread that makes a primitive, so that no other thread may run it. With
/// this one any thread may, as long as no two run the same primitive at once.
enum Scratchpad {
  /// The number of bytes before the memory that is handed out, which hold the number of bytes in it.
  private static let headerByteCount = 64

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    // The value is the block itself.
    let status = pthread_key_create(&key) { free($0) }
    precondition(status == 0, "pthread_key_create failed: \(status)")
    return key
  }()

  /// The calling thread's memory, aligned to 64 bytes; valid until the thread asks for more.
  ///
  /// - Throws: ``EngineError/memory(bytes:)`` where the machine doesn't have that much.
  static func memory(byteCount: Int) throws(EngineError) -> UnsafeMutableRawPointer {
    let old = pthread_getspecific(key)
    if let old, old.load(as: Int.self) >= byteCount { return old + headerByteCount }
    try Arena.checkSize(byteCount)
    let rounded = (byteCount + headerByteCount + 4095) / 4096 * 4096
    pthread_setspecific(key, nil)
    free(old)
    guard let block = aligned_alloc(4096, rounded) else { throw .memory(bytes: byteCount) }
    block.storeBytes(of: rounded - headerByteCount, as: Int.self)
    pthread_setspecific(key, block)
    return block + headerByteCount
  }
}

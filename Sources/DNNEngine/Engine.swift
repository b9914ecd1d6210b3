import COneDNN
import Synchronization
import TensorCore

/// The CPU in oneDNN's terms: an engine that makes primitives, and a stream that runs them.
package final class Engine: Sendable {
  nonisolated(unsafe) let handle: dnnl_engine_t
  nonisolated(unsafe) let stream: dnnl_stream_t

  private static let instance = Mutex<Engine?>(nil)

  /// The engine of this process, which is made at the first call.
  ///
  /// - Throws: ``EngineError`` where oneDNN can't be set up.
  package static func shared() throws(EngineError) -> Engine {
    try instance.withLock { (engine) throws(EngineError) in
      if let engine { return engine }
      let created = try Engine()
      engine = created
      return created
    }
  }

  private init() throws(EngineError) {
    // Whatever ONEDNN_DEFAULT_FPMATH_MODE says: sums of integers are exact in single precision, and not in less.
    try check(
      "dnnl_set_default_fpmath_mode", dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_strict))
    var engine: dnnl_engine_t?
    try check("dnnl_engine_create", dnnl_engine_create(&engine, dnnl_cpu, 0))
    guard let engine else {
      throw .call(function: "dnnl_engine_create", status: .runtimeError)
    }
    var stream: dnnl_stream_t?
    let status = dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue))
    guard status == dnnl_success, let stream else {
      dnnl_engine_destroy(engine)
      throw .call(function: "dnnl_stream_create", status: .runtimeError)
    }
    handle = engine
    self.stream = stream
  }

  deinit {
    dnnl_stream_destroy(stream)
    dnnl_engine_destroy(handle)
  }

  /// Whether the CPU has instructions, which oneDNN may use, that sum products of 8-bit integers in 32 bits.
  package var addsIntegersExactly: Bool {
    guard
      let layer = try? PrimitiveDescriptor.convolution(
        self, source: .any([1, 64, 8, 8], .uint8), weights: .any([64, 64, 3, 3], .int8), bias: nil,
        destination: .any([1, 64, 8, 8], .int32),
        ConvolutionGeometry(
          strides: [1, 1], dilations: [1, 1], padBegin: [1, 1], padEnd: [1, 1]))
    else { return false }
    return layer.addsWithoutSaturation
  }

  /// Lets primitives that the calling thread runs compute with ``Parallelism/threadCount`` threads.
  package static func applyThreadCount() { omp_set_num_threads(Int32(Parallelism.threadCount)) }

  /// Lets primitives that `body` makes and runs compute on the calling thread alone.
  package static func onOneThread<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    omp_set_num_threads(1)
    defer { applyThreadCount() }
    return try body()
  }

  /// Calls `body` for each index in parallel, each call on one thread.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  /// - Throws: the error of one of the calls; others may then not have been made.
  package static func forEachOnOneThread<each Shared>(
    count: Int, sharing shared: repeat each Shared,
    do body: @Sendable (Int, repeat each Shared) throws(EngineError) -> Void
  ) throws(EngineError) {
    let failure = Mutex<EngineError?>(nil)
    Parallelism.forEachRange(count: count, sharing: repeat each shared) {
      (range: Range<Int>, shared: repeat each Shared) in
      do throws(EngineError) {
        try onOneThread { () throws(EngineError) in
          for index in range { try body(index, repeat each shared) }
        }
      } catch { failure.withLock { $0 = error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

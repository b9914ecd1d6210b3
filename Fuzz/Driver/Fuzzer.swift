#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// libFuzzer's own entry points, from `libclang_rt.fuzzer_no_main` of the Swift toolchain.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_silgen_name("LLVMFuzzerMutate")
private func builtinMutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int) -> Int

/// Runs one of several targets under libFuzzer: `PROGRAM TARGET [libFuzzer's arguments]`.
package enum Fuzzer {
  nonisolated(unsafe) private static var target: FuzzTarget?

  package static func main(_ targets: [FuzzTarget]) {
    let name = CommandLine.argc > 1 ? CommandLine.unsafeArgv[1].map { String(cString: $0) } : nil
    target = targets.first { $0.name == name }
    guard target != nil else {
      print("targets: " + targets.map(\.name).joined(separator: " "))
      exit(64)
    }
    var arguments = CommandLine.unsafeArgv + 1
    var count = CommandLine.argc - 1
    exit(runDriver(&count, &arguments) { Fuzzer.readOne($0, $1) })
  }

  private static func readOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target?.read(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
  }

  /// What libFuzzer does to bytes of which it knows nothing.
  package static func plainMutation(_ bytes: [UInt8], limit: Int) -> [UInt8] {
    var buffer = bytes
    let capacity = max(limit, bytes.count, 1)
    buffer.append(contentsOf: repeatElement(0, count: capacity - bytes.count))
    let count = buffer.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { builtinMutate($0, bytes.count, capacity) } ?? 0
    }
    return Array(buffer.prefix(count))
  }

  fileprivate static func mutate(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int, _ seed: UInt32
  ) -> Int {
    guard let mutator = target?.mutator else { return builtinMutate(data, size, limit) }
    var random = FuzzRandom(seed: UInt64(seed))
    let input = Array(UnsafeBufferPointer(start: data, count: size))
    let output = mutator.mutate(input, limit: limit, random: &random)
    guard output.count <= limit else { return builtinMutate(data, size, limit) }
    _ = UnsafeMutableBufferPointer(start: data, count: limit).update(fromContentsOf: output)
    return output.count
  }
}

/// Found by libFuzzer under this name.
@_cdecl("LLVMFuzzerCustomMutator")
package func customMutator(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ limit: Int, _ seed: UInt32
) -> Int {
  Fuzzer.mutate(data, size, limit, seed)
}

import CCrypto
import OnnxFormat
import Reporting
import TensorCore

/// SHA-256 of files, by OpenSSL.
enum FileHash {
  /// The hash of a file's bytes in lower-case hexadecimal digits, and their number.
  ///
  /// - Throws: ``SnugError/file(_:)`` where the file can't be read.
  static func sha256(of path: String) throws(SnugError) -> FileIdentity {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "EVP_DigestInit_ex")
    var count = 0
    try SnugError.wrapping(SnugError.file) { () throws(FileError) in
      let file = try InputFile(path: path)
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
      defer { buffer.deallocate() }
      while true {
        let read = try file.read(into: buffer)
        if read == 0 { break }
        count += read
        precondition(EVP_DigestUpdate(context, buffer.baseAddress, read) == 1, "EVP_DigestUpdate")
      }
    }
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    precondition(EVP_DigestFinal_ex(context, &digest, &length) == 1, "EVP_DigestFinal_ex")
    return FileIdentity(
      name: FilePath.name(of: path), byteCount: count,
      sha256: digest.prefix(Int(length)).map(Self.hexadecimal).joined())
  }

  /// The hashes of a model and of the files with its external data, in the order of their names.
  ///
  /// - Throws: ``SnugError`` where one of them can't be read.
  static func identities(ofModel path: String) throws(SnugError) -> [FileIdentity] {
    let external = try SnugError.wrapping(
      SnugError.format, try OnnxReader.externalFiles(path: path))
    var result = [try sha256(of: path)]
    for file in external.sorted() { result.append(try sha256(of: file)) }
    return result
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }
}

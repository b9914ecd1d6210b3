import Foundation
import GraphIR
import OnnxFormat
import Reporting
import Verification

// Verifies file after file for the tests, which would otherwise start a process for each: reads lines
// `FILE<tab>BITS or 0<tab>0 or 1 (strict)`, answers `STATUS<tab>JSON of snug verify`, on one line.
while let line = readLine() {
  defer { fflush(nil) }
  let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
  guard parts.count == 3, let bits = Int(parts[1]) else {
    print("64\t{}")
    continue
  }
  do {
    let model = try OnnxReader.read(path: parts[0], resolver: OpaqueResolver())
    let result = try Verifier.verify(
      model,
      VerificationConditions(
        accumulatorBits: bits == 0 ? nil : bits, isStrict: parts[2] == "1"))
    let json = VerificationReport(path: parts[0], result: result).json.text()
    print("\(result.isCertified ? 0 : 1)\t\(json.split(separator: "\n").joined(separator: " "))")
  } catch {
    print("2\t{}")
  }
}

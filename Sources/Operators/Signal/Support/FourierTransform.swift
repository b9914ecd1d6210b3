import TensorCore

/// Discrete Fourier transforms of one length, in double precision: by halves where it is a power of two, else as a
/// convolution of such a length (Bluestein 1970).
struct FourierTransform: Sendable {
  struct Complex: Sendable {
    var re: Double
    var im: Double

    static let zero = Complex(re: 0, im: 0)

    static func + (a: Complex, b: Complex) -> Complex { Complex(re: a.re + b.re, im: a.im + b.im) }
    static func - (a: Complex, b: Complex) -> Complex { Complex(re: a.re - b.re, im: a.im - b.im) }
    static func * (a: Complex, b: Complex) -> Complex {
      Complex(re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re)
    }
    var conjugate: Complex { Complex(re: re, im: -im) }

    /// exp(i pi numerator / denominator)
    init(turns numerator: Int, over denominator: Int) {
      let angle = Double.pi * Double(numerator) / Double(denominator)
      (re, im) = (cos(angle), sin(angle))
    }

    init(re: Double, im: Double) { (self.re, self.im) = (re, im) }
  }

  let length: Int
  /// exp(-2 pi i k / size) for the first half of k, where ``size`` is the power of two that is transformed.
  private let roots: [Complex]
  private let size: Int
  /// exp(-pi i k^2 / length), and the transform of its conjugate, laid out around 0; empty for a power of two.
  private let chirp: [Complex]
  private let filter: [Complex]

  init(length: Int) {
    self.length = length
    let isPower = length.nonzeroBitCount == 1
    var size = 1
    while size < (isPower ? length : 2 * length - 1) { size *= 2 }
    self.size = size
    roots = (0..<size / 2).map { Complex(turns: -2 * $0, over: size) }
    guard !isPower, length > 0 else {
      (chirp, filter) = ([], [])
      return
    }
    // The square is reduced first, which keeps the angle exact.
    chirp = (0..<length).map { Complex(turns: -($0 * $0 % (2 * length)), over: length) }
    var kernel = [Complex](repeating: .zero, count: size)
    for k in 0..<length {
      kernel[k] = chirp[k].conjugate
      if k > 0 { kernel[size - k] = chirp[k].conjugate }
    }
    Self.transform(&kernel, roots)
    filter = kernel
  }

  /// Transforms `length` numbers in place; the inverse divides by the length.
  func run(_ values: inout [Complex], isInverse: Bool = false) {
    guard length > 1 else { return }
    // The inverse is the transform between two conjugations.
    if isInverse { for k in values.indices { values[k] = values[k].conjugate } }
    if chirp.isEmpty {
      Self.transform(&values, roots)
    } else {
      var padded = [Complex](repeating: .zero, count: size)
      for k in 0..<length { padded[k] = values[k] * chirp[k] }
      Self.transform(&padded, roots)
      for k in padded.indices { padded[k] = (padded[k] * filter[k]).conjugate }
      Self.transform(&padded, roots)
      let scale = 1 / Double(size)
      for k in 0..<length {
        let sum = padded[k].conjugate
        values[k] = Complex(re: sum.re * scale, im: sum.im * scale) * chirp[k]
      }
    }
    guard isInverse else { return }
    let scale = 1 / Double(length)
    for k in values.indices {
      values[k] = Complex(re: values[k].re * scale, im: -values[k].im * scale)
    }
  }

  /// A power of two, in place.
  private static func transform(_ values: inout [Complex], _ roots: [Complex]) {
    let count = values.count
    guard count > 1 else { return }
    var reversed = 0
    for index in 1..<count {
      var bit = count >> 1
      while reversed & bit != 0 {
        reversed ^= bit
        bit >>= 1
      }
      reversed |= bit
      if index < reversed { values.swapAt(index, reversed) }
    }
    values.withUnsafeMutableBufferPointer { values in
      var half = 1
      while half < count {
        let step = count / (2 * half)
        for start in stride(from: 0, to: count, by: 2 * half) {
          for k in 0..<half {
            let odd = values[start + half + k] * roots[k * step]
            let even = values[start + k]
            values[start + k] = even + odd
            values[start + half + k] = even - odd
          }
        }
        half *= 2
      }
    }
  }
}

import TensorCore

/// The error of a group's outputs as a function of its quantized weights, from ``InputMoments``.
///
/// With H = E[x x^T] + lambda I and C = E[x x~^T] + lambda I, the mean of (w . x~ - v . x)^2 + lambda |w - v|^2
/// is, up to a constant, (v - w*)^T H (v - w*) with w* = H^-1 C w: the weights that, reading the quantized
/// network's inputs, come nearest to the float layer's output. Where the mean of the output is corrected
/// afterwards, moments are taken about the means, so that only what a constant can't mend counts.
struct OutputObjective {
  /// K.
  let length: Int
  /// H, K x K, symmetric, both triangles.
  let hessian: [Float]
  /// C, K x K.
  let cross: [Float]
  /// w, channels x K.
  let weights: [Float]
  /// w*, channels x K.
  let targets: [Float]
  /// Positions in the order in which rounding goes through them: largest H_tt first, by index among equals.
  let order: [Int]
  /// L of the matrix with rows and columns in reverse order, H' = L L^T, column-major.
  private let factor: [Double]

  /// Lambda as a share of the mean of H's diagonal, as in OPTQ, where there are many samples.
  static let damping = 0.01
  /// Samples a weight below which they don't tell all of H, so that lambda grows in their place.
  static let samplesPerWeight = 16

  /// Lambda's share for that many samples of K inputs.
  static func damping(samples: Int, length: Int) -> Double {
    damping * max(1, Double(samplesPerWeight * length) / Double(max(samples, 1)))
  }

  /// - Parameters:
  ///   - weights: channels x K, row-major.
  ///   - centred: whether moments are taken about the means.
  ///   - fixed: lambda's share; `nil` for what the number of samples asks for.
  init(
    _ moments: InputMoments, weights: [Float], centred: Bool, damping fixed: Double? = nil
  ) {
    let k = moments.length
    let damping = fixed ?? Self.damping(samples: moments.count, length: k)
    let n = Double(max(moments.count, 1))
    let mean = moments.sum.map { centred ? $0 / n : 0 }
    let floatMean = moments.floatSum.map { $0 / n }
    var diagonal = (0..<k).map { max(moments.product($0, $0) / n - mean[$0] * mean[$0], 0) }
    let trace = diagonal.reduce(0, +)
    // Inputs that never vary leave only the distance of the weights.
    let lambda = trace > 0 && trace.isFinite ? damping * trace / Double(k) : 1
    for index in diagonal.indices { diagonal[index] += lambda }
    var hessian = [Float](repeating: 0, count: k * k)
    var cross = hessian
    for i in 0..<k {
      for j in 0..<k {
        hessian[i * k + j] = Float(moments.product(i, j) / n - mean[i] * mean[j])
        cross[i * k + j] = Float(moments.crossProduct(i, j) / n - mean[i] * floatMean[j])
      }
      hessian[i * k + i] = Float(diagonal[i])
      cross[i * k + i] += Float(lambda)
    }
    let order = (0..<k).sorted { (-diagonal[$0], $0) < (-diagonal[$1], $1) }
    var factor = [Double](repeating: 0, count: k * k)
    for column in 0..<k {
      let source = order[k - 1 - column] * k
      for row in column..<k {
        factor[column * k + row] = Double(hessian[source + order[k - 1 - row]])
      }
    }
    let isDefinite = factor.withUnsafeMutableBufferPointer {
      $0.baseAddress.map { DenseAlgebra.factorize($0, size: k) } ?? true
    }
    if !isDefinite {
      // Only rounding of nearly singular moments leads here; the diagonal alone is always definite.
      for column in 0..<k {
        let position = order[k - 1 - column]
        for row in column..<k { factor[column * k + row] = 0 }
        factor[column * k + column] = diagonal[position].squareRoot()
        for j in 0..<k where j != position {
          hessian[position * k + j] = 0
          cross[position * k + j] = 0
        }
        cross[position * k + position] = hessian[position * k + position]
      }
    }
    length = k
    self.hessian = hessian
    self.cross = cross
    self.weights = weights
    self.order = order
    self.factor = factor
    targets = Self.targets(weights, cross, order, factor, k)
  }

  /// H^-1 C w for each channel.
  private static func targets(
    _ weights: [Float], _ cross: [Float], _ order: [Int], _ factor: [Double], _ k: Int
  ) -> [Float] {
    let channels = k > 0 ? weights.count / k : 0
    let products = multiply(weights, cross, channels: channels, size: k, transposed: true)
    var sides = [Double](repeating: 0, count: products.count)
    for channel in 0..<channels {
      for row in 0..<k {
        sides[channel * k + row] = Double(products[channel * k + order[k - 1 - row]])
      }
    }
    sides.withUnsafeMutableBufferPointer { sides in
      factor.withUnsafeBufferPointer { factor in
        guard let sides = sides.baseAddress, let factor = factor.baseAddress else { return }
        DenseAlgebra.solve(factor, size: k, sides, columns: channels)
      }
    }
    var targets = [Float](repeating: 0, count: products.count)
    for channel in 0..<channels {
      for row in 0..<k {
        targets[channel * k + order[k - 1 - row]] = Float(sides[channel * k + row])
      }
    }
    return targets
  }

  /// False where inputs were so large that a moment is infinite.
  var isFinite: Bool { targets.allSatisfy(\.isFinite) && hessian.allSatisfy(\.isFinite) }

  /// Rows times H, channels x K.
  func timesHessian(_ rows: [Float]) -> [Float] {
    Self.multiply(rows, hessian, channels: length > 0 ? rows.count / length : 0, size: length)
  }

  static func multiply(
    _ rows: [Float], _ matrix: [Float], channels: Int, size: Int, transposed: Bool = false
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows.count) { result, initialized in
      initialized = rows.count
      rows.withUnsafeBufferPointer { rows in
        matrix.withUnsafeBufferPointer { matrix in
          guard let rows = rows.baseAddress, let matrix = matrix.baseAddress,
            let result = result.baseAddress
          else { return }
          DenseAlgebra.multiply(
            rows, stride: size, matrix, stride: size, transposed: transposed, rows: channels,
            depth: size, columns: size, into: result, stride: size)
        }
      }
    }
  }

  /// How greedy rounding passes the errors of the positions behind it on to the next one.
  enum Feedback {
    /// Such that all later positions can make up for the error so far: OPTQ (Frantar et al. 2023, arXiv
    /// 2210.17323).
    case optq
    /// Such that the outputs up to the position come nearest: GPFQ (Lybrand and Saab 2021, arXiv 2010.11258).
    case gpfq
  }

  /// B, strictly upper in ``order``: the value to round at the t-th position is that of ``base(_:)`` plus the
  /// sum over j < t of B_jt (w_j - v_j).
  ///
  /// OPTQ reads B off the factor of H in reverse order. With H = R R^T, R upper, the error is the sum over t of
  /// (sum over j <= t of R_jt (w*_j - v_j))^2, of which later positions can bring all later terms to 0; so the
  /// t-th term alone decides v_t, and B_jt = R_jt / R_tt. This is what OPTQ computes from the Cholesky factor of
  /// the inverse, without the inverse.
  func feedbackMatrix(_ feedback: Feedback) -> [Float] {
    let k = length
    var matrix = [Float](repeating: 0, count: k * k)
    for t in 0..<k {
      switch feedback {
      case .optq:
        let column = (k - 1 - t) * k
        let diagonal = factor[column + k - 1 - t]
        for j in 0..<t { matrix[j * k + t] = Float(factor[column + k - 1 - j] / diagonal) }
      case .gpfq:
        let row = order[t] * k
        let diagonal = hessian[row + order[t]]
        for j in 0..<t { matrix[j * k + t] = hessian[row + order[j]] / diagonal }
      }
    }
    return matrix
  }

  /// What greedy rounding starts from, in ``order``: the weights whose errors are passed on, and the values to
  /// round where all those errors are 0; channels x K each.
  func start(_ feedback: Feedback) -> (reference: [Float], base: [Float]) {
    switch feedback {
    case .optq:
      let reference = ordered(targets)
      return (reference, reference)
    case .gpfq:
      // sum over j <= t of w_j C_tj / H_tt, less sum over j < t of w_j H_tj / H_tt.
      let k = length
      let channels = k > 0 ? weights.count / k : 0
      let reference = ordered(weights)
      var matrix = [Float](repeating: 0, count: k * k)
      for t in 0..<k {
        let row = order[t] * k
        let diagonal = hessian[row + order[t]]
        for j in 0..<t {
          matrix[j * k + t] = (cross[row + order[j]] - hessian[row + order[j]]) / diagonal
        }
        matrix[t * k + t] = cross[row + order[t]] / diagonal
      }
      return (reference, Self.multiply(reference, matrix, channels: channels, size: k))
    }
  }

  private func ordered(_ rows: [Float]) -> [Float] {
    var result = rows
    for start in stride(from: 0, to: rows.count, by: max(length, 1)) {
      for (t, position) in order.enumerated() { result[start + t] = rows[start + position] }
    }
    return result
  }
}

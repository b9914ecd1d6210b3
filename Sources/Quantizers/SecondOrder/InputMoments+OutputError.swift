extension InputMoments {
  /// The error of each channel's output, up to a constant: the mean of (w . x~ - v . x)^2 without its part of w alone,
  /// about the means where `centred`.
  ///
  /// - Parameters:
  ///   - values: v, channels x K.
  ///   - weights: w, channels x K.
  func outputErrors(of values: [Float], weights: [Float], centred: Bool) -> [Double] {
    let k = length
    guard k > 0 else { return [] }
    let channels = values.count / k
    let n = Double(max(count, 1))
    var square = self.square
    for i in 0..<k { for j in 0..<i { square[i * k + j] = square[j * k + i] } }
    let squares = OutputObjective.multiply(values, square, channels: channels, size: k)
    let crosses = OutputObjective.multiply(
      weights, cross, channels: channels, size: k, transposed: true)
    return (0..<channels).map { channel in
      var (squared, crossed, mean, floatMean) = (0.0, 0.0, 0.0, 0.0)
      for index in channel * k..<(channel + 1) * k {
        let v = Double(values[index])
        squared += v * Double(squares[index])
        crossed += v * Double(crosses[index])
        mean += v * sum[index - channel * k]
        floatMean += Double(weights[index]) * floatSum[index - channel * k]
      }
      let error = (squared - 2 * crossed) / n
      return centred ? error - (mean * mean - 2 * mean * floatMean) / (n * n) : error
    }
  }
}

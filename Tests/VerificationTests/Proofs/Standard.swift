import TensorCore

/// Operators computed element by element as the texts of ONNX and QONNX define them, floats in single precision.
enum Standard {
  static func single(_ value: Double) -> Double { Double(Float(value)) }

  // MARK: Elements

  static func relu(_ x: Dense) -> Dense { x.map { max($0, 0) } }

  static func clip(_ x: Dense, _ low: Double?, _ high: Double?) -> Dense {
    x.map { min(max($0, low ?? -.infinity), high ?? .infinity) }
  }

  static func negate(_ x: Dense) -> Dense {
    x.type == .float32 ? x.map { -$0 } : x.map { Double(Dense.wrapped(-Int($0), x.type)) }
  }

  static func cast(_ x: Dense, _ type: ElementType) -> Dense? {
    var result = x
    result.type = type
    switch type {
    case .float32: return result.map(single)
    case .float64: return result
    case .bool: return result.map { $0 == 0 ? 0 : 1 }
    default:
      let isFloat = x.type == .float32
      // What a number beyond the type becomes is left open.
      if isFloat, x.values.contains(where: { !Dense.bounds(type).contains(Int($0)) }) { return nil }
      return result.map { Double(Dense.wrapped(Int($0), type)) }
    }
  }

  enum Arithmetic { case add, subtract, multiply, divide }

  static func arithmetic(_ operation: Arithmetic, _ a: Dense, _ b: Dense) -> Dense? {
    guard a.type == b.type else { return nil }
    return Dense.combine([a, b], a.type) { pair in
      if a.type == .float32 {
        let (left, right) = (Float(pair[0]), Float(pair[1]))
        switch operation {
        case .add: return Double(left + right)
        case .subtract: return Double(left - right)
        case .multiply: return Double(left * right)
        case .divide: return Double(left / right)
        }
      }
      let (left, right) = (Int(pair[0]), Int(pair[1]))
      switch operation {
      case .add: return Double(Dense.wrapped(left + right, a.type))
      case .subtract: return Double(Dense.wrapped(left - right, a.type))
      case .multiply: return Double(Dense.wrapped(left * right, a.type))
      case .divide: return right == 0 ? nil : Double(Dense.wrapped(left / right, a.type))
      }
    }
  }

  // MARK: Quantizers

  /// QONNX `Quant`: scale, clip, round, and back.
  static func quant(
    _ x: Dense, scale: Dense, zero: Dense, bits: Int, signed: Bool, narrow: Bool, mode: String
  ) -> Dense? {
    let unit = Float(1)
    let high = Float(signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1 - (narrow ? 1 : 0))
    let low = Float(signed ? -(1 << (bits - 1)) + (narrow ? 1 : 0) : 0)
    return Dense.combine([x, scale, zero], .float32) { triple in
      let (step, zero) = (Float(triple[1]), Float(triple[2]))
      var code = Float(triple[0]) / step + zero
      if bits == 1, signed {
        code = code >= 0 ? unit : -unit
      } else {
        code = code > high ? high : code
        code = code < low ? low : code
        code = rounded(code, mode)
      }
      return Double((code - zero) * step)
    }
  }

  static func rounded(_ value: Float, _ mode: String) -> Float {
    let magnitude = abs(value)
    let sign: Float = value < 0 ? -1 : 1
    return switch mode {
    case "ROUND", "HALF_EVEN": value.rounded(.toNearestOrEven)
    case "CEIL": value.rounded(.up)
    case "FLOOR": value.rounded(.down)
    case "UP": sign * magnitude.rounded(.up)
    case "DOWN": sign * magnitude.rounded(.down)
    case "HALF_UP": sign * (magnitude + 0.5).rounded(.down)
    default: sign * (magnitude - 0.5).rounded(.up)
    }
  }

  static func bipolarQuant(_ x: Dense, scale: Dense) -> Dense? {
    Dense.combine([x, scale], .float32) { $0[0] >= 0 ? $0[1] : -$0[1] }
  }

  /// QONNX `Trunc` of version 2 with a zero point of 0.
  static func truncated(
    _ x: Dense, scale: Float, output: Float, bits: Int, signed: Bool, narrow: Bool, mode: String
  ) -> Dense {
    let high = Float(signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1 - (narrow ? 1 : 0))
    let low = Float(signed ? -(1 << (bits - 1)) + (narrow ? 1 : 0) : 0)
    return x.map { value in
      let code = (Float(value) / scale).rounded(.toNearestOrEven) / (output / scale)
      return Double(rounded(min(max(code, low), high), mode) * output)
    }
  }

  static func multiThreshold(_ x: Dense, _ thresholds: Dense, scale: Float, bias: Float) -> Dense {
    let count = thresholds.shape[1]
    let inner = x.shape.dropFirst(2).reduce(1, *)
    var result = x
    for index in x.values.indices {
      let row = index / inner % x.shape[1] % thresholds.shape[0]
      let reached = (0..<count).count { x.values[index] >= thresholds.values[row * count + $0] }
      result.values[index] = Double(scale * Float(reached) + bias)
    }
    return result
  }

  /// A parameter of one value, or of one for each index of an axis, in the shape of the tensor that it goes with.
  static func along(_ parameter: Dense?, _ x: Dense, axis: Int, default fallback: Double)
    -> [Double]
  {
    guard let parameter else { return x.values.map { _ in fallback } }
    if parameter.values.count == 1 { return x.values.map { _ in parameter.values[0] } }
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    return x.values.indices.map { parameter.values[$0 / inner % x.shape[axis]] }
  }

  static func quantizeLinear(
    _ x: Dense, scale: Dense, zero: Dense?, type: ElementType, axis: Int = 1
  ) -> Dense {
    let scales = along(scale, x, axis: axis, default: 1)
    let zeros = along(zero, x, axis: axis, default: 0)
    let range = Dense.bounds(type)
    let values = x.values.indices.map { index in
      let quotient = (Float(x.values[index]) / Float(scales[index])).rounded(.toNearestOrEven)
      let code = Double(quotient) + zeros[index]
      return min(max(code, Double(range.lowerBound)), Double(range.upperBound))
    }
    return Dense(type, x.shape, values)
  }

  static func dequantizeLinear(_ x: Dense, scale: Dense, zero: Dense?, axis: Int = 1) -> Dense {
    let scales = along(scale, x, axis: axis, default: 1)
    let zeros = along(zero, x, axis: axis, default: 0)
    return Dense(
      .float32, x.shape,
      x.values.indices.map { Double(Float(x.values[$0] - zeros[$0]) * Float(scales[$0])) })
  }

  // MARK: Windows

  /// `MaxPool` over (N, C, spatial axes): a window in the padding alone gives the least number of the type.
  static func maxPool(
    _ x: Dense, kernel: [Int], strides: [Int], dilations: [Int], pads: [Int], ceil: Bool = false,
    auto: String = "NOTSET"
  ) -> Dense? {
    let rank = kernel.count
    var before = Array(pads[..<rank])
    var sizes: [Int] = []
    for axis in 0..<rank {
      let size = x.shape[axis + 2]
      let extent = (kernel[axis] - 1) * dilations[axis] + 1
      if auto.hasPrefix("SAME") {
        let count = (size + strides[axis] - 1) / strides[axis]
        let total = max((count - 1) * strides[axis] + extent - size, 0)
        before[axis] = auto == "SAME_UPPER" ? total / 2 : (total + 1) / 2
        sizes.append(count)
      } else {
        let room = size + (auto == "VALID" ? 0 : pads[axis] + pads[axis + rank]) - extent
        if auto == "VALID" { before[axis] = 0 }
        guard room >= 0 else { return nil }
        sizes.append((room + (ceil ? strides[axis] - 1 : 0)) / strides[axis] + 1)
      }
    }
    let least = x.type == .float32 ? -Double.infinity : Double(Dense.bounds(x.type).lowerBound)
    var result = Dense(zeros: Array(x.shape[..<2]) + sizes, x.type)
    for (place, index) in Dense.indices(result.shape).enumerated() {
      var greatest: Double = least
      for tap in Dense.indices(kernel) {
        let position: [Int] = (0..<rank).map { axis in
          let start = index[axis + 2] * strides[axis] - before[axis]
          return start + tap[axis] * dilations[axis]
        }
        let isInside = (0..<rank).allSatisfy { (0..<x.shape[$0 + 2]).contains(position[$0]) }
        if !isInside { continue }
        greatest = max(
          greatest, x.values[Dense.offset(Array(index[..<2]) + position, x.shape)])
      }
      result.values[place] = greatest
    }
    return result
  }

  static func reduced(_ x: Dense, axes: [Int], keeps: Bool, _ pick: (Double, Double) -> Double)
    -> Dense
  {
    let kept = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
    var values = [Double?](repeating: nil, count: kept.reduce(1, *))
    for (place, index) in Dense.indices(x.shape).enumerated() {
      let target = Dense.offset(index.indices.map { axes.contains($0) ? 0 : index[$0] }, kept)
      values[target] = values[target].map { pick($0, x.values[place]) } ?? x.values[place]
    }
    let shape = keeps ? kept : x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
    return Dense(x.type, shape, values.map { $0 ?? -Double.infinity })
  }

  /// QONNX `Im2Col` of (N, H, W, C): (N, H', W', kernel and channels).
  static func imageToColumns(
    _ x: Dense, kernel: [Int], stride: [Int], pads: [Int], dilations: [Int], border: Double
  ) -> Dense {
    let sizes: [Int] = (0..<2).map { axis in
      let extent = dilations[axis] * (kernel[axis] - 1) + 1
      return (x.shape[axis + 1] + pads[axis] + pads[axis + 2] - extent) / stride[axis] + 1
    }
    let channels = x.shape[3]
    return x.gathered(
      [x.shape[0], sizes[0], sizes[1], kernel[0] * kernel[1] * channels], fallback: border
    ) { index in
      let tap = index[3] / channels
      let row: Int = index[1] * stride[0] - pads[0] + (tap / kernel[1]) * dilations[0]
      let column: Int = index[2] * stride[1] - pads[1] + (tap % kernel[1]) * dilations[1]
      guard (0..<x.shape[1]).contains(row), (0..<x.shape[2]).contains(column) else { return nil }
      return [index[0], row, column, index[3] % channels]
    }
  }
}

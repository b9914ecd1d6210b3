import TensorCore

/// Operators that move elements, as the texts of the standard place them.
extension Standard {
  static func transpose(_ x: Dense, _ permutation: [Int]) -> Dense {
    x.gathered(permutation.map { x.shape[$0] }) { index in
      var source = index
      for (position, axis) in permutation.enumerated() { source[axis] = index[position] }
      return source
    }
  }

  /// 0 copies a dimension, -1 stands for what is left.
  static func reshape(_ x: Dense, _ target: [Int], allowZero: Bool = false) -> Dense? {
    var shape = target
    for axis in shape.indices where shape[axis] == 0 && !allowZero {
      guard axis < x.shape.count else { return nil }
      shape[axis] = x.shape[axis]
    }
    let open = shape.indices.filter { shape[$0] == -1 }
    if open.count > 1 { return nil }
    if let axis = open.first {
      let rest = shape.filter { $0 != -1 }.reduce(1, *)
      guard rest > 0, x.values.count % rest == 0 else { return nil }
      shape[axis] = x.values.count / rest
    }
    guard shape.reduce(1, *) == x.values.count else { return nil }
    return Dense(x.type, shape, x.values)
  }

  static func concat(_ parts: [Dense], axis: Int) -> Dense? {
    let first = parts[0].shape
    let axis = axis < 0 ? axis + first.count : axis
    guard
      parts.allSatisfy({ part in
        part.shape.count == first.count
          && first.indices.allSatisfy { $0 == axis || part.shape[$0] == first[$0] }
      })
    else { return nil }
    var shape = first
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let values = Dense.indices(shape).map { index -> Double in
      var index = index
      for part in parts {
        if index[axis] < part.shape[axis] { return part.values[Dense.offset(index, part.shape)] }
        index[axis] -= part.shape[axis]
      }
      return 0
    }
    return Dense(parts[0].type, shape, values)
  }

  static func split(_ x: Dense, axis: Int, sizes: [Int]) -> [Dense]? {
    let axis = axis < 0 ? axis + x.shape.count : axis
    guard sizes.reduce(0, +) == x.shape[axis] else { return nil }
    var start = 0
    return sizes.map { size in
      defer { start += size }
      var shape = x.shape
      shape[axis] = size
      return x.gathered(shape) { index in
        var index = index
        index[axis] += start
        return index
      }
    }
  }

  /// Equal parts; the last one is smaller where they don't fit.
  static func equalParts(_ size: Int, _ count: Int) -> [Int] {
    let part = (size + count - 1) / count
    return (0..<count).map { min(part, max(size - part * $0, 0)) }
  }

  /// The positions that a slice of one axis takes, with both ends clamped as the standard says.
  static func positions(_ size: Int, start: Int, end: Int, step: Int) -> [Int] {
    let first = start < 0 ? start + size : start
    let last = end < 0 ? end + size : end
    if size == 0 { return [] }
    return step > 0
      ? Array(stride(from: min(max(first, 0), size), to: min(max(last, 0), size), by: step))
      : Array(
        stride(from: min(max(first, 0), size - 1), to: min(max(last, -1), size - 1), by: step))
  }

  static func slice(_ x: Dense, axes: [Int], starts: [Int], ends: [Int], steps: [Int]) -> Dense {
    var taken = x.shape.map { Array(0..<$0) }
    for (index, axis) in axes.enumerated() {
      let axis = axis < 0 ? axis + x.shape.count : axis
      taken[axis] = positions(
        x.shape[axis], start: starts[index], end: ends[index], step: steps[index])
    }
    return x.gathered(taken.map(\.count)) { index in zip(taken, index).map { $0[$1] } }
  }

  static func gather(_ x: Dense, _ indices: Dense, axis: Int) -> Dense {
    let axis = axis < 0 ? axis + x.shape.count : axis
    let rank = indices.shape.count
    let target = Array(x.shape[..<axis]) + indices.shape + Array(x.shape[(axis + 1)...])
    return x.gathered(target) { index in
      let place = Dense.offset(Array(index[axis..<(axis + rank)]), indices.shape)
      let picked = indices.integers[place]
      var source = Array(index[..<axis])
      source.append(picked < 0 ? picked + x.shape[axis] : picked)
      source += index[(axis + rank)...]
      return source
    }
  }

  static func gatherElements(_ x: Dense, _ indices: Dense, axis: Int) -> Dense {
    x.gathered(indices.shape) { index in
      var source = index
      let picked = indices.integers[Dense.offset(index, indices.shape)]
      source[axis] = picked < 0 ? picked + x.shape[axis] : picked
      return source
    }
  }

  static func gatherND(_ x: Dense, _ indices: Dense) -> Dense {
    let depth = indices.shape.last ?? 0
    let outer = Array(indices.shape.dropLast())
    return x.gathered(outer + Array(x.shape[depth...])) { index in
      let row = Dense.offset(Array(index[..<outer.count]), outer)
      var source = Array(indices.integers[(row * depth)..<((row + 1) * depth)])
      source += index[outer.count...]
      return source
    }
  }

  static func expand(_ x: Dense, _ target: [Int]) -> Dense? {
    Dense.combine([x, Dense(zeros: target, x.type)], x.type) { $0[0] }
  }

  static func tile(_ x: Dense, _ repeats: [Int]) -> Dense {
    x.gathered(zip(x.shape, repeats).map(*)) { index in zip(index, x.shape).map { $0 % $1 } }
  }

  static func reverseSequence(_ x: Dense, _ lengths: [Int], batch: Int, time: Int) -> Dense {
    x.gathered(x.shape) { index in
      var source = index
      let length = lengths[index[batch]]
      if index[time] < length { source[time] = length - 1 - index[time] }
      return source
    }
  }

  /// (N, C, H, W) by `DCR`: depth, column, row.
  static func depthToSpace(_ x: Dense, _ block: Int) -> Dense? {
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    guard let split = reshape(x, [n, block, block, c / (block * block), h, w]) else { return nil }
    return reshape(
      transpose(split, [0, 3, 4, 1, 5, 2]), [n, c / (block * block), h * block, w * block])
  }

  static func spaceToDepth(_ x: Dense, _ block: Int) -> Dense? {
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    guard let split = reshape(x, [n, c, h / block, block, w / block, block]) else { return nil }
    return reshape(
      transpose(split, [0, 3, 5, 1, 2, 4]), [n, c * block * block, h / block, w / block])
  }

  static func compress(_ x: Dense, _ condition: [Bool]) -> Dense {
    let kept = x.values.indices.filter { $0 < condition.count && condition[$0] }
    return Dense(x.type, [kept.count], kept.map { x.values[$0] })
  }

  /// The greatest or least of the last axis in order, with their positions.
  static func topK(_ x: Dense, _ count: Int, largest: Bool) -> [Dense] {
    let size = x.shape[x.shape.count - 1]
    var (values, places): ([Double], [Double]) = ([], [])
    for start in Swift.stride(from: 0, to: x.values.count, by: size) {
      let order = (0..<size).sorted { a, b in
        let (left, right) = (x.values[start + a], x.values[start + b])
        return left == right ? a < b : (left > right) == largest
      }
      values += order.prefix(count).map { x.values[start + $0] }
      places += order.prefix(count).map { Double($0) }
    }
    let shape = Array(x.shape.dropLast()) + [count]
    return [Dense(x.type, shape, values), Dense(.int64, shape, places)]
  }

  static func unique(_ x: Dense) -> Dense {
    let values = Set(x.values).sorted()
    return Dense(x.type, [values.count], values)
  }

  /// `pads` may be negative, which crops.
  static func pad(_ x: Dense, _ pads: [Int], _ mode: String, _ border: Double) -> Dense? {
    let rank = x.shape.count
    let shape = x.shape.indices.map { x.shape[$0] + pads[$0] + pads[$0 + rank] }
    if shape.contains(where: { $0 < 0 }) { return nil }
    return x.gathered(shape, fallback: border) { index in
      var source: [Int] = []
      for axis in 0..<rank {
        let size = x.shape[axis]
        var position = index[axis] - pads[axis]
        if !(0..<size).contains(position) {
          switch mode {
          case "edge": position = min(max(position, 0), size - 1)
          case "reflect":
            let period = max(2 * (size - 1), 1)
            let folded = ((position % period) + period) % period
            position = folded < size ? folded : period - folded
          case "wrap": position = ((position % size) + size) % size
          default: return nil
          }
        }
        source.append(position)
      }
      return source
    }
  }

  static func centerCropPad(_ x: Dense, _ target: [Int]) -> Dense {
    x.gathered(target) { index in
      let source = index.indices.map { axis in
        let difference = x.shape[axis] - target[axis]
        return index[axis] + (difference >= 0 ? difference / 2 : -((-difference) / 2))
      }
      let isInside = source.indices.allSatisfy { (0..<x.shape[$0]).contains(source[$0]) }
      return isInside ? source : nil
    }
  }

  static func triangle(_ x: Dense, upper: Bool, _ k: Int) -> Dense {
    x.gathered(x.shape) { index in
      let distance = index[index.count - 1] - index[index.count - 2]
      return (upper ? distance >= k : distance <= k) ? index : nil
    }
  }

  static func scatterElements(_ x: Dense, _ indices: Dense, _ updates: Dense, axis: Int) -> Dense {
    var result = x
    for (place, index) in Dense.indices(indices.shape).enumerated() {
      var target = index
      target[axis] = indices.integers[place]
      result.values[Dense.offset(target, x.shape)] = updates.values[place]
    }
    return result
  }

  static func scatterND(_ x: Dense, _ indices: Dense, _ updates: Dense) -> Dense {
    var result = x
    let depth = indices.shape.last ?? 0
    let size = x.shape[depth...].reduce(1, *)
    for row in 0..<(indices.values.count / depth) {
      let place = Array(indices.integers[(row * depth)..<((row + 1) * depth)])
      let start = Dense.offset(place, Array(x.shape[..<depth])) * size
      for index in 0..<size { result.values[start + index] = updates.values[row * size + index] }
    }
    return result
  }

  /// The nearest elements for sizes that are whole multiples.
  static func enlarge(_ x: Dense, _ factors: [Int]) -> Dense {
    x.gathered(zip(x.shape, factors).map(*)) { index in zip(index, factors).map { $0 / $1 } }
  }
}

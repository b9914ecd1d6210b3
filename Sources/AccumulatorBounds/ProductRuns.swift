/// The products of a channel that share a register, for orders other than the one in which a channel's weights stand.
package struct ProductRuns: Sendable, Hashable {
  /// The positions of each run. All runs of one order come before those of the next, and hold each position once.
  package let runs: [[Int]]
  /// For each order the number of the run that holds a position.
  package let memberships: [[Int]]
  /// The number of runs of the first order.
  package let firstCount: Int

  /// The runs of a convolution's kernel, or of another dot product as one position.
  ///
  /// - Parameters:
  ///   - orders: other than ``ProductOrder/any``.
  ///   - channels: the number of input channels that a sum reads.
  ///   - positions: the number of elements of the kernel; a channel's weights stand with all positions of one input
  ///     channel before those of the next.
  package init(_ orders: [ProductOrder], size: Int, channels: Int, positions: Int) {
    precondition(size >= 1 && !orders.contains(.any), "runs of no fixed order")
    var kept: [(runs: [[Int]], membership: [Int])] = []
    for order in orders {
      let sequences: [[Int]] =
        switch order {
        case .stored, .any: [Array(0..<channels * positions)]
        case .channelsLast:
          [(0..<positions).flatMap { r in (0..<channels).map { $0 * positions + r } }]
        case .withinPosition:
          (0..<positions).map { r in (0..<channels).map { $0 * positions + r } }
        }
      let runs = sequences.flatMap { sequence in
        stride(from: 0, to: sequence.count, by: size).map {
          Array(sequence[$0..<min($0 + size, sequence.count)])
        }
      }
      // A register that holds a part of another's products needs no budget of its own.
      if kept.contains(where: { other in
        runs.allSatisfy { run in Set(run.map { other.membership[$0] }).count <= 1 }
      }) {
        continue
      }
      var membership = [Int](repeating: 0, count: channels * positions)
      for (number, run) in runs.enumerated() {
        for position in run { membership[position] = number }
      }
      kept.append((runs, membership))
    }
    firstCount = kept.first?.runs.count ?? 0
    runs = kept.flatMap(\.runs)
    var start = 0
    memberships = kept.map { order in
      defer { start += order.runs.count }
      return order.membership.map { $0 + start }
    }
  }

  /// The numbers of the runs that hold a position.
  package func numbers(of position: Int) -> [Int] { memberships.map { $0[position] } }
}

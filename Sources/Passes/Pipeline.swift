import GraphIR

/// A literal list of passes, run in order and, where asked, to a bounded fixed point.
package struct Pipeline: Sendable {
  package let name: String
  package let passes: [any Pass]
  /// Repeat the list until no pass changes anything; more rounds than this are an error.
  package let maximumRounds: Int

  package init(_ name: String, maximumRounds: Int = 1, _ passes: [any Pass]) {
    self.name = name
    self.passes = passes
    self.maximumRounds = maximumRounds
  }

  /// Runs every pass between its precondition and its postcondition.
  ///
  /// The graph is validated after each pass in debug builds and once at the end in release builds.
  ///
  /// - Throws: ``PassError/failed`` with the pass at fault and those before it.
  @discardableResult
  package func run(_ graph: inout Graph) throws(PassError) -> [PassReport] {
    var reports: [PassReport] = []
    var changed = true
    var round = 0
    while changed {
      if round == maximumRounds {
        if maximumRounds == 1 { break }
        throw .notConverged(rounds: round)
      }
      round += 1
      changed = false
      for pass in passes {
        let before = reports.map(\.pass)
        do {
          try pass.requires(graph)
          let edits = try pass.run(&graph)
          try pass.ensures(graph)
          #if DEBUG
            try Self.validate(graph)
          #endif
          if !edits.isEmpty {
            changed = true
            reports.append(PassReport(pass: type(of: pass).name, edits: edits))
          }
        } catch {
          throw .failed(pass: type(of: pass).name, after: before, error)
        }
      }
    }
    do { try Self.validate(graph) } catch {
      throw .failed(pass: name, after: reports.map(\.pass), error)
    }
    return reports
  }

  private static func validate(_ graph: Graph) throws(PassError) {
    do { try graph.validate() } catch { throw .graph(error) }
  }
}

import GraphIR
import Operators
import Quantizers

/// Decides which values are quantized, with how many bits, and which of them share a quantizer.
///
/// 1. The activations of every dot-product layer, at `--io-bits` for the first and the last ones.
/// 2. Both branches of an addition of two activations: one quantizer for the two.
/// 3. The input of an average pooling, at the width of the layer that reads its result.
/// 4. Both operands of a product of two activations, with as few bits as its accumulator demands.
///
/// A demand moves up through operators that only move or select values, so that the quantizer stands
/// directly after the computation, and through a concatenation into all its branches, which then share a
/// quantizer. Demands on the same value share one where bits and sign agree. A quantizer is unsigned where
/// no value that it takes can be negative.
struct QuantizerPlacement {
  let graph: Graph
  let recipe: Recipe

  /// What one consumer asks for.
  private struct Demand {
    var edges: [ActivationEdge]
    var bits: Int
  }

  func place() throws(GraphError) -> Placement {
    let order = try graph.topologicalOrder()
    let found = order.compactMap { DotProductLayer($0, in: graph) }
    let boundary = Boundary(found, in: graph, order: order)
    var demands: [Demand] = []
    var layers: [PlannedLayer] = []
    var excluded: [String] = []
    for layer in found {
      let override = recipe.override(for: layer.name)
      guard override.quantize ?? true, let data = layer.data(in: graph) else {
        excluded.append(layer.name)
        continue
      }
      let isBoundary = recipe.ioLayers.contains(
        layer.name, isBoundary: boundary.first.union(boundary.last).contains(layer.node))
      let edge = ActivationEdge(value: data, consumer: layer.node, position: layer.dataPosition)
      layers.append(
        PlannedLayer(
          layer: layer, method: method(of: layer, override, isBoundary: isBoundary),
          weightBits: override.weightBits ?? (isBoundary ? recipe.ioBits : recipe.weightBits),
          accumulatorBits: override.accumulatorBits ?? recipe.registers?.bits
            ?? (isBoundary ? Recipe.ioAccumulatorBits : recipe.accumulatorBits),
          biasBits: override.biasBits ?? recipe.biasBits,
          tileSize: tileSize(override, isBoundary: isBoundary),
          outerBits: override.outerBits ?? recipe.outerBits,
          isExempt: isBoundary && override.accumulatorBits == nil && !isHeldEverywhere,
          group: demands.count))
      if override.tileSize == nil, let tiling = recipe.registers?.tiling {
        layers[layers.count - 1].sum(in: tiling, graph)
      }
      demands.append(
        Demand(
          edges: edge.roots(in: graph),
          bits: override.activationBits ?? (isBoundary ? recipe.ioBits : recipe.activationBits)))
    }
    var products: [PlannedProduct] = []
    for id in order where isProduct(graph[id]) {
      let node = graph[id]
      let override = recipe.override(for: node.name)
      guard override.quantize ?? true else {
        excluded.append(node.name)
        continue
      }
      products.append(
        PlannedProduct(
          node: id, name: node.name, groups: [demands.count, demands.count + 1],
          accumulatorBits: override.accumulatorBits ?? recipe.registers?.bits
            ?? recipe.accumulatorBits,
          tileSize: tileSize(override, isBoundary: false),
          outerBits: override.outerBits ?? recipe.outerBits, length: productLength(node)))
      demands += operands(
        of: node, products[products.count - 1], fixed: override.activationBits)
    }
    demands += poolingDemands(order, readers: demands)
    demands += additionDemands(order)
    let (groups, groupOfDemand) = merge(demands)
    for index in layers.indices { layers[index].group = groupOfDemand[layers[index].group] }
    for index in products.indices {
      products[index].groups = products[index].groups.map { groupOfDemand[$0] }
    }
    return Placement(
      groups: groups, layers: layers, products: products, excluded: excluded)
  }

  /// Whether the hardware's registers hold the first and the last layers too.
  private var isHeldEverywhere: Bool { recipe.registers?.bits != nil }

  /// The demands for the two operands of a product. Unless the recipe fixes their bits, the wider one gets fewer until
  /// the sum fits its accumulator, or both have ``leastOperandBits``.
  private func operands(of node: Node, _ product: PlannedProduct, fixed: Int?) -> [Demand] {
    var demands = activations(of: node).prefix(2).map {
      Demand(edges: $0.roots(in: graph), bits: fixed ?? recipe.activationBits)
    }
    guard fixed == nil, recipe.activationProducts == .narrow else { return demands }
    func formats() -> [ActivationFormat] {
      demands.map { demand in
        ActivationFormat(bits: demand.bits, signed: !demand.edges.allSatisfy(isUnsigned))
      }
    }
    while let need = product.need(formats()), need.bits > product.accumulatorBits {
      // Of equally wide ones the second, whose elements meet those of all rows of the first.
      let index = demands[0].bits > demands[1].bits ? 0 : 1
      guard demands[index].bits > Self.leastOperandBits else { break }
      demands[index].bits -= 1
    }
    return demands
  }

  /// An operand of fewer bits than that is as good as lost.
  private static let leastOperandBits = 2

  /// The products in one sum of a product of activations; `nil` where the shapes of the graph don't tell.
  private func productLength(_ node: Node) -> Int? {
    func size(_ position: Int, last: Bool) -> Int? {
      guard let shape = node.inputs[position].flatMap({ graph[$0].type?.dimensions }) else {
        return nil
      }
      return last || shape.count < 2 ? shape.last?.size : shape[shape.count - 2].size
    }
    guard let form = node.op.dotProduct else { return nil }
    return size(0, last: !form.transposesLeft) ?? size(1, last: form.transposesRight)
  }

  private func isProduct(_ node: Node) -> Bool {
    (node.op.dotProduct?.kind == .matMul || node.op.dotProduct?.kind == .gemm)
      && activations(of: node).prefix(2).map(\.position) == [0, 1]
  }

  /// The inputs of a node that are floats and not constant.
  private func activations(of node: Node) -> [ActivationEdge] {
    node.inputs.enumerated().compactMap { position, value in
      guard let value, graph[value].constant == nil,
        graph[value].type.map({ $0.elementType == .float32 }) ?? true
      else { return nil }
      return ActivationEdge(value: value, consumer: node.id, position: position)
    }
  }

  /// T of a layer; `nil` for one register, which layers held to ``Recipe/ioAccumulatorBits`` keep unless told otherwise.
  private func tileSize(_ override: Recipe.LayerOverride, isBoundary: Bool) -> Int? {
    if let size = override.tileSize { return size == 0 ? nil : size }
    return isBoundary && override.accumulatorBits == nil ? nil : recipe.tileSize
  }

  private func method(
    of layer: DotProductLayer, _ override: Recipe.LayerOverride, isBoundary: Bool
  ) -> Recipe.Method {
    if let method = override.method { return method }
    // Where 32 bits hold every sum, as they nearly always do, these are the plainly rounded weights.
    if isBoundary && override.accumulatorBits == nil && !isHeldEverywhere { return .exact }
    if recipe.method == .a2qPlus && layer.isDepthwise { return recipe.depthwiseMethod }
    return recipe.method
  }

  private func additionDemands(_ order: [NodeID]) -> [Demand] {
    order.compactMap { id in
      let node = graph[id]
      guard node.op.elementwise == .sum else { return nil }
      let edges = activations(of: node)
      guard edges.count == 2, !RealSum(node, in: graph).holds else { return nil }
      let bits = recipe.override(for: node.name).activationBits ?? recipe.activationBits
      return Demand(edges: edges, bits: bits)
    }
  }

  private func poolingDemands(_ order: [NodeID], readers: [Demand]) -> [Demand] {
    order.compactMap { id in
      let node = graph[id]
      guard node.op.isAverage, case let input?? = node.inputs.first,
        case let output?? = node.outputs.first
      else { return nil }
      let reader = readers.first { $0.edges.contains { $0.value == output } }
      let edge = ActivationEdge(value: input, consumer: id, position: 0)
      return Demand(edges: edge.roots(in: graph), bits: reader?.bits ?? recipe.activationBits)
    }
  }

  /// Joins demands that must or may share a quantizer; returns the groups and the group of each demand.
  private func merge(_ demands: [Demand]) -> ([Placement.ActivationGroup], [Int]) {
    var sets = DisjointSets(count: demands.count)
    // One edge carries one quantizer.
    var ownerOfEdge: [ActivationEdge: Int] = [:]
    for (index, demand) in demands.enumerated() {
      for edge in demand.edges {
        if let owner = ownerOfEdge[edge] {
          sets.join(owner, index)
        } else {
          ownerOfEdge[edge] = index
        }
      }
    }
    // One value takes one quantizer for each combination of bits and sign.
    struct Key: Hashable {
      var value: ValueID
      var bits: Int
      var isSigned: Bool
    }
    let first = collect(demands, &sets)
    var ownerOfValue: [Key: Int] = [:]
    for (index, demand) in demands.enumerated() {
      guard let group = first[sets.find(index)] else { continue }
      for edge in demand.edges {
        let key = Key(value: edge.value, bits: group.bits, isSigned: group.isSigned)
        if let owner = ownerOfValue[key] {
          sets.join(owner, index)
        } else {
          ownerOfValue[key] = index
        }
      }
    }
    let collected = collect(demands, &sets)
    let roots = collected.keys.sorted()
    let position = Dictionary(uniqueKeysWithValues: zip(roots, roots.indices))
    return (
      roots.compactMap { collected[$0] },
      demands.indices.map { position[sets.find($0)] ?? 0 }
    )
  }

  private func collect(_ demands: [Demand], _ sets: inout DisjointSets)
    -> [Int: Placement.ActivationGroup]
  {
    var groups: [Int: Placement.ActivationGroup] = [:]
    for (index, demand) in demands.enumerated() {
      let root = sets.find(index)
      var group =
        groups[root]
        ?? Placement.ActivationGroup(
          bits: demand.bits, isSigned: false, edges: [], scaleType: recipe.scaleType)
      // The narrower demand wins: a layer's budget counts on no more bits than it asked for.
      group.bits = min(group.bits, demand.bits)
      for edge in demand.edges where !group.edges.contains(edge) {
        group.edges.append(edge)
        if !isUnsigned(edge) { group.isSigned = true }
      }
      groups[root] = group
    }
    return groups
  }

  private func isUnsigned(_ edge: ActivationEdge) -> Bool {
    graph.inputs.contains(edge.value) ? recipe.inputUnsigned : graph.isNonNegative(edge.value)
  }
}

/// Union-find over the integers below a count, the smallest member standing for its set.
struct DisjointSets {
  private var parent: [Int]

  init(count: Int) { parent = Array(0..<count) }

  mutating func find(_ element: Int) -> Int {
    var root = element
    while parent[root] != root {
      parent[root] = parent[parent[root]]
      root = parent[root]
    }
    return root
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (find(a), find(b))
    parent[max(a, b)] = min(a, b)
  }
}

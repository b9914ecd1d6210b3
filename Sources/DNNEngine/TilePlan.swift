import TensorCore

/// The division of a ``MatrixProduct`` into tiles, by shapes alone.
struct TilePlan {
  /// The size of a tile; tiles of one size are computed by one primitive.
  struct Shape: Hashable {
    /// The number of matrices of the stack.
    var depth: Int
    var rows: Int
    var columns: Int
  }

  private let left: MatrixProduct.Operand
  private let right: MatrixProduct.Operand
  private let bias: MatrixProduct.Operand?
  private let output: MatrixProduct.Operand
  /// The sizes M (rows), K (inner) and N (columns) of one product.
  private let rows: Int
  private let inner: Int
  private let columns: Int
  /// The size of a whole tile.
  private let size: Shape
  /// The distance, in elements, from each operand's first matrix to that of each matrix of the stack.
  private let offsets: (left: [Int], right: [Int], bias: [Int])

  /// The least number of rows and columns of a tile that isn't at an edge: enough that packing an operand costs
  /// little beside the products.
  private static let leastLength = 128
  /// The number of tiles along each side of a large matrix.
  private static let sideCount = 32
  /// The number of multiplications that are worth a call: smaller matrices of a stack are computed together.
  private static let leastWork = 1 << 18
  /// The number of multiplications below which dividing one matrix costs more than its parts gain on several threads.
  private static let cutWork = 1 << 20

  init(
    _ left: MatrixProduct.Operand, _ right: MatrixProduct.Operand, bias: MatrixProduct.Operand?,
    output: [Int]
  ) {
    self.left = left
    self.right = right
    self.bias = bias
    self.output = MatrixProduct.Operand(rowMajor: output)
    let rank = output.count
    rows = output[rank - 2]
    columns = output[rank - 1]
    inner = left.shape[rank - 1]
    let stack = Array(output.dropLast(2))
    let depth = stack.reduce(1, *)
    offsets = (
      Self.offsets(left, stack), Self.offsets(right, stack),
      bias.map { Self.offsets($0, stack) } ?? [Int](repeating: 0, count: depth)
    )
    let product = max(1, rows * columns).multipliedReportingOverflow(by: max(1, inner))
    let work = product.overflow ? Int.max : product.partialValue
    func length(_ count: Int) -> Int {
      if work < Self.cutWork { return max(count, 1) }
      return max(Self.leastLength, ((count + Self.sideCount - 1) / Self.sideCount + 15) / 16 * 16)
    }
    var size = Shape(depth: 1, rows: length(rows), columns: length(columns))
    // Matrices at equal distances can be given to oneDNN as one stack.
    let isEven = [offsets.left, offsets.right, offsets.bias].allSatisfy {
      $0.count < 2 || $0.indices.dropFirst().allSatisfy { [list = $0] in list[$0] == $0 * list[1] }
    }
    if isEven { size.depth = min(max(depth, 1), max(1, Self.leastWork / work)) }
    self.size = size
  }

  /// The tiles, row by row within a matrix, and one matrix after the other.
  var tiles: [MatrixProduct.Tile] {
    let width = MemoryLayout<Float>.size
    let rank = output.shape.count
    func step(_ operand: MatrixProduct.Operand, _ axis: Int) -> Int {
      operand.shape[rank - axis] == 1 ? 0 : operand.strides[rank - axis]
    }
    var tiles: [MatrixProduct.Tile] = []
    for matrix in stride(from: 0, to: offsets.left.count, by: size.depth) {
      for row in stride(from: 0, to: rows, by: size.rows) {
        for column in stride(from: 0, to: columns, by: size.columns) {
          let shape = Shape(
            depth: min(size.depth, offsets.left.count - matrix), rows: min(size.rows, rows - row),
            columns: min(size.columns, columns - column))
          let added =
            bias.map { offsets.bias[matrix] + row * step($0, 2) + column * step($0, 1) } ?? 0
          tiles.append(
            .init(
              shape: shape,
              left: width * (offsets.left[matrix] + row * step(left, 2)),
              right: width * (offsets.right[matrix] + column * step(right, 1)),
              bias: width * added,
              output: width * ((matrix * rows + row) * columns + column)))
        }
      }
    }
    return tiles
  }

  /// The primitive of a tile, whose operands are parts of the whole ones.
  func descriptor(_ engine: Engine, _ tile: Shape, post operations: [PostOperation])
    throws(EngineError) -> PrimitiveDescriptor
  {
    let layouts = try layouts(tile)
    return try PrimitiveDescriptor.matrixProduct(
      engine, source: layouts.left, weights: layouts.right, bias: layouts.bias,
      destination: layouts.output, post: operations)
  }

  /// The operands of a tile's primitive: left, right, output, bias.
  func operands(_ tile: Shape) throws(EngineError) -> [(Argument, MemoryDescriptor)] {
    let layouts = try layouts(tile)
    return [
      (.source, layouts.left), (.weights, layouts.right), (.destination, layouts.output),
    ] + (layouts.bias.map { [(.bias, $0)] } ?? [])
  }

  private func layouts(_ tile: Shape) throws(EngineError) -> (
    left: MemoryDescriptor, right: MemoryDescriptor, bias: MemoryDescriptor?,
    output: MemoryDescriptor
  ) {
    (
      try layout(left, tile, rows: tile.rows, columns: inner, offsets.left),
      try layout(right, tile, rows: inner, columns: tile.columns, offsets.right),
      try bias.map { (bias) throws(EngineError) in
        let rank = bias.shape.count
        return try layout(
          bias, tile, rows: bias.shape[rank - 2] == 1 ? 1 : tile.rows,
          columns: bias.shape[rank - 1] == 1 ? 1 : tile.columns, offsets.bias)
      },
      try layout(
        output, tile, rows: tile.rows, columns: tile.columns,
        offsets.left.indices.map { $0 * rows * columns })
    )
  }

  /// The layout of a part of an operand: a matrix, or as many of the stack as a tile has.
  private func layout(
    _ operand: MatrixProduct.Operand, _ tile: Shape, rows: Int, columns: Int, _ offsets: [Int]
  ) throws(EngineError) -> MemoryDescriptor {
    let (shape, strides) = ([rows, columns], Array(operand.strides.suffix(2)))
    guard size.depth > 1 else { return try MemoryDescriptor(shape: shape, strides: strides) }
    let distance = offsets.count > 1 ? offsets[1] : 0
    return try MemoryDescriptor(
      shape: [distance == 0 ? 1 : tile.depth] + shape,
      strides: [distance == 0 ? rows * columns : distance] + strides)
  }

  /// For each matrix of the stack, in row-major order, the offset of the operand's matrix in elements.
  private static func offsets(_ operand: MatrixProduct.Operand, _ stack: [Int]) -> [Int] {
    var offsets = [0]
    for (axis, count) in stack.enumerated() {
      let step = operand.shape[axis] == 1 ? 0 : operand.strides[axis]
      offsets = offsets.flatMap { base in (0..<count).map { base + $0 * step } }
    }
    return offsets
  }
}

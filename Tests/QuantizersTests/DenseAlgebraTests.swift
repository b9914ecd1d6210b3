import TensorCore
import Testing

@testable import Quantizers

/// Products and factorisations of more than one tile, against their definitions, with several numbers of threads.
@Suite struct DenseAlgebraTests {
  private static func matrix(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix(seed: seed)
    return (0..<count).map { _ in generator.normal() }
  }

  /// What `body` gives with one thread, having found the same bits with two, three and seven.
  private static func withThreads<T: Equatable>(_ body: () -> T) -> T {
    let alone = Parallelism.$threadCountOfTask.withValue(1, operation: body)
    for threads in [2, 3, 7] {
      let several = Parallelism.$threadCountOfTask.withValue(threads, operation: body)
      #expect(several == alone, "\(threads) threads")
    }
    return alone
  }

  @Test func `squares and products are those of the definition, for any number of threads`() {
    let (depth, size, stride) = (70, 300, 310)
    let a = Self.matrix(depth * stride, seed: 1)
    let b = Self.matrix(depth * stride, seed: 2)
    let (square, product) = Self.withThreads {
      var square = [Float](repeating: 1, count: size * size)
      var product = square
      DenseAlgebra.addSquare(a, depth: depth, stride: stride, size: size, to: &square)
      DenseAlgebra.addTransposedProduct(
        a, b, depth: depth, stride: stride, rows: size, columns: size, to: &product)
      return Pair(square, product)
    }.values
    for (i, j) in [(0, 0), (0, 299), (5, 130), (127, 128), (255, 256), (299, 299), (280, 3)] {
      func sum(_ other: [Float]) -> Double {
        (0..<depth).reduce(1.0) {
          $0 + Double(a[$1 * stride + i]) * Double(other[$1 * stride + j])
        }
      }
      #expect(abs(Double(product[i * size + j]) - sum(b)) < 1e-4)
      // Only the upper triangle is computed.
      #expect(abs(Double(square[i * size + j]) - (i <= j ? sum(a) : 1)) < 1e-4)
    }
  }

  @Test(arguments: [true, false])
  func `a product of strided rows is that of the definition`(transposed: Bool) {
    let (rows, depth, columns, stride) = (140, 90, 260, 300)
    let a = Self.matrix(rows * stride, seed: 3)
    let b = Self.matrix(columns * stride, seed: 4)
    let result = Self.withThreads {
      var c = [Float](repeating: 2, count: rows * stride)
      DenseAlgebra.multiply(
        a, stride: stride, b, stride: stride, transposed: transposed, rows: rows, depth: depth,
        columns: columns, into: &c, stride: stride, keeping: 0.5)
      return c
    }
    for (i, j) in [(0, 0), (127, 128), (128, 127), (139, 259), (60, 200)] {
      let expected = (0..<depth).reduce(1.0) {
        $0 + Double(a[i * stride + $1])
          * Double(transposed ? b[j * stride + $1] : b[$1 * stride + j])
      }
      #expect(abs(Double(result[i * stride + j]) - expected) < 1e-4)
    }
    // What lies between the rows stays.
    #expect(result[columns] == 2 && result[stride - 1] == 2)
  }

  @Test(arguments: [1, 127, 128, 129, 300])
  func `a factorised matrix solves its equations, for any number of threads`(size: Int) throws {
    let root = Self.matrix(size * size, seed: 5)
    var matrix = [Double](repeating: 0, count: size * size)
    for i in 0..<size {
      for j in 0...i {
        let sum = (0..<size).reduce(i == j ? 1.0 : 0) {
          $0 + Double(root[i * size + $1]) * Double(root[j * size + $1])
        }
        (matrix[i * size + j], matrix[j * size + i]) = (sum, sum)
      }
    }
    let columns = 150
    let sides = Self.matrix(size * columns, seed: 6).map(Double.init)
    let (isDefinite, solution) = Self.withThreads {
      var factor = matrix
      var x = sides
      let isDefinite = DenseAlgebra.factorize(&factor, size: size)
      DenseAlgebra.solve(factor, size: size, &x, columns: columns)
      return Pair(isDefinite, x)
    }.values
    #expect(isDefinite)
    for column in [0, 127, 128, 149] {
      for i in 0..<size {
        let found = (0..<size).reduce(0.0) {
          $0 + matrix[i * size + $1] * solution[column * size + $1]
        }
        #expect(abs(found - sides[column * size + i]) < 1e-6)
      }
    }
  }

  @Test(arguments: [3, 200]) func `a matrix that is not definite is told`(size: Int) {
    var matrix = [Double](repeating: 0, count: size * size)
    for index in 0..<size { matrix[index * size + index] = index == size - 1 ? -1 : 1 }
    #expect(!DenseAlgebra.factorize(&matrix, size: size))
  }

  private struct Pair<A: Equatable, B: Equatable>: Equatable {
    var first: A
    var second: B
    init(_ first: A, _ second: B) { (self.first, self.second) = (first, second) }
    var values: (A, B) { (first, second) }
  }
}

// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "snug", path: "..")],
  targets: [
    .target(name: "BenchmarkSupport"),
    .executableTarget(
      name: "DataBenchmarks",
      dependencies: [.product(name: "SnugData", package: "snug")]),
    .executableTarget(
      name: "InferenceBenchmarks",
      dependencies: [
        "BenchmarkSupport", .product(name: "SnugInference", package: "snug"),
      ]),
    .executableTarget(
      name: "WeightBenchmarks",
      dependencies: [
        "BenchmarkSupport", .product(name: "SnugMathematics", package: "snug"),
      ]),
  ]
)

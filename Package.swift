// swift-tools-version: 6.1
import PackageDescription

/// A Swift source target under `Sources/`, in Swift 6 language mode like all of this package.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies)
}

/// The test target that mirrors one source target.
///
/// - Parameter exclude: folders of recorded text, read by their path in the checkout.
func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
    exclude: exclude)
}

let package = Package(
  name: "snug",
  products: [
    .library(name: "Snug", targets: ["Snug"]),
    .executable(name: "snug", targets: ["SnugProgram"]),
    // libsnug, for other languages: `scripts/package` gives it its name and version.
    .library(name: "SnugInterface", type: .dynamic, targets: ["SnugInterface"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // MARK: C libraries and C code
    .systemLibrary(
      name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-openmp-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // The C interface as its users see it, which SnugInterface implements.
    .systemLibrary(name: "CSnug"),
    .target(name: "COnnxProto", dependencies: ["CProtobufC"]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("gomp")]),

    // MARK: The layers, bottom up: each target with all that it imports
    module("TensorCore", ["CKernels"]),
    module("GraphIR", ["TensorCore"]),
    module("OnnxFormat", ["TensorCore", "GraphIR", "COnnxProto"]),
    module("AccumulatorBounds", ["TensorCore"]),
    module("Plotting", ["TensorCore"]),
    module("Quantizers", ["TensorCore", "AccumulatorBounds", "CKernels", "COpenBLAS"]),
    module("DNNEngine", ["TensorCore", "COneDNN"]),
    module("Execution", ["TensorCore", "GraphIR", "DNNEngine", "Quantizers", "CKernels"]),
    module(
      "Operators",
      [
        "TensorCore", "GraphIR", "AccumulatorBounds", "DNNEngine", "Quantizers", "CKernels",
        "Execution",
      ]),
    module(
      "Emulation",
      ["TensorCore", "GraphIR", "AccumulatorBounds", "CKernels", "Execution", "Operators"]),
    module("Passes", ["TensorCore", "GraphIR", "AccumulatorBounds", "Execution", "Operators"]),
    module("Datasets", ["TensorCore", "OnnxFormat", "CTurboJPEG", "CPNG", "CZlib"]),
    module(
      "Quantization",
      [
        "TensorCore", "GraphIR", "AccumulatorBounds", "Quantizers", "Execution", "Operators",
        "Passes",
      ]),
    module(
      "Training",
      [
        "TensorCore", "GraphIR", "Plotting", "Quantizers", "Execution", "Operators", "Datasets",
        "Quantization", "CKernels", "CZlib",
      ]),
    // Nothing that produces a file: what it shares with its producers can't find their mistakes.
    module("Verification", ["TensorCore", "GraphIR", "AccumulatorBounds"]),
    module(
      "Reporting",
      [
        "TensorCore", "GraphIR", "AccumulatorBounds", "Plotting", "Verification",
        .product(name: "Mustache", package: "swift-mustache"),
      ]),
    module(
      "Snug",
      [
        "TensorCore", "GraphIR", "OnnxFormat", "AccumulatorBounds", "Quantizers", "DNNEngine",
        "Execution", "Operators", "Emulation", "Passes", "Datasets", "Quantization", "Training",
        "Verification", "Reporting", "CKernels", "CCrypto", "Yams",
      ]),
    module(
      "SnugCommand",
      [
        "Snug", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(name: "SnugProgram", dependencies: ["SnugCommand"]),
    module("SnugInterface", ["CSnug", "TensorCore", "Datasets", "Snug", "SnugCommand"]),

    // MARK: Tests
    .target(
      name: "TestSupport", dependencies: ["TensorCore", "GraphIR"], path: "Tests/TestSupport"),
    // Gradients against finite differences
    .target(
      name: "TrainingSupport",
      dependencies: [
        "TensorCore", "GraphIR", "AccumulatorBounds", "Quantizers", "Execution", "Operators",
        "TestSupport",
      ], path: "Tests/TrainingSupport"),
    // Answers tests that verify thousands of files
    .executableTarget(
      name: "VerifyServer",
      dependencies: ["GraphIR", "OnnxFormat", "Verification", "Reporting"],
      path: "Tests/VerifyServer"),
    tests("TensorCore"),
    tests("GraphIR", ["TensorCore"]),
    tests("OnnxFormat", ["TensorCore", "GraphIR"]),
    tests("AccumulatorBounds", ["TensorCore"]),
    tests("Quantizers", ["TensorCore", "AccumulatorBounds", "CKernels"]),
    tests("DNNEngine", ["TensorCore", "COneDNN"]),
    tests(
      "Execution",
      ["TensorCore", "GraphIR", "DNNEngine", "Quantizers", "Operators", "TrainingSupport"]),
    tests(
      "Operators",
      [
        "TensorCore", "GraphIR", "OnnxFormat", "Quantizers", "Execution", "TrainingSupport",
      ]),
    tests("Emulation", ["TensorCore", "GraphIR", "AccumulatorBounds", "Execution", "Operators"]),
    tests("Passes", ["TensorCore", "GraphIR", "OnnxFormat", "Execution", "Operators"]),
    tests("Datasets", ["TensorCore", "OnnxFormat", "CZlib"]),
    tests(
      "Quantization",
      [
        "TensorCore", "GraphIR", "OnnxFormat", "AccumulatorBounds", "Quantizers", "Execution",
        "Operators", "Passes", "Verification",
      ]),
    tests(
      "Training",
      [
        "TensorCore", "GraphIR", "OnnxFormat", "Plotting", "Execution", "Operators", "Datasets",
        "Quantization", "CZlib",
      ]),
    tests("Verification", ["TensorCore", "GraphIR", "OnnxFormat", "AccumulatorBounds"]),
    tests(
      "Reporting", ["TensorCore", "GraphIR", "AccumulatorBounds", "Verification"],
      exclude: ["Snapshots"]),
    tests(
      "Snug",
      [
        "TensorCore", "GraphIR", "OnnxFormat", "AccumulatorBounds", "Operators", "Passes",
        "Datasets", "Quantization", "Training", "Verification", "Reporting",
      ]),
    tests(
      "SnugCommand",
      [
        "Snug", "TensorCore", "GraphIR", "OnnxFormat", "Datasets", "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], exclude: ["Snapshots"]),

    .testTarget(
      name: "SnugInterfaceTests", dependencies: ["SnugInterface", "TestSupport"], exclude: ["C"]),

    // The node tests of the onnx package
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "TensorCore", "GraphIR", "OnnxFormat", "Execution", "Operators", "Passes", "TestSupport",
      ],
      exclude: ["Scripts", "manifest.txt"]),

    // Whole conversions against onnx, onnxruntime and qonnx
    .testTarget(
      name: "PeerTests",
      dependencies: [
        "TensorCore", "GraphIR", "OnnxFormat", "Execution", "Operators", "Datasets",
        "Quantization", "Verification", "Snug", "TestSupport",
      ],
      exclude: ["Scripts"]),
  ]
)

// `scripts/fuzz` alone builds these: they link libFuzzer, which other builds don't need.
if Context.environment["SNUG_FUZZ"] != nil {
  package.targets += [
    .target(name: "FuzzDriver", path: "Fuzz/Driver"),
    .executableTarget(
      name: "fuzz-formats",
      dependencies: ["FuzzDriver", "OnnxFormat", "Verification", "Datasets", "CZlib"],
      path: "Fuzz/Formats"),
    .executableTarget(
      name: "fuzz-jobs",
      dependencies: ["FuzzDriver", "OnnxFormat", "Passes", "Training", "Snug", "CZlib"],
      path: "Fuzz/Jobs"),
  ]
}

// Programs that measure, and which other builds don't need.
if Context.environment["SNUG_BENCHMARKS"] != nil {
  package.targets += [
    .target(name: "BenchmarkSupport", path: "Benchmarks/Sources/BenchmarkSupport"),
    .executableTarget(
      name: "DataBenchmarks", dependencies: ["TensorCore", "Datasets"],
      path: "Benchmarks/Sources/DataBenchmarks"),
    .executableTarget(
      name: "InferenceBenchmarks",
      dependencies: [
        "BenchmarkSupport", "TensorCore", "GraphIR", "OnnxFormat", "Execution", "Operators",
      ], path: "Benchmarks/Sources/InferenceBenchmarks"),
    .executableTarget(
      name: "WeightBenchmarks",
      dependencies: ["BenchmarkSupport", "AccumulatorBounds", "Quantizers"],
      path: "Benchmarks/Sources/WeightBenchmarks"),
  ]
}

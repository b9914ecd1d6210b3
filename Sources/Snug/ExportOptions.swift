import Passes

/// How a quantized model is written for deployment.
public typealias ExportOptions = Passes.ExportOptions
/// A dialect in which quantized models are written.
public typealias ExportFormat = Passes.ExportFormat

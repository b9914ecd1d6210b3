@_exported import AccumulatorBounds
@_exported import Datasets
@_exported import GraphIR
@_exported import Quantization
@_exported import Reporting
@_exported import TensorCore
@_exported import Training
@_exported import Verification

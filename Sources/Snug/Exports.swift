@_exported import GraphIR
@_exported import Quantization
@_exported import TensorCore
@_exported import Verification

import TensorCore

/// 2^x, rounded once from double precision, so that no library's single-precision version matters.
func exp2(_ x: Float) -> Float { Float(exp2(Double(x))) }

/// log2 x, rounded once from double precision.
func log2(_ x: Float) -> Float { Float(log2(Double(x))) }

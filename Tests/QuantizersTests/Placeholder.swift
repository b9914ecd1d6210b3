// QuantizersTests

// OnnxFormatTests

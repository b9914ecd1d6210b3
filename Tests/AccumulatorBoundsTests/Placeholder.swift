// AccumulatorBoundsTests

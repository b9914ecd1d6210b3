// AccumulatorBounds

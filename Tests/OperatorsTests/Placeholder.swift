// OperatorsTests

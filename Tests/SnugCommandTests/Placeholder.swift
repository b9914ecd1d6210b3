// SnugCommandTests

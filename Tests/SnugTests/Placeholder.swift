// SnugTests

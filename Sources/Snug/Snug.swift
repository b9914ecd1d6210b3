// Snug

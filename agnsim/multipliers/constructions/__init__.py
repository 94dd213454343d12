"""What families build multipliers from: adders, trees, Booth digits, compressors, segments, logarithms."""

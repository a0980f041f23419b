"""What one adds to the plain loop or the plain tagger: faster, safer, several processes."""

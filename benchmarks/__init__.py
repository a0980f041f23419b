"""What measures the course: speed, accuracy, faults, bulk tagging. Results lie beside it."""

"""What one does with a trained tagger's predictions: look at them, count, compare, plot."""

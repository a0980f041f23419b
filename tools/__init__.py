"""What makes the course: running notebooks, checking them, copies for Colab, book, slides."""

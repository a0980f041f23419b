"""What only the making of the course needs: running notebooks, checking them, copies for Colab."""

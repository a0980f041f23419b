"""What the lessons import and nobody else: checks, quizzes, the broken laboratory."""

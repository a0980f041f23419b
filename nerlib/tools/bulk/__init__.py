"""More than one process: training that shares every batch, and tagging of more than fits a disk.

Built in notebook 10. Training needs PyTorch alone, once something has started the processes
(`accelerate launch`); tagging in bulk needs the extra `scale`.
"""

"""Plumbing shared by the notebooks: data, figures, records and paths.

The modules imported here, and everything they import, need neither TensorFlow nor PyTorch.
"""

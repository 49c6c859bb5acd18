"""The main job, start to end, on the embedded miniature."""

"""Our solver against a plain transcription of the published loop, on real shapes."""

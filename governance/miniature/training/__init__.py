"""How the miniature and its judge are trained, stage by stage."""

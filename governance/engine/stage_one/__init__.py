"""What ReFACT and EMCID optimise before their closed form inserts it."""

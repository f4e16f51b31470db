"""From the command line, standard input and plan files to the options of a run."""

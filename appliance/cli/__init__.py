"""The command line: data on stdout, everything else on stderr; 0 done, 1 failed, 2 wrong usage."""

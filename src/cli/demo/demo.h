/* `trothdb demo`: a cluster of its own, loaded, a node killed in the middle. */
#pragma once

/* Arguments behind the name; the exit code of the process. */
int demo_run(int argc, char **argv);

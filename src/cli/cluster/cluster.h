/* `trothdb cluster`: founding a cluster, changing it, looking at it. */
#pragma once

/* Arguments behind the name; the exit code of the process. */
int cluster_run(int argc, char **argv);

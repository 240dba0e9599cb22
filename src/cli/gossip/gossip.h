/* `trothdb gossip` and `trothdb members`: what members say of themselves, asked and told. */
#pragma once

/* Arguments behind the name; the exit code of the process. */
int gossip_run(int argc, char **argv);
int members_run(int argc, char **argv);

/* `trothdb backup` and `trothdb restore`: arguments behind the name; the exit code of the process.
 */
#pragma once
#include "base/exit_code.h"

int backup_run(int argc, char **argv);
int restore_run(int argc, char **argv);

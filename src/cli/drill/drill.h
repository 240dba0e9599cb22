/* What the files of the drill share: drill.c has the nodes, the steps and the command,
 * drill_script.c what goes wrong in which order, drill_disk.c a disk that can be filled,
 * drill_load.c the writers and readers, drill_check.c what they may find, drill_report.c the
 * verdict. */
#pragma once
#include "base/exit_code.h"
#include "cli/client/client.h"
#include "cli/drill/drill_disk.h"
#include "cli/drill/drill_load.h"
#include "cli/nodes/demo_nodes.h"

enum {
    DRILL_STEP_MAXIMUM = 64,
    DRILL_WHAT_BYTES = 96,
    DRILL_LEADERS_BYTES = 128,
    DRILL_GO_ON_MS = 30000,
    DRILL_SMALL_DISK = 0 /* the index of the node whose disk is filled */
};

/* One line of the timeline. */
struct drill_step {
    char what[DRILL_WHAT_BYTES];
    char leaders[DRILL_LEADERS_BYTES]; /* at its end: "1:2 2:0 3:2", shards led by each node */
    uint64_t begun_us, lasted_us;
    uint64_t gap_us;       /* the longest time that any writer had no write acknowledged */
    uint64_t acknowledged; /* writes, within it */
};

struct drill {
    struct demo_nodes nodes;
    struct drill_load *load; /* NULL: not begun */
    struct drill_disk disk;  /* of node DRILL_SMALL_DISK */
    struct drill_step steps[DRILL_STEP_MAXIMUM];
    unsigned step_count;
    uint64_t started_us, awaited_us;
    bool is_short, is_json;
};

/* Each returns 0, or ERR_REFUSED or another error with nodes.problem. */
int drill_script(struct drill *drill) MUST_CHECK;
int drill_wait(struct drill *drill, bool (*is_met)(struct drill *drill), int limit_ms,
               const char *what) MUST_CHECK;
int drill_rest(struct drill *drill, int ms) MUST_CHECK; /* watches the nodes meanwhile */
int drill_await_whole(struct drill *drill) MUST_CHECK;
int drill_set(struct drill *drill, unsigned node, const char *name, const char *value) MUST_CHECK;
/* Does this line stand in the INFO of that node? False, too, if it does not answer. */
bool drill_says(const struct drill *drill, unsigned node, const char *line);
int drill_fail(struct drill *drill, const char *why);

/* The index of the node that leads most shards. */
unsigned drill_busiest(const struct drill *drill);
/* A step lasts from one to the other; its end waits until every writer goes on. `format` may have
 * one %u. */
void drill_begin_step(struct drill *drill, const char *format, unsigned number);
int drill_end_step(struct drill *drill) MUST_CHECK;

/* Prints the verdict, and returns the exit code. */
int drill_report(struct drill *drill, int error);

/* `trothdb drill`: arguments behind the name; the exit code of the process. */
int drill_run(int argc, char **argv);

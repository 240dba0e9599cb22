/* What every node of a cluster says of its settings. */
#pragma once
#include "cli/client/survey.h"
#include "cli/cluster/order.h"

/* The columns of an answer's rows. */
enum { SETTING_NAME, SETTING_VALUE, SETTING_SOURCE, SETTING_WHEN, SETTING_COLUMNS };

struct settings_said {
    struct status asked;
    struct survey_answer *nodes; /* one for each of asked.nodes */
};

/* Of the settings that fit the pattern. An error with `problem` (CLIENT_PROBLEM_BYTES) leaves
 * nothing to release. */
int settings_said_fetch(struct settings_said *said, const struct net_address *at,
                        const char *pattern, char *problem) MUST_CHECK;
void settings_said_release(struct settings_said *said);
/* The row of a setting in a node's answer; NULL: it has none. */
const struct response *settings_row(const struct survey_answer *node, struct bytes name);
/* Is it decided there: "built-in", "cluster", "node"...? */
bool setting_is_from(const struct response *row, const char *source);

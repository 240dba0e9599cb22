#include "cli/cluster/settings_said.h"

#include <stdio.h>

#include "base/memory.h"

int settings_said_fetch(struct settings_said *said, const struct net_address *at,
                        const char *pattern, char *problem) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("SETTINGS"),
                                  bytes_of_text(pattern)};
    int error = status_fetch(&said->asked, at, CLUSTER_ASK_MS, problem);
    if (error)
        return error;
    if (said->asked.node_count == 0) {
        snprintf(problem, CLIENT_PROBLEM_BYTES, "the node belongs to no cluster yet");
        status_release(&said->asked);
        return ERR_REFUSED;
    }
    said->nodes = status_survey(&said->asked, words, 3, CLUSTER_ASK_MS);
    return 0;
}

void settings_said_release(struct settings_said *said) {
    survey_release(said->nodes, said->asked.node_count);
    memory_free(said->nodes);
    status_release(&said->asked);
}

const struct response *settings_row(const struct survey_answer *node, struct bytes name) {
    for (size_t i = 0; i < node->reply.element_count; i++) {
        const struct response *row = &node->reply.elements[i];
        if (row->element_count >= SETTING_COLUMNS &&
            bytes_equal(row->elements[SETTING_NAME].text, name))
            return row;
    }
    return NULL;
}

bool setting_is_from(const struct response *row, const char *source) {
    return bytes_equal(row->elements[SETTING_SOURCE].text, bytes_of_text(source));
}

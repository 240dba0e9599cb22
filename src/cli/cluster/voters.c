#include "cli/cluster/voters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/client/survey.h"

/* "1,2,3", or "-" for nobody; false if it is neither. */
static bool parse_numbers(const char *text, raft_node_number *numbers, uint8_t *count) {
    *count = 0;
    if (strcmp(text, "-") == 0)
        return true;
    for (const char *at = text;; at++) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at || *count == RAFT_VOTER_MAXIMUM || number > UINT32_MAX)
            return false;
        numbers[(*count)++] = (raft_node_number)number;
        at = end;
        if (*at != ',')
            return *at == '\0';
    }
}

/* The last two are not told by older releases. */
static bool parse_line(struct voters *voters, const char *line) {
    char now[128], before[128];
    unsigned long long term, index, coming_term = 0, coming_index = 0;
    *voters = (struct voters){0};
    if (sscanf(line, "%u %llu %llu %127s %127s %llu %llu", &voters->shard, &term, &index, now,
               before, &coming_term, &coming_index) < 5)
        return false;
    voters->last_term = term;
    voters->last_index = index;
    voters->coming_term = coming_term;
    voters->coming_index = coming_index;
    return parse_numbers(now, voters->members.voters, &voters->members.voter_count) &&
           parse_numbers(before, voters->members.old_voters, &voters->members.old_voter_count);
}

static int decode(struct voters_list *list, struct bytes text) {
    char *copy = bytes_copy_text(text), *rest = NULL;
    int error = 0;
    for (char *line = strtok_r(copy, "\n", &rest); line && !error;
         line = strtok_r(NULL, "\n", &rest)) {
        list->replicas = memory_resize(list->replicas, (list->count + 1) * sizeof *list->replicas);
        error = parse_line(&list->replicas[list->count++], line) ? 0 : ERR_MALFORMED;
    }
    memory_free(copy);
    return error;
}

static int take_answer(struct voters_list *list, const struct survey_answer *answer,
                       char *problem) {
    if (answer->error) {
        memcpy(problem, answer->client.problem, CLIENT_PROBLEM_BYTES);
        return answer->error;
    }
    int error = decode(list, answer->reply.text);
    if (error) {
        snprintf(problem, CLIENT_PROBLEM_BYTES,
                 "%s:%u says in a way that this release does not know who votes",
                 answer->address.host, answer->address.port);
    }
    return error;
}

int voters_fetch_all(struct voters_list *lists, const struct net_address *addresses, size_t count,
                     int timeout_ms, char *problem) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("VOTERS")};
    const struct survey survey = {.words = words, .word_count = 2, .timeout_ms = timeout_ms};
    struct survey_answer *answers = memory_allocate_zeroed(count, sizeof *answers);
    int error = 0;
    for (size_t i = 0; i < count; i++)
        answers[i].address = addresses[i];
    survey_ask(&survey, answers, count);
    for (size_t i = 0; i < count; i++) {
        lists[i] = (struct voters_list){0};
        if (!error)
            error = take_answer(&lists[i], &answers[i], problem);
    }
    survey_release(answers, count);
    memory_free(answers);
    return error;
}

void voters_release(struct voters_list *list) {
    memory_free(list->replicas);
    *list = (struct voters_list){0};
}

const struct voters *voters_of(const struct voters_list *list, uint32_t shard) {
    for (size_t i = 0; i < list->count; i++)
        if (list->replicas[i].shard == shard)
            return &list->replicas[i];
    return NULL;
}

bool voters_is_ahead(const struct voters *a, const struct voters *b) {
    return a->last_term > b->last_term ||
           (a->last_term == b->last_term && a->last_index > b->last_index);
}

bool voters_comes_ahead(const struct voters *a, const struct voters *b) {
    const struct voters in_place = {.last_term = a->coming_term, .last_index = a->coming_index};
    return voters_is_ahead(&in_place, b);
}

static bool is_majority(const raft_node_number *voters, unsigned count,
                        bool (*is_left)(const void *context, uint32_t node), const void *context) {
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++)
        left += is_left(context, voters[i]);
    return count == 0 || left * 2 > count;
}

bool voters_have_majority(const struct voters *voters,
                          bool (*is_left)(const void *context, uint32_t node),
                          const void *context) {
    const struct raft_configuration *members = &voters->members;
    return members->voter_count > 0 &&
           is_majority(members->voters, members->voter_count, is_left, context) &&
           is_majority(members->old_voters, members->old_voter_count, is_left, context);
}

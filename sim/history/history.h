/* The history of a run: every operation with its invocation and its answer. */
#pragma once
#include "sim/history/model.h"

struct history {
    struct operation *operations;
    size_t count, capacity;
};

void history_init(struct history *history);
void history_release(struct history *history);
/* Notes an invocation, of unknown outcome so far; returns its number. */
uint64_t history_invoke(struct history *history, const struct operation *operation);
void history_return(struct history *history, uint64_t number, uint64_t now_us,
                    const struct result *result);
/* The same of one that may have done nothing: it did it before now, or never will. */
void history_return_perhaps(struct history *history, uint64_t number, uint64_t now_us,
                            const struct result *result);
/* It certainly never took effect, and never will: as if it had not been. */
void history_void(struct history *history, uint64_t number);

/* It was answered, and may be lost nonetheless: of unknown outcome again. */
void history_doubt(struct history *history, uint64_t number);

struct history_verdict {
    size_t keys_checked, keys_undecided, operations_known, operations_unknown;
};
/* Checks each key by itself. 0, or ERR_REFUSED with what is wrong, and the operations around it, in
 * `problem`. */
int history_check(const struct history *history, struct history_verdict *verdict,
                  struct buffer *problem);

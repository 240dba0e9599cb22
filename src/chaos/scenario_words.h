/* The words of one line of a scenario, taken one by one. Private to chaos/. */
#pragma once
#include "chaos/scenario.h"

/* For "%.*s", of a word of any length. */
#define SCENARIO_SHOWN(word)                                                                       \
    (int)((word).length < 60 ? (word).length : 60), (const char *)(word).data

struct scenario_words {
    const char *file;
    unsigned line;
    struct bytes words[SCENARIO_WORD_MAXIMUM];
    unsigned count, at;
    char *problem;
};

/* Splits a line; what stands behind # is a comment. ERR_INVALID with the problem. */
int scenario_words_split(struct scenario_words *words, struct bytes line) MUST_CHECK;
/* Writes "FILE:LINE: ..." into the problem. ERR_INVALID. */
int scenario_words_refuse(struct scenario_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct bytes scenario_words_peek(const struct scenario_words *words); /* empty at the end */
struct bytes scenario_words_next(struct scenario_words *words);
/* What is left of the line, with one blank between words. */
void scenario_words_rest(const struct scenario_words *words, char out[SCENARIO_LINE_BYTES]);
/* Takes the next word if it is this one. */
bool scenario_words_take(struct scenario_words *words, const char *word);
/* Each takes a word of a kind. ERR_INVALID with the problem. */
int scenario_words_duration(struct scenario_words *words, uint64_t *us) MUST_CHECK;
int scenario_words_share(struct scenario_words *words, double *share) MUST_CHECK;
int scenario_words_count(struct scenario_words *words, unsigned minimum, unsigned maximum,
                         unsigned *count) MUST_CHECK;
/* "20/s" */
int scenario_words_rate(struct scenario_words *words, double maximum, double *rate) MUST_CHECK;
/* "5ms..30ms" or "5ms" */
int scenario_words_delay(struct scenario_words *words, uint64_t *shortest_us,
                         uint64_t *longest_us) MUST_CHECK;
/* "3" or "a1,a4-a6" */
int scenario_words_who(struct scenario_words *words, struct scenario_who *who) MUST_CHECK;
/* "25/25" or "30%/70%" */
int scenario_words_parts(struct scenario_words *words, struct scenario_step *step) MUST_CHECK;
/* ERR_INVALID with the problem where a word is left. */
int scenario_words_end(struct scenario_words *words) MUST_CHECK;

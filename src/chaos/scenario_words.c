#include "chaos/scenario_words.h"
#include "base/text/number.h"
#include "base/text/quantity.h"
#include <stdarg.h>
#include <stdio.h>

int scenario_words_refuse(struct scenario_words *words, const char *format, ...) {
    va_list arguments;
    int used =
        snprintf(words->problem, SCENARIO_PROBLEM_BYTES, "%.200s:%u: ", words->file, words->line);
    va_start(arguments, format);
    vsnprintf(words->problem + used, SCENARIO_PROBLEM_BYTES - (size_t)used, format, arguments);
    va_end(arguments);
    return ERR_INVALID;
}

int scenario_words_split(struct scenario_words *words, struct bytes line) {
    const char *at = (const char *)line.data, *end = at + line.length;
    const char *comment = line.length > 0 ? memchr(at, '#', line.length) : NULL;
    end = comment != NULL ? comment : end;
    words->count = words->at = 0;
    if ((size_t)(end - at) >= SCENARIO_LINE_BYTES)
        return scenario_words_refuse(words, "the line is too long: at most %d characters",
                                     SCENARIO_LINE_BYTES - 1);
    while (at < end) {
        if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
            continue;
        }
        const char *begin = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\r') {
            if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
                return scenario_words_refuse(words, "a character that is not plain text stands "
                                                    "there: write letters, digits and signs");
            at++;
        }
        if (words->count == SCENARIO_WORD_MAXIMUM)
            return scenario_words_refuse(words, "too many words: one statement a line");
        words->words[words->count++] = bytes_of(begin, (size_t)(at - begin));
    }
    return 0;
}

struct bytes scenario_words_peek(const struct scenario_words *words) {
    return words->at < words->count ? words->words[words->at] : BYTES_LITERAL("");
}

struct bytes scenario_words_next(struct scenario_words *words) {
    struct bytes word = scenario_words_peek(words);
    words->at += words->at < words->count;
    return word;
}

void scenario_words_rest(const struct scenario_words *words, char out[SCENARIO_LINE_BYTES]) {
    size_t used = 0;
    out[0] = 0;
    for (unsigned i = words->at; i < words->count; i++)
        used += (size_t)snprintf(out + used, SCENARIO_LINE_BYTES - used, "%s%.*s",
                                 i > words->at ? " " : "", BYTES_PRINT(words->words[i]));
}

bool scenario_words_take(struct scenario_words *words, const char *word) {
    bool is_it = bytes_equal(scenario_words_peek(words), bytes_of_text(word));
    words->at += is_it;
    return is_it;
}

int scenario_words_duration(struct scenario_words *words, uint64_t *us) {
    struct bytes word = scenario_words_next(words);
    if (quantity_parse_duration(word, us) != 0 || *us > SCENARIO_LENGTH_MAXIMUM_US)
        return scenario_words_refuse(words, "'%.*s' is no time: write one such as 500ms, 10s or 2m",
                                     SCENARIO_SHOWN(word));
    return 0;
}

int scenario_words_share(struct scenario_words *words, double *share) {
    struct bytes word = scenario_words_next(words);
    if (quantity_parse_share(word, share) != 0)
        return scenario_words_refuse(
            words, "'%.*s' is no share: write one from 0%% to 100%%, such as 20%%",
            SCENARIO_SHOWN(word));
    return 0;
}

int scenario_words_count(struct scenario_words *words, unsigned minimum, unsigned maximum,
                         unsigned *count) {
    struct bytes word = scenario_words_next(words);
    int64_t number;
    if (!number_parse_i64(word, &number) || number < minimum || number > maximum)
        return scenario_words_refuse(words, "'%.*s' is no number here: write one from %u to %u",
                                     SCENARIO_SHOWN(word), minimum, maximum);
    *count = (unsigned)number;
    return 0;
}

int scenario_words_rate(struct scenario_words *words, double maximum, double *rate) {
    struct bytes word = scenario_words_next(words), number = word;
    double value = 0;
    if (word.length > 2)
        number.length -= 2;
    if (word.length <= 2 || memcmp(word.data + number.length, "/s", 2) != 0 ||
        !number_parse_double(number, &value) || !(value > 0) || value > maximum)
        return scenario_words_refuse(words,
                                     "'%.*s' is no rate: write one such as 2/s, at most %.0f/s",
                                     SCENARIO_SHOWN(word), maximum);
    *rate = value;
    return 0;
}

int scenario_words_delay(struct scenario_words *words, uint64_t *shortest_us,
                         uint64_t *longest_us) {
    struct bytes word = scenario_words_next(words), shortest = word, longest = word;
    const uint8_t *dots = word.length > 0 ? memmem(word.data, word.length, "..", 2) : NULL;
    if (dots != NULL) {
        shortest.length = (size_t)(dots - word.data);
        longest = bytes_of(dots + 2, word.length - shortest.length - 2);
    }
    if (quantity_parse_duration(shortest, shortest_us) != 0 ||
        quantity_parse_duration(longest, longest_us) != 0 || *shortest_us > *longest_us ||
        *longest_us == 0)
        return scenario_words_refuse(
            words, "'%.*s' is no delay: write one such as 5ms or 5ms..30ms", SCENARIO_SHOWN(word));
    return 0;
}

/* ---- who ---- */

/* "a7" */
static bool agent_parse(struct bytes text, unsigned *number) {
    int64_t value;
    if (text.length < 2 || text.data[0] != 'a' ||
        !number_parse_i64(bytes_of(text.data + 1, text.length - 1), &value) || value < 1 ||
        value > SCENARIO_AGENT_MAXIMUM)
        return false;
    *number = (unsigned)value;
    return true;
}

/* Something, and something behind the last mark. */
static bool is_list(struct bytes word, uint8_t mark) {
    return word.length > 0 && word.data[word.length - 1] != mark;
}

/* "a7" or "a7-a9" */
static bool range_parse(struct bytes text, struct scenario_who *who) {
    struct bytes behind = text, front = bytes_take_until(&behind, '-');
    bool has_dash = front.length < text.length;
    unsigned first, last;
    if (who->range_count == SCENARIO_RANGE_MAXIMUM || !agent_parse(front, &first))
        return false;
    last = first;
    if (has_dash && (!agent_parse(behind, &last) || last < first))
        return false;
    who->ranges[who->range_count].first = first;
    who->ranges[who->range_count++].last = last;
    return true;
}

int scenario_words_who(struct scenario_words *words, struct scenario_who *who) {
    struct bytes word = scenario_words_next(words), rest = word;
    int64_t count;
    *who = (struct scenario_who){.count = 0};
    if (number_parse_i64(word, &count) && count >= 1 && count <= SCENARIO_AGENT_MAXIMUM) {
        who->count = (unsigned)count;
        return 0;
    }
    bool is_good = is_list(word, ',');
    while (is_good && rest.length > 0)
        is_good = range_parse(bytes_take_until(&rest, ','), who);
    if (!is_good)
        return scenario_words_refuse(words,
                                     "'%.*s' names no agents: write how many (by lot), or which, "
                                     "such as a3 or a1,a4-a6",
                                     SCENARIO_SHOWN(word));
    return 0;
}

/* ---- parts ---- */

static bool part_parse(struct bytes text, struct scenario_step *step) {
    int64_t count;
    bool is_share = text.length > 0 && text.data[text.length - 1] == '%';
    double *part = &step->parts[step->part_count];
    if (step->part_count == SCENARIO_PART_MAXIMUM ||
        (step->part_count > 0 && is_share != step->has_shares))
        return false;
    step->has_shares = is_share;
    step->part_count++;
    if (is_share)
        return quantity_parse_share(text, part) == 0 && *part > 0;
    bool is_count = number_parse_i64(text, &count) && count >= 1 && count <= SCENARIO_AGENT_MAXIMUM;
    *part = is_count ? (double)count : 0;
    return is_count;
}

int scenario_words_parts(struct scenario_words *words, struct scenario_step *step) {
    struct bytes word = scenario_words_next(words), rest = word;
    bool is_good = is_list(word, '/');
    while (is_good && rest.length > 0)
        is_good = part_parse(bytes_take_until(&rest, '/'), step);
    if (!is_good || step->part_count < 2)
        return scenario_words_refuse(words,
                                     "'%.*s' is no split: write two parts or more, such as 25/25 "
                                     "or 30%%/70%%",
                                     SCENARIO_SHOWN(word));
    return 0;
}

int scenario_words_end(struct scenario_words *words) {
    struct bytes word = scenario_words_peek(words);
    if (words->at < words->count)
        return scenario_words_refuse(words, "'%.*s' is too much there: take it away",
                                     SCENARIO_SHOWN(word));
    return 0;
}

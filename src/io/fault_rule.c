#include "io/fault_rule.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "base/text/quantity.h"
#include <stdio.h>

static const char *const kind_names[] = {[FAULT_CUT] = "cut",
                                         [FAULT_LOSS] = "loss",
                                         [FAULT_DUPLICATE] = "duplicate",
                                         [FAULT_DELAY] = "delay"};
enum { KIND_COUNT = sizeof kind_names / sizeof kind_names[0] };

static int refuse(char *problem, const char *format, struct bytes what) {
    int shown = what.length > 60 ? 60 : (int)what.length;
    snprintf(problem, FAULT_PROBLEM_BYTES, format, shown, (const char *)what.data);
    return ERR_INVALID;
}

/* Takes the next word off the text; empty at its end. */
static struct bytes word_take(struct bytes *text) {
    while (text->length > 0 && *text->data == ' ')
        *text = bytes_of(text->data + 1, text->length - 1);
    size_t length = 0;
    while (length < text->length && text->data[length] != ' ')
        length++;
    struct bytes word = bytes_of(text->data, length);
    *text = bytes_of(text->data + length, text->length - length);
    return word;
}

static int kind_parse(struct fault_rule *rule, struct bytes word, char *problem) {
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        if (bytes_equal_ignoring_case(word, kind_names[kind])) {
            rule->kind = (enum fault_rule_kind)kind;
            return 0;
        }
    }
    return refuse(problem, "'%.*s' is no fault: write cut, loss, duplicate or delay", word);
}

/* "5ms..30ms", or one duration. */
static int delay_parse(struct fault_rule *rule, struct bytes word, char *problem) {
    const uint8_t *dots = word.length > 0 ? memmem(word.data, word.length, "..", 2) : NULL;
    struct bytes shortest = word, longest = word;
    if (dots != NULL) {
        shortest.length = (size_t)(dots - word.data);
        longest = bytes_of(dots + 2, word.length - shortest.length - 2);
    }
    if (quantity_parse_duration(shortest, &rule->shortest_us) != 0 ||
        quantity_parse_duration(longest, &rule->longest_us) != 0 ||
        rule->shortest_us > rule->longest_us)
        return refuse(problem, "'%.*s' is no delay: write one such as 5ms or 5ms..30ms", word);
    return 0;
}

static int amount_parse(struct fault_rule *rule, struct bytes *text, char *problem) {
    switch (rule->kind) {
    case FAULT_CUT:
        return 0;
    case FAULT_LOSS:
    case FAULT_DUPLICATE: {
        struct bytes word = word_take(text);
        if (quantity_parse_share(word, &rule->share) != 0)
            return refuse(problem, "'%.*s' is no share: write one from 0%% to 100%%, such as 20%%",
                          word);
        return 0;
    }
    case FAULT_DELAY:
        return delay_parse(rule, word_take(text), problem);
    }
    return ERR_INVALID;
}

static int way_parse(struct fault_rule *rule, struct bytes word, char *problem) {
    rule->way = FAULT_WITH;
    if (word.length == 0 || bytes_equal_ignoring_case(word, "with"))
        return 0;
    rule->way = FAULT_TO;
    if (bytes_equal_ignoring_case(word, "to"))
        return 0;
    rule->way = FAULT_FROM;
    if (bytes_equal_ignoring_case(word, "from"))
        return 0;
    return refuse(problem, "'%.*s' is no way: write to, from or with, and the peers", word);
}

/* "host:port" or "host:first-last". */
static int range_parse(struct fault_range *range, struct bytes text) {
    const uint8_t *colon = text.length > 0 ? memrchr(text.data, ':', text.length) : NULL;
    size_t behind = colon != NULL ? (size_t)(colon - text.data) : text.length;
    const uint8_t *dash = memchr(text.data + behind, '-', text.length - behind);
    struct bytes first = text;
    if (dash != NULL)
        first.length = (size_t)(dash - text.data);
    struct net_address address;
    if (text.length == 0 || net_address_parse(&address, first) != 0)
        return ERR_INVALID;
    memcpy(range->host, address.host, sizeof range->host);
    range->first_port = range->last_port = address.port;
    if (dash == NULL)
        return 0;
    int64_t last;
    if (!number_parse_i64(bytes_of(dash + 1, text.length - first.length - 1), &last) ||
        last < range->first_port || last > UINT16_MAX)
        return ERR_INVALID;
    range->last_port = (uint16_t)last;
    return 0;
}

static int peers_parse(struct fault_rule *rule, struct bytes word, char *problem) {
    if (bytes_equal(word, BYTES_LITERAL("*")))
        return 0;
    rule->ranges = memory_allocate_zeroed(FAULT_RANGE_MAXIMUM, sizeof *rule->ranges);
    while (word.length > 0) {
        if (rule->range_count == FAULT_RANGE_MAXIMUM)
            return refuse(problem, "too many peers at '%.*s': at most 512 in a rule", word);
        size_t left = word.length;
        struct bytes one = bytes_take_until(&word, ',');
        bool ends_in_comma = one.length + 1 == left;
        if (range_parse(&rule->ranges[rule->range_count++], one) != 0 || ends_in_comma)
            return refuse(problem,
                          "'%.*s' is no peer: write *, or HOST:PORT or HOST:FIRST-LAST by commas",
                          one);
    }
    rule->ranges = memory_resize(rule->ranges, rule->range_count * sizeof *rule->ranges);
    return 0;
}

static int rule_parse(struct fault_rule *rule, struct bytes text, char *problem) {
    int error = kind_parse(rule, word_take(&text), problem);
    if (!error)
        error = amount_parse(rule, &text, problem);
    struct bytes way = error ? BYTES_NONE : word_take(&text);
    if (!error)
        error = way_parse(rule, way, problem);
    struct bytes peers = error ? BYTES_NONE : word_take(&text);
    if (!error && way.length > 0 && peers.length == 0)
        return refuse(problem, "'%.*s' is followed by no peers: write * or HOST:PORT", way);
    if (!error && peers.length > 0)
        error = peers_parse(rule, peers, problem);
    struct bytes rest = error ? BYTES_NONE : word_take(&text);
    return rest.length > 0 ? refuse(problem, "'%.*s' is too much: take it away", rest) : error;
}

int fault_rule_parse(struct fault_rule *rule, struct bytes text, char *problem) {
    *rule = (struct fault_rule){.kind = FAULT_CUT};
    if (text.length > FAULT_TEXT_MAXIMUM ||
        memchr(text.data ? text.data : (void *)"", 0, text.length))
        return refuse(problem, "'%.*s' is no rule: it is too long, or holds a zero byte", text);
    int error = rule_parse(rule, text, problem);
    if (error) {
        fault_rule_release(rule);
        return error;
    }
    rule->text = memory_allocate_zeroed(1, text.length + 1);
    memcpy(rule->text, text.data, text.length);
    return 0;
}

void fault_rule_release(struct fault_rule *rule) {
    memory_free(rule->ranges);
    memory_free(rule->text);
    *rule = (struct fault_rule){.kind = FAULT_CUT};
}

bool fault_rule_concerns(const struct fault_rule *rule, enum fault_way way,
                         const struct net_address *peer) {
    if ((rule->way & way) == 0)
        return false;
    for (size_t i = 0; i < rule->range_count; i++) {
        const struct fault_range *range = &rule->ranges[i];
        if (peer->port >= range->first_port && peer->port <= range->last_port &&
            strcmp(peer->host, range->host) == 0)
            return true;
    }
    return rule->range_count == 0;
}

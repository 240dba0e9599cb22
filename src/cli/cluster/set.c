/* `trothdb cluster set` and `unset`: settings of all nodes, kept by the control shard. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/cluster/settings.h"
#include "cli/cluster/settings_said.h"
#include "cli/cluster/subcommands.h"
#include "config/config.h"

enum { SETTINGS_TEXT_BYTES = 16 << 20 };
#define NOTHING_CHANGED "nothing was changed:"

struct settings_wish {
    struct order *order; /* its operands: NAME VALUE..., or NAME... */
    bool is_set;
    struct buffer text; /* who cannot take it, or does not follow yet */
};

/* A value as nodes tell it: "64mb" is 67108864. */
static void tell_value(void *context, const char *name, const char *value) {
    (void)name;
    buffer_clear(context);
    buffer_append_text(context, value);
}

static void canonical_value(struct bytes name, struct bytes value, struct buffer *out) {
    struct config config;
    struct buffer ignored;
    config_init(&config);
    buffer_init(&ignored, SETTINGS_TEXT_BYTES);
    buffer_append_bytes(out, value);
    if (config_set(&config, name, value, CONFIG_SOURCE_CLUSTER, &ignored) == 0)
        config_get(&config, name, tell_value, out);
    buffer_release(&ignored);
    config_release(&config);
}

/* ---- does everybody follow? ---- */

/* The node's row of a setting, under whichever of its names that is asked for. */
static const struct response *row_of(const struct survey_answer *node, const char *name) {
    const char *own = config_name(bytes_of_text(name));
    return settings_row(node, bytes_of_text(own ? own : name));
}

/* `value` is NULL where the setting was unset. What CONFIG SET said on a node comes first. */
static bool is_followed(const struct survey_answer *node, const char *name, const char *value) {
    const struct response *row = row_of(node, name);
    if (!row || setting_is_from(row, "node"))
        return true;
    if (!value)
        return !setting_is_from(row, "cluster");
    struct buffer canonical;
    buffer_init(&canonical, SETTINGS_TEXT_BYTES);
    canonical_value(bytes_of_text(name), bytes_of_text(value), &canonical);
    bool is_it = setting_is_from(row, "cluster") &&
                 bytes_equal(row->elements[SETTING_VALUE].text, buffer_bytes(&canonical));
    buffer_release(&canonical);
    return is_it;
}

static bool follows(const struct settings_wish *wish, const struct survey_answer *node) {
    const struct order *order = wish->order;
    bool is_done = true;
    for (int i = 0; i < order->operand_count && is_done; i += wish->is_set ? 2 : 1)
        is_done =
            is_followed(node, order->operands[i], wish->is_set ? order->operands[i + 1] : NULL);
    return is_done;
}

/* Who does not is left in wish->text, as "node 2, node 3". */
static bool all_follow(struct order *order, void *context) {
    struct settings_wish *wish = context;
    struct settings_said all;
    char problem[CLIENT_PROBLEM_BYTES];
    buffer_clear(&wish->text);
    if (settings_said_fetch(&all, &order->at, "*", problem)) {
        buffer_append_text(&wish->text, problem);
        return false;
    }
    for (size_t i = 0; i < all.asked.node_count; i++)
        if (!follows(wish, &all.nodes[i]))
            buffer_append_format(&wish->text, "%snode %u", wish->text.length ? ", " : "",
                                 all.asked.nodes[i].number);
    settings_said_release(&all);
    return wish->text.length == 0;
}

static int tell_behind(const struct settings_wish *wish) {
    struct buffer text;
    buffer_init(&text, SETTINGS_TEXT_BYTES);
    buffer_append_format(&text,
                         "not every node follows: %.*s; `trothdb cluster settings` shows what each "
                         "has, and the log of one that cannot says why",
                         BYTES_PRINT(buffer_bytes(&wish->text)));
    int status =
        order_fail_long(wish->order, "the cluster has taken it, but:", buffer_bytes(&text));
    buffer_release(&text);
    return status;
}

/* ---- before anything is changed ---- */

/* What the node says that can be changed, as far as this release knows it. */
static void config_of(const struct survey_answer *node, struct config *config,
                      struct buffer *ignored) {
    config_init(config);
    for (size_t i = 0; i < node->reply.element_count; i++) {
        const struct response *row = &node->reply.elements[i];
        bool is_own = row->element_count >= SETTING_COLUMNS && !setting_is_from(row, "built-in") &&
                      bytes_equal(row->elements[SETTING_WHEN].text, BYTES_LITERAL("live"));
        if (is_own && config_set(config, row->elements[SETTING_NAME].text,
                                 row->elements[SETTING_VALUE].text, CONFIG_SOURCE_FILE, ignored))
            buffer_clear(ignored);
    }
}

/* CONFIG SET on a node comes before what is set here. */
static void add_wish(const struct survey_answer *node, const struct order *order,
                     struct config *config, struct buffer *ignored) {
    for (int i = 0; i + 1 < order->operand_count; i += 2) {
        const struct response *row = row_of(node, order->operands[i]);
        bool is_below = !row || !setting_is_from(row, "node");
        if (is_below &&
            config_set(config, bytes_of_text(order->operands[i]),
                       bytes_of_text(order->operands[i + 1]), CONFIG_SOURCE_CLUSTER, ignored))
            buffer_clear(ignored); /* the control shard says what is wrong with it */
    }
}

/* Do the settings that the node has of its own go with what is wished for? */
static bool goes_with(const struct survey_answer *node, const struct order *order,
                      struct buffer *problem) {
    struct config config;
    config_of(node, &config, problem);
    bool is_known = config_check(&config, problem) == 0;
    buffer_clear(problem);
    add_wish(node, order, &config, problem);
    bool is_sound = !is_known || config_check(&config, problem) == 0;
    config_release(&config);
    return is_sound;
}

/* Whom the cluster cannot ask says so in its own log later. */
static void find_contradictions(struct settings_wish *wish) {
    struct settings_said all;
    struct buffer problem;
    char ignored[CLIENT_PROBLEM_BYTES];
    if (settings_said_fetch(&all, &wish->order->at, "*", ignored))
        return;
    buffer_init(&problem, SETTINGS_TEXT_BYTES);
    for (size_t i = 0; i < all.asked.node_count; i++) {
        buffer_clear(&problem);
        if (!goes_with(&all.nodes[i], wish->order, &problem))
            buffer_append_format(&wish->text,
                                 "%sit does not go with settings of node %u: %.*s; change its "
                                 "file, or `TROTHDB UNSET` on it what CONFIG SET said",
                                 wish->text.length ? "\n" : "", all.asked.nodes[i].number,
                                 BYTES_PRINT(buffer_bytes(&problem)));
    }
    buffer_release(&problem);
    settings_said_release(&all);
}

/* ---- changing ---- */

static int ask(const struct settings_wish *wish) {
    const struct order *order = wish->order;
    size_t count = (size_t)order->operand_count + 2;
    struct bytes *words = memory_allocate_zeroed(count, sizeof *words);
    words[0] = BYTES_LITERAL("TROTHDB");
    words[1] = bytes_of_text(wish->is_set ? "CLUSTERSET" : "CLUSTERUNSET");
    for (int i = 0; i < order->operand_count; i++)
        words[i + 2] = bytes_of_text(order->operands[i]);
    int status = order_ask(order, NOTHING_CHANGED, words, count);
    memory_free(words);
    return status;
}

static int change(struct settings_wish *wish) {
    if (wish->is_set)
        find_contradictions(wish);
    if (wish->text.length)
        return order_fail_long(wish->order, NOTHING_CHANGED, buffer_bytes(&wish->text));
    int status = ask(wish);
    if (!status && !order_wait(wish->order, all_follow, wish))
        status = tell_behind(wish);
    return status ? status : settings_print_changed(wish->order);
}

static int run(struct settings_wish *wish) {
    buffer_init(&wish->text, SETTINGS_TEXT_BYTES);
    int status = change(wish);
    buffer_release(&wish->text);
    return status;
}

int cluster_set(struct order *order) {
    int status = order_read(order, NULL);
    if (!status && order->operand_count % 2 != 0)
        status = order_usage_operands(order, order->operand_count + 1);
    return status ? status : run(&(struct settings_wish){.order = order, .is_set = true});
}

int cluster_unset(struct order *order) {
    int status = order_read(order, NULL);
    return status ? status : run(&(struct settings_wish){.order = order});
}

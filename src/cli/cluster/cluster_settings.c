/* `trothdb cluster set`, `unset` and `settings`: settings of all nodes, kept by the control shard,
 * and what decides the value of each on every node. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text/json.h"
#include "cli/client/survey.h"
#include "cli/cluster/cluster.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/refusal.h"
#include "config/config.h"

enum {
    SETTINGS_WAIT_S_DEFAULT = 60,
    SETTINGS_POLL_MS = 100,
    SETTINGS_OUTPUT_BYTES = 16 << 20,
    SETTINGS_NODES_BYTES = 8 << 10 /* "1 2 3": of as many nodes as there may be */
};

struct request {
    struct net_address at;
    bool is_json, is_all;
    int64_t wait_s;
};

static int read_request(struct request *request, const char *name, const char *line, int argc,
                        char **argv, int *operands) {
    bool is_change = strcmp(name, "cluster settings") != 0;
    const char *at = is_change ? "" : CLIENT_ADDRESS_DEFAULT;
    *request = (struct request){.wait_s = SETTINGS_WAIT_S_DEFAULT};
    const struct flag flags[] = {
        {.name = "at", .text = &at},
        {.name = "json", .is_set = &request->is_json},
        is_change ? (struct flag){.name = "wait", .number = &request->wait_s, .maximum = 86400}
                  : (struct flag){.name = "all", .is_set = &request->is_all},
        {0}};
    char problem[CLIENT_PROBLEM_BYTES];
    if (flags_read(flags, name, argc, argv, operands))
        return ERR_INVALID;
    if (!at[0]) {
        cluster_usage(request->is_json, line, CLUSTER_AT_MISSING);
        return ERR_INVALID;
    }
    if (client_address(&request->at, at, problem)) {
        refusal_tell("cluster", request->is_json, "%s", problem);
        return ERR_INVALID;
    }
    return 0;
}

/* ---- what every node says ---- */

struct all_settings {
    struct status asked;
    struct survey_answer *nodes; /* one for each of asked.nodes: [name, value, source, when] each */
};

static void ask_all(struct all_settings *all, const char *pattern) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("SETTINGS"),
                                  bytes_of_text(pattern)};
    const struct survey survey = {.words = words, .word_count = 3, .timeout_ms = CLUSTER_ASK_MS};
    all->nodes = memory_allocate_zeroed(all->asked.node_count, sizeof *all->nodes);
    for (size_t i = 0; i < all->asked.node_count; i++) {
        status_node_client(&all->asked.nodes[i], &all->nodes[i].address);
        all->nodes[i].is_doubtful = status_node_is_doubtful(&all->asked.nodes[i]);
    }
    survey_ask(&survey, all->nodes, all->asked.node_count);
}

static int fetch(struct all_settings *all, const struct net_address *at, const char *pattern,
                 char *problem) {
    int error = status_fetch(&all->asked, at, CLUSTER_ASK_MS, problem);
    if (error)
        return error;
    if (all->asked.node_count == 0) {
        snprintf(problem, CLIENT_PROBLEM_BYTES, "the node belongs to no cluster yet");
        status_release(&all->asked);
        return ERR_REFUSED;
    }
    ask_all(all, pattern);
    return 0;
}

static void release(struct all_settings *all) {
    survey_release(all->nodes, all->asked.node_count);
    memory_free(all->nodes);
    status_release(&all->asked);
}

/* The row of a setting in a node's answer; NULL: it has none. */
static const struct response *row_of(const struct survey_answer *node, struct bytes name) {
    for (size_t i = 0; i < node->reply.element_count; i++) {
        const struct response *row = &node->reply.elements[i];
        if (row->element_count >= 4 && bytes_equal(row->elements[0].text, name))
            return row;
    }
    return NULL;
}

static bool is_same(const struct response *a, const struct response *b) {
    return a && b && bytes_equal(a->elements[1].text, b->elements[1].text) &&
           bytes_equal(a->elements[2].text, b->elements[2].text);
}

/* ---- printing: one line for all nodes that say the same of a setting ---- */

struct printing {
    const struct all_settings *all;
    struct bytes name;
    size_t first; /* of the nodes that say so */
    const struct response *row;
};

static bool is_first_to_say(const struct printing *printing) {
    for (size_t i = 0; i < printing->first; i++)
        if (is_same(row_of(&printing->all->nodes[i], printing->name), printing->row))
            return false;
    return true;
}

static unsigned count_same(const struct printing *printing) {
    unsigned count = 0;
    for (size_t i = 0; i < printing->all->asked.node_count; i++)
        count += is_same(row_of(&printing->all->nodes[i], printing->name), printing->row);
    return count;
}

static void append_nodes(const struct printing *printing, struct buffer *out) {
    const struct all_settings *all = printing->all;
    if (count_same(printing) == all->asked.node_count) {
        buffer_append_text(out, "all");
        return;
    }
    size_t before = out->length;
    for (size_t i = 0; i < all->asked.node_count; i++) {
        if (is_same(row_of(&all->nodes[i], printing->name), printing->row)) {
            buffer_append_format(out, "%s%u", out->length > before ? " " : "",
                                 all->asked.nodes[i].number);
        }
    }
}

/* Something other than the default, of what can be changed: each node's own addresses are no news.
 */
static bool is_news(const struct all_settings *all, struct bytes name) {
    for (size_t i = 0; i < all->asked.node_count; i++) {
        const struct response *row = row_of(&all->nodes[i], name);
        if (row && !bytes_equal(row->elements[2].text, BYTES_LITERAL("built-in")) &&
            bytes_equal(row->elements[3].text, BYTES_LITERAL("live")))
            return true;
    }
    return false;
}

/* Every answer that differs from those before it, of every setting, in the order of the first node
 * that answers. */
static void each_line(const struct all_settings *all, bool is_all,
                      void (*emit)(void *context, const struct printing *printing), void *context) {
    size_t first = 0;
    while (first < all->asked.node_count && all->nodes[first].reply.element_count == 0)
        first++;
    for (size_t s = 0; first < all->asked.node_count && s < all->nodes[first].reply.element_count;
         s++) {
        struct bytes name = all->nodes[first].reply.elements[s].elements[0].text;
        bool is_told = is_all || is_news(all, name);
        for (size_t i = first; is_told && i < all->asked.node_count; i++) {
            struct printing printing = {all, name, i, row_of(&all->nodes[i], name)};
            if (printing.row && is_first_to_say(&printing))
                emit(context, &printing);
        }
    }
}

static void add_to_grid(void *context, const struct printing *printing) {
    struct grid *grid = context;
    struct buffer nodes;
    buffer_init(&nodes, SETTINGS_NODES_BYTES);
    append_nodes(printing, &nodes);
    grid_cell(grid, "%.*s", BYTES_PRINT(printing->name));
    grid_cell(grid, "%.*s", BYTES_PRINT(printing->row->elements[1].text));
    grid_cell(grid, "%.*s", BYTES_PRINT(printing->row->elements[2].text));
    grid_cell(grid, "%.*s", BYTES_PRINT(buffer_bytes(&nodes)));
    buffer_release(&nodes);
}

static void add_to_json(void *context, const struct printing *printing) {
    struct json *json = context;
    json_open(json, NULL, '{');
    json_bytes(json, "setting", printing->name);
    json_bytes(json, "value", printing->row->elements[1].text);
    json_bytes(json, "source", printing->row->elements[2].text);
    json_open(json, "nodes", '[');
    for (size_t i = 0; i < printing->all->asked.node_count; i++) {
        const struct all_settings *all = printing->all;
        if (is_same(row_of(&all->nodes[i], printing->name), printing->row))
            json_number(json, NULL, all->asked.nodes[i].number);
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void print_json(const struct all_settings *all, bool is_all, struct buffer *out) {
    struct json json = {.out = out};
    json_open(&json, NULL, '{');
    json_open(&json, "settings", '[');
    each_line(all, is_all, add_to_json, &json);
    json_close(&json, ']');
    json_open(&json, "silent", '[');
    for (size_t i = 0; i < all->asked.node_count; i++)
        if (all->nodes[i].reply.kind != RESPONSE_ARRAY)
            json_number(&json, NULL, all->asked.nodes[i].number);
    json_close(&json, ']');
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
}

static void print_table(const struct all_settings *all, bool is_all, struct buffer *out) {
    static const char *const least[] = {"from", NULL};
    struct grid grid;
    grid_init(&grid, "llll");
    grid_row(&grid, "setting", "value", "from", "nodes");
    size_t heading_count = grid.cell_count;
    each_line(all, is_all, add_to_grid, &grid);
    if (grid.cell_count == heading_count)
        buffer_append_text(out, "nothing is set; --all lists what is built in\n");
    else
        grid_print_in_window(&grid, out, "", least);
    grid_release(&grid);
    for (size_t i = 0; i < all->asked.node_count; i++) {
        if (all->nodes[i].reply.kind != RESPONSE_ARRAY) {
            buffer_append_format(out, "node %u does not answer: %s\n", all->asked.nodes[i].number,
                                 all->nodes[i].client.problem);
        }
    }
}

static bool is_any_told(const struct all_settings *all) {
    size_t count = 0;
    for (size_t i = 0; i < all->asked.node_count; i++) {
        bool is_silent = all->nodes[i].reply.kind != RESPONSE_ARRAY;
        count += all->nodes[i].reply.element_count + is_silent;
    }
    return count > 0;
}

static int print(const struct request *request, const char *pattern, bool is_all) {
    struct all_settings all = {0};
    struct buffer out;
    char problem[CLIENT_PROBLEM_BYTES];
    if (fetch(&all, &request->at, pattern, problem)) {
        return cluster_fail(request->is_json,
                            "the cluster cannot be asked:", bytes_of_text(problem));
    }
    if (!is_any_told(&all)) {
        release(&all);
        snprintf(problem, sizeof problem,
                 "no setting fits '%.80s'; without a pattern, --all lists all", pattern);
        return cluster_fail(request->is_json, "nothing is shown:", bytes_of_text(problem));
    }
    buffer_init(&out, SETTINGS_OUTPUT_BYTES);
    if (request->is_json)
        print_json(&all, is_all, &out);
    else
        print_table(&all, is_all, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
    release(&all);
    return EXIT_OK;
}

int cluster_settings(int argc, char **argv) {
    struct request request;
    int count;
    if (read_request(&request, "cluster settings", CLUSTER_SETTINGS_LINE, argc, argv, &count))
        return EXIT_USAGE;
    if (count > 1)
        return cluster_usage_operands(request.is_json, CLUSTER_SETTINGS_LINE, argv, count, 1);
    return print(&request, count ? argv[0] : "*", request.is_all || count == 1);
}

/* ---- changing ---- */

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
    buffer_init(&ignored, SETTINGS_OUTPUT_BYTES);
    buffer_append_bytes(out, value);
    if (config_set(&config, name, value, CONFIG_SOURCE_CLUSTER, &ignored) == 0)
        config_get(&config, name, tell_value, out);
    buffer_release(&ignored);
    config_release(&config);
}

/* Does the node follow what was set (BYTES_NONE: unset)? What CONFIG SET said on it comes first. */
static bool is_followed(const struct survey_answer *node, struct bytes name, bool is_set,
                        struct bytes value) {
    const char *own = config_name(name);
    const struct response *row = row_of(node, own ? bytes_of_text(own) : name);
    if (!row || bytes_equal(row->elements[2].text, BYTES_LITERAL("node")))
        return true;
    bool is_of_cluster = bytes_equal(row->elements[2].text, BYTES_LITERAL("cluster"));
    return is_set ? is_of_cluster && bytes_equal(row->elements[1].text, value) : !is_of_cluster;
}

struct wish {
    const struct request *request;
    bool is_set;
    char **operands;
    int count;
};

static bool is_followed_by(const struct wish *wish, const struct survey_answer *node) {
    bool is_done = true;
    for (int i = 0; i < wish->count && is_done; i += wish->is_set ? 2 : 1) {
        struct bytes name = bytes_of_text(wish->operands[i]);
        struct buffer value;
        buffer_init(&value, SETTINGS_OUTPUT_BYTES);
        if (wish->is_set)
            canonical_value(name, bytes_of_text(wish->operands[i + 1]), &value);
        is_done = is_followed(node, name, wish->is_set, buffer_bytes(&value));
        buffer_release(&value);
    }
    return is_done;
}

/* Who does not follow, as "node 2, node 3"; nobody: empty. */
static void find_behind(const struct wish *wish, struct buffer *behind) {
    struct all_settings all = {0};
    char problem[CLIENT_PROBLEM_BYTES];
    buffer_clear(behind);
    if (fetch(&all, &wish->request->at, "*", problem)) {
        buffer_append_text(behind, problem);
        return;
    }
    for (size_t i = 0; i < all.asked.node_count; i++)
        if (!is_followed_by(wish, &all.nodes[i]))
            buffer_append_format(behind, "%snode %u", behind->length ? ", " : "",
                                 all.asked.nodes[i].number);
    release(&all);
}

static bool wait_until_followed(const struct wish *wish, struct buffer *behind) {
    uint64_t deadline_ms = cluster_now_ms() + (uint64_t)wish->request->wait_s * 1000;
    for (find_behind(wish, behind); behind->length; find_behind(wish, behind)) {
        if (cluster_now_ms() >= deadline_ms)
            return false;
        usleep(SETTINGS_POLL_MS * 1000);
    }
    return true;
}

static int tell_behind(const struct request *request, const struct buffer *behind) {
    struct buffer text;
    buffer_init(&text, SETTINGS_OUTPUT_BYTES);
    buffer_append_format(&text,
                         "not every node follows: %.*s; `trothdb cluster settings` shows what each "
                         "has, and the log of one that cannot says why",
                         BYTES_PRINT(buffer_bytes(behind)));
    int code =
        cluster_fail(request->is_json, "the cluster has taken it, but:", buffer_bytes(&text));
    buffer_release(&text);
    return code;
}

/* ---- before anything is changed ---- */

/* What the node says that can be changed, as far as this release knows it. */
static void config_of(const struct survey_answer *node, struct config *config,
                      struct buffer *ignored) {
    config_init(config);
    for (size_t i = 0; i < node->reply.element_count; i++) {
        const struct response *row = &node->reply.elements[i];
        bool is_own = row->element_count >= 4 &&
                      bytes_equal(row->elements[3].text, BYTES_LITERAL("live")) &&
                      !bytes_equal(row->elements[2].text, BYTES_LITERAL("built-in"));
        if (is_own && config_set(config, row->elements[0].text, row->elements[1].text,
                                 CONFIG_SOURCE_FILE, ignored))
            buffer_clear(ignored);
    }
}

/* CONFIG SET on a node comes before what is set here. */
static void add_wish(const struct survey_answer *node, const struct wish *wish,
                     struct config *config, struct buffer *ignored) {
    for (int i = 0; i + 1 < wish->count; i += 2) {
        struct bytes name = bytes_of_text(wish->operands[i]);
        const char *own = config_name(name);
        const struct response *row = row_of(node, own ? bytes_of_text(own) : name);
        bool is_below = !row || !bytes_equal(row->elements[2].text, BYTES_LITERAL("node"));
        if (is_below && config_set(config, name, bytes_of_text(wish->operands[i + 1]),
                                   CONFIG_SOURCE_CLUSTER, ignored))
            buffer_clear(ignored); /* the control shard says what is wrong with it */
    }
}

/* Do the settings that the node has of its own go with what is wished for? */
static bool goes_with(const struct survey_answer *node, const struct wish *wish,
                      struct buffer *problem) {
    struct config config;
    config_of(node, &config, problem);
    bool is_known = config_check(&config, problem) == 0;
    buffer_clear(problem);
    add_wish(node, wish, &config, problem);
    bool is_sound = !is_known || config_check(&config, problem) == 0;
    config_release(&config);
    return is_sound;
}

/* Names each node that could not take it. Whom the cluster cannot ask says so in its own log later.
 */
static void find_contradictions(const struct wish *wish, struct buffer *out) {
    struct all_settings all = {0};
    char ignored[CLIENT_PROBLEM_BYTES];
    if (!wish->is_set || fetch(&all, &wish->request->at, "*", ignored))
        return;
    for (size_t i = 0; i < all.asked.node_count; i++) {
        struct buffer problem;
        buffer_init(&problem, SETTINGS_OUTPUT_BYTES);
        if (!goes_with(&all.nodes[i], wish, &problem))
            buffer_append_format(
                out,
                "%sit does not go with settings of node %u: %.*s; change its file, "
                "or `TROTHDB UNSET` on it what CONFIG SET said",
                out->length ? "\n" : "", all.asked.nodes[i].number,
                BYTES_PRINT(buffer_bytes(&problem)));
        buffer_release(&problem);
    }
    release(&all);
}

static int ask_for_change(const struct request *request, const char *command, char **operands,
                          int count, char *problem) {
    struct bytes *words = memory_allocate_zeroed((size_t)count + 2, sizeof *words);
    words[0] = BYTES_LITERAL("TROTHDB");
    words[1] = bytes_of_text(command);
    for (int i = 0; i < count; i++)
        words[i + 2] = bytes_of_text(operands[i]);
    int error = cluster_ask_control(&request->at, words, (size_t)count + 2, problem);
    memory_free(words);
    return error;
}

static int change(const struct request *request, const char *command, char **operands, int count) {
    struct wish wish = {request, strcmp(command, "CLUSTERSET") == 0, operands, count};
    char problem[CLIENT_PROBLEM_BYTES];
    struct buffer text;
    buffer_init(&text, SETTINGS_OUTPUT_BYTES);
    find_contradictions(&wish, &text);
    int code = text.length
                   ? cluster_fail(request->is_json, "nothing was changed:", buffer_bytes(&text))
                   : EXIT_OK;
    int error = code ? 0 : ask_for_change(request, command, operands, count, problem);
    if (error)
        code = cluster_fail(request->is_json, cluster_asked_heading(error, "nothing was changed:"),
                            bytes_of_text(problem));
    else if (!code && !wait_until_followed(&wish, &text))
        code = tell_behind(request, &text);
    buffer_release(&text);
    return code ? code : print(request, "*", false);
}

int cluster_set(int argc, char **argv) {
    struct request request;
    int count;
    if (read_request(&request, "cluster set", CLUSTER_SET_LINE, argc, argv, &count))
        return EXIT_USAGE;
    if (count == 0 || count % 2 != 0)
        return cluster_usage_operands(request.is_json, CLUSTER_SET_LINE, argv, count, count + 1);
    return change(&request, "CLUSTERSET", argv, count);
}

int cluster_unset(int argc, char **argv) {
    struct request request;
    int count;
    if (read_request(&request, "cluster unset", CLUSTER_UNSET_LINE, argc, argv, &count))
        return EXIT_USAGE;
    if (count == 0)
        return cluster_usage_operands(request.is_json, CLUSTER_UNSET_LINE, argv, count, 1);
    return change(&request, "CLUSTERUNSET", argv, count);
}

/* `trothdb cluster settings`: what decides the value of each setting on every node. One line tells
 * of all nodes that say the same. */
#include "cli/cluster/settings.h"

#include <stdio.h>

#include "base/text/json.h"
#include "cli/cluster/settings_said.h"
#include "cli/cluster/subcommands.h"
#include "cli/terminal/grid.h"

enum {
    SETTINGS_OUTPUT_BYTES = 16 << 20,
    SETTINGS_NODES_BYTES = 8 << 10 /* "1 2 3": of as many nodes as there may be */
};

static bool is_same(const struct response *a, const struct response *b) {
    return a && b &&
           bytes_equal(a->elements[SETTING_VALUE].text, b->elements[SETTING_VALUE].text) &&
           bytes_equal(a->elements[SETTING_SOURCE].text, b->elements[SETTING_SOURCE].text);
}

struct printing {
    const struct settings_said *all;
    struct bytes name;
    size_t first; /* of the nodes that say so */
    const struct response *row;
};

static bool is_first_to_say(const struct printing *printing) {
    for (size_t i = 0; i < printing->first; i++)
        if (is_same(settings_row(&printing->all->nodes[i], printing->name), printing->row))
            return false;
    return true;
}

static unsigned count_same(const struct printing *printing) {
    unsigned count = 0;
    for (size_t i = 0; i < printing->all->asked.node_count; i++)
        count += is_same(settings_row(&printing->all->nodes[i], printing->name), printing->row);
    return count;
}

static void append_nodes(const struct printing *printing, struct buffer *out) {
    const struct settings_said *all = printing->all;
    if (count_same(printing) == all->asked.node_count) {
        buffer_append_text(out, "all");
        return;
    }
    size_t before = out->length;
    for (size_t i = 0; i < all->asked.node_count; i++) {
        if (is_same(settings_row(&all->nodes[i], printing->name), printing->row)) {
            buffer_append_format(out, "%s%u", out->length > before ? " " : "",
                                 all->asked.nodes[i].number);
        }
    }
}

/* Something other than the default, of what can be changed: each node's own addresses are no news.
 */
static bool is_news(const struct settings_said *all, struct bytes name) {
    for (size_t i = 0; i < all->asked.node_count; i++) {
        const struct response *row = settings_row(&all->nodes[i], name);
        if (row && !setting_is_from(row, "built-in") &&
            bytes_equal(row->elements[SETTING_WHEN].text, BYTES_LITERAL("live")))
            return true;
    }
    return false;
}

/* Every answer that differs from those before it, of every setting, in the order of the first node
 * that answers. */
static void each_line(const struct settings_said *all, bool is_all,
                      void (*emit)(void *context, const struct printing *printing), void *context) {
    size_t first = 0;
    while (first < all->asked.node_count && all->nodes[first].reply.element_count == 0)
        first++;
    for (size_t s = 0; first < all->asked.node_count && s < all->nodes[first].reply.element_count;
         s++) {
        struct bytes name = all->nodes[first].reply.elements[s].elements[SETTING_NAME].text;
        bool is_told = is_all || is_news(all, name);
        for (size_t i = first; is_told && i < all->asked.node_count; i++) {
            struct printing printing = {all, name, i, settings_row(&all->nodes[i], name)};
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
    grid_cell(grid, "%.*s", BYTES_PRINT(printing->row->elements[SETTING_VALUE].text));
    grid_cell(grid, "%.*s", BYTES_PRINT(printing->row->elements[SETTING_SOURCE].text));
    grid_cell(grid, "%.*s", BYTES_PRINT(buffer_bytes(&nodes)));
    buffer_release(&nodes);
}

static void add_to_json(void *context, const struct printing *printing) {
    struct json *json = context;
    json_open(json, NULL, '{');
    json_bytes(json, "setting", printing->name);
    json_bytes(json, "value", printing->row->elements[SETTING_VALUE].text);
    json_bytes(json, "source", printing->row->elements[SETTING_SOURCE].text);
    json_open(json, "nodes", '[');
    for (size_t i = 0; i < printing->all->asked.node_count; i++) {
        const struct settings_said *all = printing->all;
        if (is_same(settings_row(&all->nodes[i], printing->name), printing->row))
            json_number(json, NULL, all->asked.nodes[i].number);
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void print_json(const struct settings_said *all, bool is_all, struct buffer *out) {
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

static void print_table(const struct settings_said *all, bool is_all, struct buffer *out) {
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

static bool is_any_told(const struct settings_said *all) {
    size_t count = 0;
    for (size_t i = 0; i < all->asked.node_count; i++) {
        bool is_silent = all->nodes[i].reply.kind != RESPONSE_ARRAY;
        count += all->nodes[i].reply.element_count + is_silent;
    }
    return count > 0;
}

static int print(const struct order *order, const char *pattern, bool is_all) {
    struct settings_said all;
    struct buffer out;
    char problem[CLIENT_PROBLEM_BYTES];
    if (settings_said_fetch(&all, &order->at, pattern, problem))
        return order_fail(order, "the cluster cannot be asked:", problem);
    if (!is_any_told(&all)) {
        settings_said_release(&all);
        snprintf(problem, sizeof problem,
                 "no setting fits '%.80s'; without a pattern, --all lists all", pattern);
        return order_fail(order, "nothing is shown:", problem);
    }
    buffer_init(&out, SETTINGS_OUTPUT_BYTES);
    if (order->is_json)
        print_json(&all, is_all, &out);
    else
        print_table(&all, is_all, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
    settings_said_release(&all);
    return EXIT_OK;
}

int settings_print_changed(const struct order *order) { return print(order, "*", false); }

int cluster_settings(struct order *order) {
    bool is_all = false;
    const struct flag flags[] = {{.name = "all", .is_set = &is_all}, {0}};
    int status = order_read(order, flags);
    if (status)
        return status;
    bool is_one = order->operand_count == 1;
    return print(order, is_one ? order->operands[0] : "*", is_all || is_one);
}

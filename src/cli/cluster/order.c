#include "cli/cluster/order.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "cli/client/cluster_ask.h"
#include "cli/cluster/view_print.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"

enum {
    OUTPUT_BYTES_MAXIMUM = 64 << 20,
    WORDS_MAXIMUM = 16,
    WORDS_BYTES = 512,
    OWN_FLAG_MAXIMUM = 4,
    WAIT_MAXIMUM_S = 86400,
    WAIT_POLL_MS = 200,
    /* Gossip spreads within a second, a node that joins warms up for a few, and a suspect is alive
     * or dead a few seconds later. */
    WAIT_HEARD_S = 15
};

/* ---- the command line ---- */

void order_init(struct order *order, const struct order_kind *kind, int argc, char **argv) {
    *order = (struct order){.kind = kind,
                            .operands = argv,
                            .operand_count = argc,
                            .wait_s = kind->wait_s,
                            .redraws = window_redraws(STDERR_FILENO)};
}

static int read_at(struct order *order, const char *at) {
    order->is_at_given = at[0] != '\0';
    if (order->kind->at == AT_WANTED && !order->is_at_given)
        return order_usage(order,
                           "--at is missing: name any node of the cluster by its client port");
    return order_read_address(order, order->is_at_given ? at : CLIENT_ADDRESS_DEFAULT, &order->at);
}

int order_read(struct order *order, const struct flag *own) {
    const struct order_kind *kind = order->kind;
    struct flag flags[OWN_FLAG_MAXIMUM + 4] = {{.name = "json", .is_set = &order->is_json}};
    const char *at = "";
    size_t count = 1;
    if (kind->at != AT_UNKNOWN)
        flags[count++] = (struct flag){.name = "at", .text = &at};
    if (kind->wait_s)
        flags[count++] =
            (struct flag){.name = "wait", .number = &order->wait_s, .maximum = WAIT_MAXIMUM_S};
    for (; own && own->name; own++)
        flags[count++] = *own;
    CHECK(count < sizeof flags / sizeof flags[0]);
    if (flags_read(flags, kind->name, order->operand_count, order->operands, &order->operand_count))
        return EXIT_USAGE;
    if (order->operand_count < kind->least)
        return order_usage_operands(order, kind->least);
    if (order->operand_count > kind->most)
        return order_usage_operands(order, kind->most);
    return kind->at == AT_UNKNOWN ? EXIT_OK : read_at(order, at);
}

int order_read_address(const struct order *order, const char *text, struct net_address *address) {
    char problem[CLIENT_PROBLEM_BYTES];
    if (client_address(address, text, problem) == 0)
        return EXIT_OK;
    refusal_tell("cluster", order->is_json, "%s", problem);
    return EXIT_USAGE;
}

int order_usage(const struct order *order, const char *format, ...) {
    const char *line = order->kind->line;
    struct buffer why;
    buffer_init(&why, SIZE_MAX);
    va_list arguments;
    va_start(arguments, format);
    buffer_append_arguments(&why, format, arguments);
    va_end(arguments);
    refusal_tell("cluster", false, "%.*s", BYTES_PRINT(buffer_bytes(&why)));
    fprintf(stderr, "usage: trothdb cluster %s\n`trothdb help cluster` tells more\n", line);
    buffer_append_format(&why, "; usage: trothdb cluster %s%c", line, '\0');
    if (order->is_json)
        refusal_print_json((const char *)buffer_data(&why));
    buffer_release(&why);
    return EXIT_USAGE;
}

int order_usage_operands(const struct order *order, int wanted) {
    int count = order->operand_count;
    if (count > wanted)
        return order_usage(order, "'%s' is too much", order->operands[wanted]);
    return count
               ? order_usage(order, "something is missing behind '%s'", order->operands[count - 1])
               : order_usage(order, "something is missing");
}

/* ---- showing how far it is ---- */

void order_show(struct order *order, const char *text) {
    if (order->is_json || strcmp(text, order->shown) == 0)
        return;
    snprintf(order->shown, sizeof order->shown, "%s", text);
    fprintf(stderr, order->redraws ? "\r\033[K%s" : "%s\n", text);
    fflush(stderr);
}

static void show_no_more(const struct order *order) {
    if (order->redraws && !order->is_json && order->shown[0])
        fputs("\r\033[K", stderr);
}

static bool wait_for(struct order *order, int64_t wait_s,
                     bool (*is_done)(struct order *order, void *context), void *context) {
    uint64_t deadline_ms = client_now_ms() + (uint64_t)wait_s * 1000;
    while (!is_done(order, context)) {
        if (client_now_ms() >= deadline_ms)
            return false;
        usleep(WAIT_POLL_MS * 1000);
    }
    show_no_more(order);
    return true;
}

bool order_wait(struct order *order, bool (*is_done)(struct order *order, void *context),
                void *context) {
    return wait_for(order, order->wait_s, is_done, context);
}

bool order_wait_heard(struct order *order, bool (*is_done)(struct order *order, void *context),
                      void *context) {
    int64_t heard_s = order->wait_s < WAIT_HEARD_S ? order->wait_s : WAIT_HEARD_S;
    return wait_for(order, heard_s, is_done, context);
}

/* ---- what comes of it ---- */

int order_fail_long(const struct order *order, const char *what, struct bytes why) {
    char *text = bytes_copy_text(why);
    show_no_more(order);
    if (order->is_json)
        refusal_print_json(text);
    else
        fprintf(stderr, "trothdb cluster: %s\n%s\n", what, text);
    memory_free(text);
    return EXIT_FAILED;
}

int order_fail(const struct order *order, const char *what, const char *why) {
    return order_fail_long(order, what, bytes_of_text(why));
}

int order_fetch(const struct order *order, struct status *cluster) {
    char problem[CLIENT_PROBLEM_BYTES];
    int error = status_fetch(cluster, &order->at, CLUSTER_ASK_MS, problem);
    return error ? order_fail(order, "the cluster cannot be asked:", problem) : EXIT_OK;
}

int order_ask(const struct order *order, const char *refused, const struct bytes *words,
              size_t count) {
    char problem[CLIENT_PROBLEM_BYTES];
    int error = cluster_ask_control(&order->at, words, count, problem);
    if (!error)
        return EXIT_OK;
    return order_fail(order, error == ERR_UNKNOWN ? "the outcome is not known:" : refused, problem);
}

int order_ask_text(const struct order *order, const char *refused, const char *format, ...) {
    char text[WORDS_BYTES];
    struct bytes words[WORDS_MAXIMUM];
    size_t count = 0;
    va_list arguments;
    va_start(arguments, format);
    CHECK(vsnprintf(text, sizeof text, format, arguments) < (int)sizeof text);
    va_end(arguments);
    for (struct bytes rest = bytes_of_text(text); rest.length && count < WORDS_MAXIMUM;)
        words[count++] = bytes_take_until(&rest, ' ');
    return order_ask(order, refused, words, count);
}

int order_print(const struct order *order) {
    struct cluster_view view;
    char problem[CLIENT_PROBLEM_BYTES];
    if (cluster_view_fetch(&view, &order->at, problem))
        return order_fail(order, "the node cannot be asked:", problem);
    struct buffer out;
    buffer_init(&out, OUTPUT_BYTES_MAXIMUM);
    if (order->is_json)
        view_print_json(&view, &out);
    else
        view_print_tables(&view, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
    cluster_view_release(&view);
    return EXIT_OK;
}

/* What every subcommand of `trothdb cluster` says: the cluster as it is, a refusal, its usage. */
#include <stdarg.h>
#include <time.h>

#include "base/memory.h"
#include "cli/cluster/cluster.h"
#include "cli/terminal/refusal.h"

enum { CLUSTER_OUTPUT_BYTES_MAXIMUM = 64 << 20 };

uint64_t cluster_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int cluster_fail(bool is_json, const char *what, struct bytes why) {
    char *text = bytes_copy_text(why);
    if (is_json)
        refusal_print_json(text);
    else
        fprintf(stderr, "trothdb cluster: %s\n%s\n", what, text);
    memory_free(text);
    return EXIT_FAILED;
}

int cluster_print(const struct net_address *client, bool is_json) {
    struct cluster_view view;
    char problem[CLIENT_PROBLEM_BYTES];
    if (cluster_view_fetch(&view, client, problem))
        return cluster_fail(is_json, "the node cannot be asked:", bytes_of_text(problem));
    struct buffer out;
    buffer_init(&out, CLUSTER_OUTPUT_BYTES_MAXIMUM);
    if (is_json)
        cluster_print_json(&view, &out);
    else
        cluster_print_tables(&view, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
    cluster_view_release(&view);
    return EXIT_OK;
}

int cluster_usage(bool is_json, const char *line, const char *format, ...) {
    struct buffer why;
    buffer_init(&why, SIZE_MAX);
    va_list arguments;
    va_start(arguments, format);
    buffer_append_arguments(&why, format, arguments);
    va_end(arguments);
    refusal_tell("cluster", false, "%.*s", BYTES_PRINT(buffer_bytes(&why)));
    fprintf(stderr, "usage: trothdb cluster %s\n`trothdb help cluster` tells more\n", line);
    buffer_append_format(&why, "; usage: trothdb cluster %s%c", line, '\0');
    if (is_json)
        refusal_print_json((const char *)buffer_data(&why));
    buffer_release(&why);
    return EXIT_USAGE;
}

int cluster_usage_operands(bool is_json, const char *line, char **operands, int count, int wanted) {
    if (count > wanted)
        return cluster_usage(is_json, line, "'%s' is too much", operands[wanted]);
    return count ? cluster_usage(is_json, line, "something is missing behind '%s'",
                                 operands[count - 1])
                 : cluster_usage(is_json, line, "something is missing");
}

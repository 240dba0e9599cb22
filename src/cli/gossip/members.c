/* `trothdb members`: who is there, as a table, as JSON, or as what changes. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/gossip/gossip.h"
#include "cli/gossip/gossip_client.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/refusal.h"

enum { MEMBERS_WORDS_MAXIMUM = 7, MEMBERS_DURATION_BYTES = 32 };

struct members_request {
    const char *at, *state, *tag;
    bool is_json, is_watching;
};

/* ---- as a table ---- */

/* "4 s", "3 min", "2 h", "5 d". */
static void duration_text(int64_t ms, char out[MEMBERS_DURATION_BYTES]) {
    int64_t seconds = ms / 1000;
    const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (seconds >= 2 * units[i].seconds || units[i].seconds == 1) {
            snprintf(out, MEMBERS_DURATION_BYTES, "%lld %s",
                     (long long)(seconds / units[i].seconds), units[i].unit);
            return;
        }
    }
}

static void round_trip_text(const struct response *member, char out[MEMBERS_DURATION_BYTES]) {
    int64_t us = response_field_number(member, "round_trip_us");
    if (response_field_number(member, "self"))
        snprintf(out, MEMBERS_DURATION_BYTES, "self");
    else if (us == 0)
        snprintf(out, MEMBERS_DURATION_BYTES, "-");
    else
        snprintf(out, MEMBERS_DURATION_BYTES, "%.2f ms", (double)us / 1000);
}

static void tags_text(const struct response *member, struct buffer *out) {
    const struct response *tags = response_field(member, "tags");
    for (size_t i = 0; tags && i + 1 < tags->element_count; i += 2) {
        buffer_append_format(out, "%s%.*s=%.*s", i ? " " : "", BYTES_PRINT(tags->elements[i].text),
                             BYTES_PRINT(tags->elements[i + 1].text));
    }
}

static void cell(struct grid *grid, struct bytes text) {
    grid_cell(grid, "%.*s", text.length ? (int)text.length : 1,
              text.length ? (const char *)text.data : "-");
}

/* Of a member that is called as another one is. */
static void add_name(struct grid *grid, const struct response *member) {
    struct bytes name = response_field_text(member, "name");
    if (response_field_number(member, "name_shared"))
        grid_cell(grid, "%.*s (shared)", BYTES_PRINT(name));
    else
        cell(grid, name);
}

static void add_row(struct grid *grid, const struct response *member) {
    char round_trip[MEMBERS_DURATION_BYTES], since[MEMBERS_DURATION_BYTES];
    struct buffer tags;
    struct bytes id = response_field_text(member, "id");
    buffer_init(&tags, GOSSIP_OUTPUT_BYTES);
    round_trip_text(member, round_trip);
    duration_text(response_field_number(member, "state_ms"), since);
    tags_text(member, &tags);
    add_name(grid, member);
    cell(grid, bytes_of(id.data, id.length < 8 ? id.length : 8));
    cell(grid, response_field_text(member, "kind"));
    cell(grid, response_field_text(member, "client"));
    cell(grid, response_field_text(member, "address"));
    cell(grid, response_field_text(member, "state"));
    grid_cell(grid, "%s", since);
    cell(grid, response_field_text(member, "zone"));
    grid_cell(grid, "%s", round_trip);
    cell(grid, buffer_bytes(&tags));
    buffer_release(&tags);
}

/* What a narrow window can do without comes first: it is there with --json, and in a pipe. */
static const char *const least_columns[] = {"id",    "zone",      "kind",       "round trip",
                                            "since", "gossip at", "clients at", NULL};

static int by_name(const void *a, const void *b) {
    return bytes_compare(response_field_text(a, "name"), response_field_text(b, "name"));
}

static void append_table(struct response *members, struct buffer *out) {
    struct grid grid;
    if (members->element_count > 0)
        qsort(members->elements, members->element_count, sizeof *members->elements, by_name);
    grid_init(&grid, "llllllrlrl");
    grid_row(&grid, "name", "id", "kind", "clients at", "gossip at", "state", "since", "zone",
             "round trip", "tags");
    for (size_t i = 0; i < members->element_count; i++)
        add_row(&grid, &members->elements[i]);
    grid_print_in_window(&grid, out, "", least_columns);
}

/* ---- the command ---- */

static int read_request(struct members_request *request, int argc, char **argv) {
    int operands;
    *request = (struct members_request){.at = CLIENT_ADDRESS_DEFAULT};
    const struct flag flags[] = {{.name = "at", .text = &request->at},
                                 {.name = "state", .text = &request->state},
                                 {.name = "tag", .text = &request->tag},
                                 {.name = "json", .is_set = &request->is_json},
                                 {.name = "watch", .is_set = &request->is_watching},
                                 {0}};
    if (flags_read(flags, "members", argc, argv, &operands))
        return ERR_INVALID;
    const char *problem = NULL;
    if (operands > 0)
        problem = "it takes flags only";
    else if (request->tag && !strchr(request->tag, '='))
        problem = "--tag takes key=value, such as role=web";
    else if (request->is_watching && (request->state || request->tag))
        problem = "--watch tells all changes; --state and --tag do not go with it";
    if (problem)
        refusal_tell("members", request->is_json, "%s; `trothdb help members` tells more", problem);
    return problem ? ERR_INVALID : 0;
}

static size_t words_of(const struct members_request *request,
                       struct bytes words[MEMBERS_WORDS_MAXIMUM]) {
    size_t count = 0;
    words[count++] = BYTES_LITERAL("GOSSIP");
    words[count++] = BYTES_LITERAL("MEMBERS");
    if (request->state) {
        words[count++] = BYTES_LITERAL("STATE");
        words[count++] = bytes_of_text(request->state);
    }
    if (request->tag) {
        const char *equals = strchr(request->tag, '=');
        words[count++] = BYTES_LITERAL("TAG");
        words[count++] = bytes_of(request->tag, (size_t)(equals - request->tag));
        words[count++] = bytes_of_text(equals + 1);
    }
    return count;
}

static void print_members(const struct gossip_client *asking, struct response *members) {
    struct buffer out;
    buffer_init(&out, GOSSIP_OUTPUT_BYTES);
    if (asking->is_json) {
        struct json json = {.out = &out};
        response_json(members, NULL, &json);
        buffer_append_u8(&out, '\n');
    } else {
        append_table(members, &out);
    }
    fwrite(buffer_data(&out), 1, out.length, stdout);
    fflush(stdout);
    buffer_release(&out);
}

static int show_members(struct gossip_client *asking, const struct bytes *words, size_t count) {
    struct response members;
    int code = gossip_client_call(asking, words, count, &members);
    if (code)
        return code;
    print_members(asking, &members);
    response_release(&members);
    return EXIT_OK;
}

int members_run(int argc, char **argv) {
    struct members_request request;
    struct bytes words[MEMBERS_WORDS_MAXIMUM];
    if (read_request(&request, argc, argv))
        return EXIT_USAGE;
    struct gossip_client asking = {.is_json = request.is_json, .command = "members"};
    int code = gossip_client_open(&asking, request.at);
    if (code)
        return code;
    size_t count = words_of(&request, words);
    code = request.is_watching ? gossip_client_watch(&asking, words, count, print_members)
                               : show_members(&asking, words, count);
    gossip_client_close(&asking);
    return code;
}

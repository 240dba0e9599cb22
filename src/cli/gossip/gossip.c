/* `trothdb gossip`: a GOSSIP command of a node or an agent, and its answer for people. */
#include <stdio.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/gossip/gossip.h"
#include "cli/gossip/gossip_client.h"
#include "cli/gossip/gossip_keys.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/refusal.h"

enum { GOSSIP_OPERANDS_MAXIMUM = 128 };

struct gossip_request {
    const char *at;
    const char *cluster_key_file, *cluster_name; /* of `keys` */
    bool is_json, is_partial;
};

/* ---- what answers look like ---- */

static void print_text(const struct response *reply) { printf("%.*s\n", BYTES_PRINT(reply->text)); }

/* Nothing is said when a wish was granted. */
static void print_nothing(const struct response *reply) { (void)reply; }

static void print_number(const struct response *reply) {
    printf("%lld\n", (long long)reply->integer);
}

static void print_shown(struct bytes text, const char *behind) {
    struct buffer out;
    buffer_init(&out, GOSSIP_OUTPUT_BYTES);
    utf8_append_shown(&out, text);
    buffer_append_text(&out, behind);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
}

/* A program gets one value as it is; a person's terminal must not obey it. */
static void print_one_value(struct bytes value) {
    if (isatty(STDOUT_FILENO)) {
        print_shown(value, "\n");
        return;
    }
    fwrite(value.data, 1, value.length, stdout);
    putchar('\n');
}

static void print_value(const struct response *reply) {
    if (reply->kind != RESPONSE_MAP) {
        print_one_value(reply->text);
        return;
    }
    for (size_t i = 0; i + 1 < reply->element_count; i += 2) {
        print_shown(reply->elements[i].text, " = ");
        print_shown(reply->elements[i + 1].text, "\n");
    }
}

static void print_round_trip(const struct response *reply) {
    printf("%.3f ms\n", (double)reply->integer / 1000);
}

/* ---- the subcommands ---- */

static const struct gossip_row {
    const char *name;
    int minimum, maximum; /* operands */
    const char *line;
    const char *absent; /* what it means if the answer is null; NULL: it never is */
    void (*print)(const struct response *reply);
} ROWS[] = {
    {"get", 1, 2, "get MEMBER [KEY]", "the member does not say that key", print_value},
    {"set", 2, 2, "set KEY VALUE", NULL, print_nothing},
    {"del", 1, GOSSIP_OPERANDS_MAXIMUM - 2, "del KEY...", NULL, print_number},
    {"watch", 0, 0, "watch", NULL, NULL},
    {"rtt", 1, 2, "rtt MEMBER [MEMBER]", "the round trip between them is not known",
     print_round_trip},
    {"info", 0, 0, "info", NULL, print_text},
    {"seed", 1, 1, "seed HOST:PORT", NULL, print_nothing},
    {"leave", 0, 0, "leave", NULL, print_nothing},
};

static const struct gossip_row *find_row(const char *name) {
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
        if (strcmp(ROWS[i].name, name) == 0)
            return &ROWS[i];
    return NULL;
}

static int usage(void) {
    fputs("usage:\n", stderr);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
        fprintf(stderr, "    trothdb gossip %s [--at H:P] [--json]\n", ROWS[i].line);
    fputs("    trothdb gossip keys list|rotate|add FILE|use ID|remove ID [--at H:P] [--json]\n"
          "`trothdb help gossip` tells more\n",
          stderr);
    return EXIT_USAGE;
}

/* "info" answers with lines "name:value": an object, as JSON. */
static void info_json(struct bytes text, struct json *json) {
    json_open(json, NULL, '{');
    while (text.length) {
        struct bytes line = bytes_take_until(&text, '\n'), value = line;
        struct bytes name = bytes_take_until(&value, ':');
        bool has_colon = name.length < line.length;
        if (has_colon && line.data[0] != '#') {
            char name_text[128];
            snprintf(name_text, sizeof name_text, "%.*s", BYTES_PRINT(name));
            value.length -= value.length > 0 && value.data[value.length - 1] == '\r';
            json_bytes(json, name_text, value);
        }
    }
    json_close(json, '}');
}

static void print_json(const struct gossip_row *row, const struct response *reply) {
    struct buffer out;
    buffer_init(&out, GOSSIP_OUTPUT_BYTES);
    struct json json = {.out = &out};
    if (strcmp(row->name, "info") == 0)
        info_json(reply->text, &json);
    else
        response_json(reply, NULL, &json);
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
}

static int run_row(struct gossip_client *asking, const struct gossip_row *row, char **operands,
                   int count) {
    struct bytes words[GOSSIP_OPERANDS_MAXIMUM + 2];
    size_t word_count = 0;
    struct response reply;
    bool is_all = strcmp(row->name, "get") == 0 && count == 1;
    words[word_count++] = BYTES_LITERAL("GOSSIP");
    words[word_count++] = is_all ? BYTES_LITERAL("GETALL") : bytes_of_text(row->name);
    for (int i = 0; i < count; i++)
        words[word_count++] = bytes_of_text(operands[i]);
    int code = gossip_client_call(asking, words, word_count, &reply);
    if (code)
        return code;
    bool is_absent = reply.kind == RESPONSE_NULL;
    if (is_absent)
        code = gossip_client_fail(asking, EXIT_FAILED, row->absent ? row->absent : "no answer");
    else if (asking->is_json)
        print_json(row, &reply);
    else
        row->print(&reply);
    response_release(&reply);
    return code;
}

/* `name` is NULL where nothing was said; `row` where there is none of that name. */
static int refuse(const char *name, const struct gossip_row *row, bool is_json) {
    if (row)
        refusal_tell("gossip", is_json, "it is `trothdb gossip %s`", row->line);
    else if (name)
        refusal_tell("gossip", is_json, "there is no '%s'", name);
    else
        refusal_tell("gossip", is_json, "it takes a word that says what to do");
    return usage();
}

int gossip_run(int argc, char **argv) {
    struct gossip_request request = {
        .at = CLIENT_ADDRESS_DEFAULT, .cluster_key_file = "", .cluster_name = ""};
    int operands;
    const struct flag flags[] = {{.name = "at", .text = &request.at},
                                 {.name = "json", .is_set = &request.is_json},
                                 {.name = "cluster-key-file", .text = &request.cluster_key_file},
                                 {.name = "cluster-name", .text = &request.cluster_name},
                                 {.name = "partial", .is_set = &request.is_partial},
                                 {0}};
    if (flags_read(flags, "gossip", argc, argv, &operands))
        return EXIT_USAGE;
    if (operands > 0 && strcmp(argv[0], "keys") == 0) {
        return gossip_keys_run(&(struct keys_request){.at = request.at,
                                                      .cluster_key_file = request.cluster_key_file,
                                                      .cluster_name = request.cluster_name,
                                                      .is_json = request.is_json,
                                                      .is_partial = request.is_partial},
                               argv + 1, operands - 1);
    }
    const struct gossip_row *row = operands > 0 ? find_row(argv[0]) : NULL;
    if (!row || operands - 1 < row->minimum || operands - 1 > row->maximum)
        return refuse(operands > 0 ? argv[0] : NULL, row, request.is_json);
    struct gossip_client asking = {.is_json = request.is_json, .command = "gossip"};
    int code = gossip_client_open(&asking, request.at);
    if (code)
        return code;
    code = row->print ? run_row(&asking, row, argv + 1, operands - 1)
                      : gossip_client_watch(&asking, NULL, 0, NULL);
    gossip_client_close(&asking);
    return code;
}

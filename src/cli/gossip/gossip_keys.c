#include "cli/gossip/gossip_keys.h"
#include "cli/gossip/keys_members.h"
#include "cli/gossip/keys_nodes.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/refusal.h"
#include <sodium.h>
#include <stdio.h>

enum { KEYS_OUTPUT_BYTES = 1 << 20 };

struct keys_work {
    const struct keys_request *request;
    struct keys_members all;
};

/* ---- telling ---- */

static int usage(bool is_json) {
    refusal_tell("gossip keys", is_json,
                 "it takes one of list, rotate, add FILE, use ID and remove ID");
    fputs("usage:\n"
          "    trothdb gossip keys list                     [--at H:P] [--json]\n"
          "    trothdb gossip keys rotate    --cluster-key-file FILE [--at H:P] [--partial]\n"
          "    trothdb gossip keys add FILE  --cluster-key-file FILE [--at H:P] [--partial]\n"
          "    trothdb gossip keys use ID                   [--at H:P] [--partial]\n"
          "    trothdb gossip keys remove ID                [--at H:P] [--partial]\n",
          stderr);
    return EXIT_USAGE;
}

static int fail(const struct keys_work *work, const char *problem) {
    const struct gossip_client as = {.is_json = work->request->is_json, .command = "gossip keys"};
    return gossip_client_fail(&as, EXIT_FAILED, problem);
}

/* --at is no address, or a flag is missing. */
static int refuse(const struct keys_work *work, const char *problem) {
    refusal_tell("gossip keys", work->request->is_json, "%s", problem);
    return EXIT_USAGE;
}

static int fail_at(const struct keys_work *work, struct buffer *problem) {
    buffer_append_u8(problem, 0);
    return fail(work, (const char *)buffer_data(problem));
}

/* Who did not do the last step, a line each. */
static void tell_problems(const struct keys_work *work, FILE *out) {
    for (size_t i = 0; i < work->all.count; i++) {
        const struct keys_member *member = &work->all.members[i];
        if (keys_member_lives(member) && member->problem[0] != 0)
            fprintf(out, "  %s: %s\n", member->name, member->problem);
        else if (!keys_member_lives(member))
            fprintf(out, "  %s is %s: it keeps the keys that it has\n", member->name,
                    strcmp(member->state, KEYS_STATE_AWAY) == 0 ? "a node of the cluster, and away"
                                                                : "dead, or cut off");
    }
}

static void print_table(const struct keys_work *work) {
    static const char *const least[] = {"state", NULL};
    struct grid grid;
    struct buffer out;
    buffer_init(&out, KEYS_OUTPUT_BYTES);
    grid_init(&grid, "llll");
    grid_row(&grid, "member", "state", "seals with", "opens as well");
    for (size_t i = 0; i < work->all.count; i++) {
        const struct keys_member *member = &work->all.members[i];
        grid_cell(&grid, "%s", member->name);
        grid_cell(&grid, "%s", member->state);
        grid_cell(&grid, "%s", member->id_count > 0 ? member->ids[0] : "?");
        grid_cell(&grid, "%s%s%s", member->id_count > 1 ? member->ids[1] : "-",
                  member->id_count > 2 ? " " : "", member->id_count > 2 ? member->ids[2] : "");
    }
    grid_print_in_window(&grid, &out, "", least);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
}

static void print_json(const struct keys_work *work) {
    struct buffer out;
    buffer_init(&out, KEYS_OUTPUT_BYTES);
    struct json json = {.out = &out};
    json_open(&json, NULL, '{');
    json_open(&json, "members", '[');
    for (size_t i = 0; i < work->all.count; i++) {
        const struct keys_member *member = &work->all.members[i];
        json_open(&json, NULL, '{');
        json_text(&json, "name", member->name);
        json_text(&json, "state", member->state);
        json_open(&json, "keys", '[');
        for (unsigned at = 0; at < member->id_count; at++)
            json_text(&json, NULL, member->ids[at]);
        json_close(&json, ']');
        if (member->problem[0] != 0)
            json_text(&json, "error", member->problem);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
}

/* What was done, with which key, on how many members. */
static int tell_done(const struct keys_work *work, const char *id, const char *what) {
    if (work->request->is_json)
        printf("{\"id\":\"%s\",\"members\":%zu}\n", id, work->all.count);
    else
        printf("%zu members %s %s\n", work->all.count, what, id);
    return EXIT_OK;
}

/* ---- the steps ---- */

static int run_list(struct keys_work *work, const char *operand) {
    (void)operand;
    size_t failed = keys_members_list(&work->all);
    if (work->request->is_json)
        print_json(work);
    else
        print_table(work);
    if (!work->request->is_json)
        tell_problems(work, stderr);
    return failed == 0 ? EXIT_OK : EXIT_FAILED;
}

/* Everybody is asked before anybody is told. Without those that are called dead a partition would
 * be for ever: its other half has the old key. */
static int ask_all(struct keys_work *work) {
    size_t absent = keys_members_list(&work->all) + keys_members_away(&work->all);
    if (absent > 0 && !work->request->is_partial) {
        tell_problems(work, stderr);
        return fail(work, "not every member answers, and nothing is changed; --partial goes on "
                          "without those above");
    }
    tell_problems(work, stderr);
    keys_members_leave_out(&work->all);
    return work->all.count > 0 ? EXIT_OK : fail(work, "no member answers");
}

static int take_step(struct keys_work *work, const char *action, const char *argument,
                     const char *meaning) {
    size_t failed = keys_members_step(&work->all, action, argument);
    if (failed == 0)
        return EXIT_OK;
    tell_problems(work, stderr);
    return fail(work, meaning);
}

/* The new key as it travels. The exit code. */
static int wrap(struct keys_work *work, const struct seal_key *key,
                char text[SEAL_FRESH_KEY_TEXT_BYTES]) {
    const struct keys_request *request = work->request;
    struct seal *seal = NULL;
    struct buffer problem;
    int code = EXIT_OK;
    if (request->cluster_key_file[0] == 0)
        return refuse(work, "a new key travels sealed with the one in use: name the file of that "
                            "one with --cluster-key-file");
    buffer_init(&problem, KEYS_OUTPUT_BYTES);
    if (seal_new_from_file(&seal, request->cluster_key_file, request->cluster_name, &problem) == 0)
        keyring_wrap(seal, key, text);
    else
        code = fail_at(work, &problem);
    seal_free(seal);
    buffer_release(&problem);
    return code;
}

/* Adds it to every ring, or to none. */
static int add_key(struct keys_work *work, const struct seal_key *key) {
    char text[SEAL_FRESH_KEY_TEXT_BYTES], id[SEAL_ID_TEXT_BYTES];
    int code = wrap(work, key, text);
    if (code == EXIT_OK)
        code = ask_all(work);
    if (code != EXIT_OK)
        return code;
    keyring_id(key, id);
    if (keys_members_step(&work->all, "ADD", text) == 0)
        return EXIT_OK;
    tell_problems(work, stderr);
    (void)keys_members_step(&work->all, "REMOVE", id);
    return fail(work, "not every member took the new key, so it was taken back from all");
}

static int run_add(struct keys_work *work, const char *file_name) {
    struct seal_key key;
    struct buffer problem;
    char id[SEAL_ID_TEXT_BYTES];
    buffer_init(&problem, KEYS_OUTPUT_BYTES);
    int code = keyring_read(&key, file_name, &problem) == 0 ? add_key(work, &key)
                                                            : fail_at(work, &problem);
    if (code == EXIT_OK) {
        keyring_id(&key, id);
        tell_done(work, id, "have taken the key");
    }
    keyring_wipe(&key);
    buffer_release(&problem);
    return code;
}

static int change(struct keys_work *work, const char *action, const char *id, const char *what) {
    int code = ask_all(work);
    if (code == EXIT_OK)
        code = take_step(work, action, id,
                         "not every member did it; it may be said again, to all of them");
    return code == EXIT_OK ? tell_done(work, id, what) : code;
}

static int run_use(struct keys_work *work, const char *id) {
    return change(work, "USE", id, "seal with");
}

static int run_remove(struct keys_work *work, const char *id) {
    return change(work, "REMOVE", id, "have no longer");
}

/* Every key but the new one, whoever still has it. */
static int remove_others(struct keys_work *work, const char *fresh) {
    if (keys_members_list(&work->all) > 0)
        return take_step(work, "LIST", NULL,
                         "the new key is in use, and older ones are not removed");
    for (size_t i = 0; i < work->all.count; i++)
        for (unsigned at = 0; at < work->all.members[i].id_count; at++) {
            const char *id = work->all.members[i].ids[at];
            int code = strcmp(id, fresh) == 0
                           ? EXIT_OK
                           : take_step(work, "REMOVE", id,
                                       "the new key is in use, and not every member removed the "
                                       "older ones; remove them by their ids");
            if (code != EXIT_OK)
                return code;
        }
    return EXIT_OK;
}

static int run_rotate(struct keys_work *work, const char *operand) {
    (void)operand;
    struct seal_key key;
    char id[SEAL_ID_TEXT_BYTES];
    keyring_make(&key);
    keyring_id(&key, id);
    int code = add_key(work, &key);
    keyring_wipe(&key);
    if (code == EXIT_OK)
        code = take_step(work, "USE", id,
                         "not every member uses the new key; all of them open it, so nobody is "
                         "lost: say `keys use` again");
    if (code == EXIT_OK)
        code = remove_others(work, id);
    if (code == EXIT_OK)
        code = tell_done(work, id, "seal with, and have no other key than,");
    return code;
}

/* ---- the command line ---- */

static const struct action {
    const char *name;
    int operand_count;
    int (*run)(struct keys_work *work, const char *operand);
} actions[] = {{"list", 0, run_list},
               {"rotate", 0, run_rotate},
               {"add", 1, run_add},
               {"use", 1, run_use},
               {"remove", 1, run_remove}};

/* NULL: there is none of that name, or it takes other operands. */
static const struct action *action_of(char **operands, int count) {
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (count == 1 + actions[i].operand_count && strcmp(operands[0], actions[i].name) == 0)
            return &actions[i];
    return NULL;
}

int gossip_keys_run(const struct keys_request *request, char **operands, int count) {
    const struct action *action = action_of(operands, count);
    struct keys_work work = {.request = request};
    char problem[CLIENT_PROBLEM_BYTES];
    int code;
    if (!action)
        return usage(request->is_json);
    if (sodium_init() < 0)
        return fail(&work, "the system has no source of randomness");
    int error = keys_members_find(&work.all, request->at, problem);
    if (error) {
        code = error == ERR_INVALID ? refuse(&work, problem) : fail(&work, problem);
    } else {
        keys_nodes_correct(&work.all);
        code = action->run(&work, count > 1 ? operands[1] : NULL);
    }
    keys_members_release(&work.all);
    return code;
}
